"""The demo's buttons that sign a newcomer in."""

from __future__ import annotations

import pytest
from aiohttp import ClientResponse

from tests.unit.demo.stage import Stage


async def _enter(stage: Stage, who: str, **headers: str) -> ClientResponse:
    chosen = {"Origin": str(stage.client.make_url("/")).rstrip("/")} | headers
    return await stage.client.post("/demo/enter", data={"who": who}, headers=chosen, allow_redirects=False)


async def test_front_page_has_a_button_for_each_account(stage: Stage) -> None:
    page = await stage.get("/demo/")
    for key in ("joe", "domain-admin", "auditor", "admin"):
        assert f'name="who" value="{key}"' in page


@pytest.mark.parametrize("who", ["joe", "domain-admin", "auditor", "admin"])
async def test_press_signs_in_and_leads_to_the_console(stage: Stage, who: str) -> None:
    answer = await _enter(stage, who)
    assert answer.status == 303
    assert answer.headers["Location"] == "/console/"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("session=secretofasession;")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert stage.gateway.entered == [(who, "127.0.0.1")]


@pytest.mark.parametrize(
    ("who", "headers", "status"),
    [
        ("root", {}, 400),
        ("", {}, 400),
        ("admin", {"Origin": "http://evil.example"}, 403),
        ("admin", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("admin", {"Origin": "null"}, 403),
        ("admin", {"Host": "evil.example"}, 421),
    ],
)
async def test_nobody_is_signed_in_by_another_page_or_as_somebody_else(
    stage: Stage, who: str, headers: dict[str, str], status: int
) -> None:
    answer = await _enter(stage, who, **headers)
    assert answer.status == status
    assert "Set-Cookie" not in answer.headers
    assert stage.gateway.entered == []


async def test_reading_the_address_of_the_button_signs_nobody_in(stage: Stage) -> None:
    answer = await stage.client.get("/demo/enter?who=admin")
    assert answer.status == 405
    assert stage.gateway.entered == []
