"""The page of tokens."""

from __future__ import annotations

import re

from challenge_web.console.gate import CSRF_FIELD, csrf_token
from challenge_web.console.routes import Route
from gateway.domain.roles import Role
from tests.unit.web.console.house import House

AT = "/console/account/tokens"


def route(house: House, name: str) -> Route:
    (found,) = [route for route in house.routes if route.name == name]
    return found


async def post(house: House, path: str, role: Role, fields: list[tuple[str, str]]) -> tuple[int, str]:
    secret = house.secrets[role]
    answer = await house.client.post(
        path, data=[(CSRF_FIELD, csrf_token(secret)), *fields], headers={"Cookie": f"session={secret}"},
        allow_redirects=False,
    )  # fmt: skip
    return answer.status, await answer.text()


async def look(house: House, role: Role) -> str:
    answer = await house.client.get(AT, headers={"Cookie": f"session={house.secrets[role]}"})
    assert answer.status == 200
    return await answer.text()


async def test_token_is_shown_once_listed_and_revoked(house: House) -> None:
    assert "No tokens" in await look(house, Role.USER)
    fields = [("name", "my <b>script"), ("scope", "pending:read"), ("scope", "account"), ("days", "30")]
    status, page = await post(house, AT, Role.USER, fields)
    found = re.search(r"cgw_[a-z2-9]{56}", page)
    assert status == 200
    assert found is not None
    listed = await look(house, Role.USER)
    assert found[0] not in listed
    assert "my &lt;b&gt;script" in listed
    assert f"…{found[0][-4:]}" in listed
    assert "never used" in listed
    assert await house.ask("POST", route(house, "account-token-revoke"), Role.USER, "1") == 303
    assert "No tokens" in await look(house, Role.USER)


async def test_token_of_somebody_else_is_as_if_it_were_not_there(house: House) -> None:
    await post(house, AT, Role.USER, [("name", "x"), ("scope", "account"), ("days", "30")])
    for role in (Role.DOMAIN_ADMIN, Role.SITE_ADMIN):
        assert "No tokens" in await look(house, role)
        for named in ("1", "999999"):
            assert await house.ask("POST", route(house, "account-token-revoke"), role, named) == 404


async def test_token_that_cannot_be_is_refused_beside_what_was_typed(house: House) -> None:
    for fields, told in (
        ([("name", "x"), ("days", "30")], "Choose at least one"),
        ([("name", ""), ("scope", "account"), ("days", "30")], "needs a name"),
        ([("name", "x"), ("scope", "log:read"), ("days", "30")], "may not do yourself"),
        ([("name", "x"), ("scope", "account"), ("days", "9999")], "1 to 365 days"),
        ([("name", "x"), ("scope", "account"), ("days", "²")], "1 to 365 days"),
    ):
        status, page = await post(house, AT, Role.USER, fields)
        assert (status, told in page) == (422, True), told


async def test_page_offers_only_what_the_role_may(house: House) -> None:
    assert 'value="log:read"' not in await look(house, Role.USER)
    assert 'value="log:read"' in await look(house, Role.DOMAIN_ADMIN)
