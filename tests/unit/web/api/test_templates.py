"""The words of notices by the API, beside those of challenges."""

from __future__ import annotations

from gateway.domain.roles import Role
from tests.unit.web.api.conftest import Program

GOOD = {"subject": "Waits", "text": "{{ stop }}", "html": "<p>{{ stop }}</p>"}


async def test_words_of_notices_are_set_previewed_and_reset(program: Program) -> None:
    at = "/templates/example.org?kind=notice"
    shipped = (await program.ask("GET", at, Role.DOMAIN_ADMIN)).data
    assert "{{ stop }}" in shipped["texts"]["html"]
    wrong = await program.ask("PUT", at, Role.DOMAIN_ADMIN, {**GOOD, "text": "a\n{{ range(9) }}"})
    assert (wrong.status, wrong.data["errors"][0]["field"]) == (422, "text")
    assert wrong.data["errors"][0]["reason"].startswith("Line 2: a call is not allowed")
    tried = await program.ask("POST", "/templates/example.org/preview?kind=notice", Role.DOMAIN_ADMIN, GOOD)
    assert tried.data["subject"] == "Waits"
    assert (await program.ask("PUT", at, Role.DOMAIN_ADMIN, GOOD)).data["source"] == "own"
    assert (await program.ask("GET", "/templates/example.org", Role.DOMAIN_ADMIN)).data["source"] == "shipped"
    assert (await program.ask("DELETE", at, Role.DOMAIN_ADMIN)).status == 204
    assert (await program.ask("GET", at, Role.DOMAIN_ADMIN)).data["source"] == "shipped"
    assert (await program.ask("GET", "/templates/example.org?kind=digest", Role.DOMAIN_ADMIN)).status == 400
