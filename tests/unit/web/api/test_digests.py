"""Digests over the API: the same choices as in the console."""

from __future__ import annotations

from gateway.domain.roles import Role
from tests.unit.web.api.conftest import Program
from tests.unit.web.console.house import JOE


async def test_choices_are_made_one_by_one_and_lifted_again(program: Program) -> None:
    at = f"/digests/{JOE}"
    heard = await program.ask("PATCH", at, Role.USER, {"schedule": "daily@07", "time_zone": "Asia/Tokyo"})
    assert heard.data["choices"]["schedule"] == {"value": "daily@7", "origin": JOE, "own": "daily@7"}
    heard = await program.ask("PATCH", at, Role.USER, {"schedule": None, "phrase": "blue kettle"})
    assert heard.data["choices"]["schedule"] == {"value": "off", "origin": "configuration", "own": None}
    assert heard.data["choices"]["time_zone"]["own"] == "Asia/Tokyo"
    assert heard.data["choices"]["phrase"]["own"] == "blue kettle"


async def test_choice_that_cannot_be_is_told_by_its_field(program: Program) -> None:
    heard = await program.ask("PATCH", f"/digests/{JOE}", Role.USER, {"schedule": "now and then"})
    assert heard.status == 422
    assert "schedule" in heard.body.decode()
    assert "daily@18" in heard.body.decode()


async def test_digest_is_sent_to_a_mailbox_and_not_to_a_domain(program: Program) -> None:
    assert (await program.ask("POST", f"/digests/{JOE}/send", Role.DOMAIN_ADMIN, {"what": "all"})).status == 204
    assert (await program.ask("POST", "/digests/example.org/send", Role.DOMAIN_ADMIN, {})).status == 409
    assert (await program.ask("GET", "/digests", Role.DOMAIN_ADMIN)).data["stuck"] == []
