"""How tests talk to the challenge page."""

from __future__ import annotations

from tests.unit.web.conftest import Client
from tests.unit.web.fakes import TOKEN

PAGE = f"/challenge/{TOKEN}"
JSON = {"Accept": "application/json"}
"""Headers of a program that reads the page."""


async def shown(client: Client, path: str = PAGE) -> str:
    """Return the page."""
    response = await client.get(path)
    assert response.status == 200
    return await response.text()


async def sent(client: Client, puzzle: str, answer: str, path: str = PAGE) -> tuple[int, str, str]:
    """Send an answer; return status, page, and where it leads."""
    response = await client.post(path, data={"puzzle": puzzle, "answer": answer}, allow_redirects=False)
    return response.status, await response.text(), response.headers.get("Location", "")
