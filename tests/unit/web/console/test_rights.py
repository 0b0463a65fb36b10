"""Every route of the console, for every role, with an object of one's own and a foreign one: from the table itself."""

from __future__ import annotations

import re

import pytest

from challenge_web.console.routes import Names, Proof, Route
from gateway.domain.roles import RIGHTS, Right, Role
from tests.unit.web.console.house import House

# A foreign id is refused without an object; these name nothing that could be foreign, or have a test of their own:
OTHERS = {
    "signin-link": "tests/system/test_sign_in.py",
    "outgoing-challenge": "test_challenge_that_is_stuck_is_retried_within_reach_only",
    "expecting-stop": "tests/unit/web/console/test_expecting.py",
    "list-undo": "tests/unit/web/console/test_lists.py",
    "list-draft": "tests/unit/web/console/test_list_files.py",
    "list-work": "tests/unit/web/console/test_list_files.py",
    "list-work-state": "tests/unit/web/console/test_list_files.py",
    "account-token-revoke": "tests/unit/web/console/test_tokens.py",
    "account-passkey-remove": "tests/system/test_sign_in.py",
}


# These ask for more than an id: a part of the mail, an address, whose pages to see, words that were changed, a proof.
ASK_MORE = {"message-frame", "message-file", "message-forward", "account-look", "texts-seen", "account-proof"}
# These change nothing about how people sign in.
NO_SIGN_IN = {
    "account",
    "account-proof",
    "account-token-revoke",
    "account-look",
    "account-session-end",
    "account-sessions-end",
    "accounts-leave",
}
# These end what the others need: they come last.
LAST = ("undo", "remove", "end", "look")


def doors(route: Route) -> list[tuple[str, Right]]:
    """Return each way into a route, with the right it asks for."""
    ways = []
    if route.show is not None and route.right is not None:
        ways += [("GET", route.right), ("HEAD", route.right)]
    if route.act is not None and route.right_to_act is not None:
        ways.append(("POST", route.right_to_act))
    return ways


@pytest.mark.parametrize("role", Role)
async def test_every_route_is_open_to_exactly_those_with_the_right(house: House, role: Role) -> None:
    ends = sorted(
        house.routes, key=lambda route: (route.name == "account-sessions-end", any(word in route.name for word in LAST))
    )
    for route in ends:
        for method, right in doors(route):
            status = await house.ask(method, route, role, house.named(route, role, own=True))
            told = (role.value, method, route.name, status)
            assert status < 500, told
            if right not in RIGHTS[role]:
                assert status == 403, told
            elif route.names not in (Names.ORDER, Names.SESSION, Names.OTHER) and route.name not in ASK_MORE:
                assert status not in (403, 404), told


@pytest.mark.parametrize("role", Role)
async def test_what_is_foreign_is_as_if_it_were_not_there(house: House, role: Role) -> None:
    for route in house.routes:
        if route.names in (Names.NOTHING, Names.OTHER):
            continue
        own_only = route.names in (Names.ORDER, Names.SESSION)
        for method, right in doors(route):
            if right not in RIGHTS[role] or (role is Role.SITE_ADMIN and not own_only):
                continue
            for named in (house.named(route, role, own=False), "999999"):
                status = await house.ask(method, route, role, named)
                assert status == 404, (role.value, method, route.name, named, status)


async def test_stranger_sees_the_sign_in_page_and_nothing_else(house: House) -> None:
    for route in house.routes:
        for method, _ in doors(route):
            for things in (house.own, house.foreign):
                assert await house.ask(method, route, None, things.get(route.names, "1")) == 303, route.name


async def test_no_route_takes_a_form_without_the_session_s_token(house: House) -> None:
    for route in house.routes:
        if route.act is None or route.right is None:
            continue
        path = re.sub(r"\{[^{}]*(?:\{[^}]*\})?[^{}]*\}", "1", route.path)
        headers = {"Cookie": f"session={house.secrets[Role.SITE_ADMIN]}"}
        answer = await house.client.post(path, data={"do": "delete"}, headers=headers, allow_redirects=False)
        assert answer.status == 403, route.name


def test_every_route_that_names_something_else_has_a_test_of_its_own(house: House) -> None:
    others = {route.name for route in house.routes if route.names is Names.OTHER}
    assert others == set(OTHERS)


@pytest.mark.parametrize("role", Role)
async def test_stolen_session_changes_nothing_about_how_people_sign_in(house: House, role: Role) -> None:
    await house.forget_proofs()
    for route in house.routes:
        if not route.name.startswith("account") or route.name in NO_SIGN_IN:
            continue
        assert route.proof is not Proof.SESSION, route.name
        for method, right in doors(route):
            if right not in RIGHTS[role] or (method != "POST" and route.proof is Proof.TO_ACT):
                continue
            answer = await house.answer(method, route, role, house.named(route, role, own=True))
            assert (answer.status, "account/proof" in answer.headers["Location"]) == (303, True), (method, route.name)


async def test_challenge_that_is_stuck_is_retried_within_reach_only(house: House) -> None:
    (route,) = [route for route in house.routes if route.name == "outgoing-challenge"]
    assert await house.ask("POST", route, Role.DOMAIN_ADMIN, "999999") == 404
