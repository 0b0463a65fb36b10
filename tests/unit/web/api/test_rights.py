"""Every operation of the API for every role and scope, on things of one's own and foreign ones: from the table itself."""

from __future__ import annotations

import json

import pytest

from challenge_web.api.operations import ROOT, Operation
from challenge_web.api.problems import MEDIA_TYPE
from challenge_web.console.routes import Names
from gateway.domain.address import Address
from gateway.domain.roles import RIGHTS, Right, Role
from gateway.domain.scopes import SCOPES, Scope, scope_of
from tests.store.letters import keep, message, row
from tests.unit.web.api.conftest import BODIES, Program
from tests.unit.web.console.house import JOE

# These name something else than the house has twice, and have a test of their own:
OTHERS = {
    "undoRemoval": "test_removal_of_somebody_else_is_as_if_it_were_not_there",
    "getImport": "test_import_of_somebody_else_is_as_if_it_were_not_there",
    "saveImport": "test_import_of_somebody_else_is_as_if_it_were_not_there",
    "getImportWork": "test_import_of_somebody_else_is_as_if_it_were_not_there",
    "stopImport": "test_import_of_somebody_else_is_as_if_it_were_not_there",
    "stopWindow": "test_window_of_somebody_else_is_as_if_it_were_not_there",
    "retryChallenge": "test_challenge_that_is_not_stuck_is_not_retried",
    "removeSearch": "test_search_of_somebody_else_is_as_if_it_were_not_there",
    "revokeToken": "test_token_of_somebody_else_is_as_if_it_were_not_there",
}
# Their own things are not there in this house, or are gone: 404 tells nothing about rights.
ABSENT = {
    "settlePendingSource", "askAgain", "forwardMessage", "readMessageHtml", "getMessagePart", "removeEntries", "getOrder",
    "undoOrder", "orderPending", "endAccountSession", "takeAddress", "deleteOutgoing", "getPolicyWaiting",
    "getReleaseRequestOfMessage",
}  # fmt: skip
LAST = ("delete", "remove", "end", "undo", "setAccount", "reset")
"""Beginnings of what ends what the others need."""


def in_order(operations: tuple[Operation, ...]) -> list[Operation]:
    return sorted(operations, key=lambda one: one.id.startswith(LAST))


def methods(operation: Operation) -> list[str]:
    return ["GET", "HEAD"] if operation.method == "GET" else [operation.method]


@pytest.mark.parametrize("role", Role)
async def test_every_operation_is_open_to_exactly_those_with_the_rights(program: Program, role: Role) -> None:
    for operation in in_order(program.house.operations):
        named = program.named(operation, role, own=True)
        for method in methods(operation):
            heard = await program.run(operation, role, named, method=method)
            told = (role.value, method, operation.id, heard.status, heard.body)
            assert heard.status < 500, told
            if not set(operation.rights) <= RIGHTS[role]:
                assert heard.status == 403, told
            elif operation.names not in (Names.ORDER, Names.SESSION, Names.OTHER) and operation.id not in ABSENT:
                assert heard.status not in (401, 403, 404), told


async def test_operation_without_one_of_its_scopes_is_refused_with_its_name(
    program: Program, subtests: pytest.Subtests
) -> None:
    for scope in Scope:
        left = [one for one in Scope if one is not scope]
        for operation in program.house.operations:
            if not set(operation.rights) & SCOPES[scope]:
                continue
            with subtests.test(scope=scope.value, operation=operation.id):
                heard = await program.run(operation, Role.SITE_ADMIN, "999999", left)
                assert (heard.status, heard.data["type"].rpartition(":")[2]) == (403, "scope")
                assert f'scope="{scope.value}"' in heard.headers["WWW-Authenticate"]


async def test_operations_ask_for_no_more_scopes_than_they_say(program: Program) -> None:
    for operation in in_order(program.house.operations):
        scopes = [scope for right in operation.rights if (scope := scope_of(right)) is not None]
        named = program.named(operation, Role.SITE_ADMIN, own=True)
        heard = await program.run(operation, Role.SITE_ADMIN, named, scopes)
        assert heard.status not in (401, 403), (operation.id, heard.body)
        if operation.names not in (Names.ORDER, Names.SESSION, Names.OTHER) and operation.id not in ABSENT:
            assert heard.status != 404, operation.id


@pytest.mark.parametrize("role", Role)
async def test_what_is_foreign_is_as_if_it_were_not_there(program: Program, role: Role) -> None:
    for operation in program.house.operations:
        if operation.names in (Names.NOTHING, Names.OTHER) or not set(operation.rights) <= RIGHTS[role]:
            continue
        own_only = operation.names in (Names.ORDER, Names.SESSION)
        if role is Role.SITE_ADMIN and not own_only:
            continue
        for method in methods(operation):
            for named in (program.named(operation, role, own=False), "999999", "0"):
                heard = await program.run(operation, role, named, method=method)
                assert heard.status == 404, (role.value, method, operation.id, named, heard.body)


async def test_stranger_gets_nothing_whatever_he_shows(program: Program) -> None:
    house = program.house
    cookie = f"session={house.secrets[Role.SITE_ADMIN]}"
    for operation in house.operations:
        named = program.named(operation, Role.SITE_ADMIN, own=True)
        path = operation.path.replace("{id}", named).replace("{scope}", named)
        path = path.replace("{part}", "1").replace("{session}", "1").replace("{address}", "x")
        body = json.dumps(BODIES.get(operation.id)).encode()
        for headers in ({}, {"Cookie": cookie}, {"Authorization": "Basic YTpi"}):
            answer = await house.client.request(operation.method, ROOT + path, data=body, headers=headers)
            assert answer.status == 401, operation.id
            assert answer.content_type == MEDIA_TYPE
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_every_operation_that_names_something_else_has_a_test_of_its_own(program: Program) -> None:
    others = {operation.id for operation in program.house.operations if operation.names is Names.OTHER}
    assert others == set(OTHERS)
    assert set(OTHERS.values()) <= set(globals())


def test_operations_have_names_of_their_own_and_bodies_in_these_tests(program: Program) -> None:
    ids = [operation.id for operation in program.house.operations]
    assert len(ids) == len(set(ids))
    assert {one.id for one in program.house.operations if one.body is not None} == set(BODIES)
    assert Right.LOOK_AS_USER not in {right for one in program.house.operations for right in one.rights}


# --- what the house does not have twice ---


async def test_removal_of_somebody_else_is_as_if_it_were_not_there(program: Program) -> None:
    added = (await program.ask("POST", "/lists", Role.USER, BODIES["addEntry"])).data
    removed = (await program.ask("DELETE", f"/lists/{added['entry']['id']}", Role.USER)).data
    undo = f"/lists/removals/{removed['id']}/undo"
    assert (await program.ask("POST", undo, Role.DOMAIN_ADMIN)).status == 404
    assert (await program.ask("POST", undo, Role.USER)).data == {"restored": 1, "in_the_way": 0}


async def test_import_of_somebody_else_is_as_if_it_were_not_there(program: Program) -> None:
    brought = (await program.ask("POST", "/lists/imports", Role.USER, BODIES["importEntries"])).data
    assert brought["new"] == 1
    at = f"/lists/imports/{brought['id']}"
    assert (await program.ask("GET", at, Role.SITE_ADMIN)).status == 404
    assert (await program.ask("POST", f"{at}/save", Role.SITE_ADMIN)).status == 404
    assert (await program.ask("GET", f"{at}/work", Role.USER)).status == 404
    saved = await program.ask("POST", f"{at}/save", Role.USER)
    assert (saved.status, saved.data["state"], saved.data["new"]) == (202, "done", 1)
    for method, status in (("GET", 200), ("DELETE", 409)):
        assert (await program.ask(method, f"{at}/work", Role.SITE_ADMIN)).status == 404
        assert (await program.ask(method, f"{at}/work", Role.USER)).status == status
    assert (await program.ask("GET", at, Role.USER)).status == 404


async def test_window_of_somebody_else_is_as_if_it_were_not_there(program: Program) -> None:
    opened = await program.ask("POST", "/expecting", Role.SITE_ADMIN, {"address": "kim@other.example"})
    assert opened.status == 201
    at = opened.headers["Location"].removeprefix(ROOT)
    assert (await program.ask("DELETE", at, Role.USER)).status == 404
    assert (await program.ask("DELETE", at, Role.DOMAIN_ADMIN)).status == 404
    assert (await program.ask("DELETE", at, Role.SITE_ADMIN)).status == 204


async def test_challenge_that_is_not_stuck_is_not_retried(program: Program) -> None:
    for role in (Role.DOMAIN_ADMIN, Role.SITE_ADMIN):
        assert (await program.ask("POST", "/outgoing/challenges/999999/retry", role)).status == 404


async def test_token_of_somebody_else_is_as_if_it_were_not_there(program: Program) -> None:
    (mine,) = (await program.ask("GET", "/account/tokens", Role.USER)).data["items"]
    assert mine["current"] is True
    at = f"/account/tokens/{mine['id']}"
    assert (await program.ask("DELETE", at, Role.SITE_ADMIN)).status == 404
    assert (await program.ask("DELETE", at, Role.USER)).status == 204
    assert (await program.ask("GET", "/account/tokens", Role.USER)).status == 401


async def test_search_of_somebody_else_is_as_if_it_were_not_there(program: Program) -> None:
    wish = {"name": "roofs", "q": "roof", "lane": "people", "sort": "size", "reverse": True}
    saved = await program.ask("POST", "/pending/searches", Role.USER, wish)
    assert (saved.status, saved.data) == (201, {"id": saved.data["id"], "source": ""} | wish)
    assert (await program.ask("GET", "/pending/searches", Role.USER)).data["items"] == [saved.data]
    assert (await program.ask("GET", "/pending/searches", Role.SITE_ADMIN)).data["items"] == []
    at = f"/pending/searches/{saved.data['id']}"
    assert (await program.ask("DELETE", at, Role.SITE_ADMIN)).status == 404
    assert (await program.ask("DELETE", at, Role.USER)).status == 204
    nothing = await program.ask("POST", "/pending/searches", Role.USER, {"name": "all"})
    assert (nothing.status, nothing.data["errors"][0]["field"]) == (422, "q")


async def test_sender_is_asked_again_once_and_then_told_from_when_on(program: Program) -> None:
    kept = await keep(program.house.store, message("Offer"), row(Address.of(JOE)))
    at = f"/messages/{kept.rows[0]}/ask-again"
    asked = await program.ask("POST", at, Role.USER)
    assert (asked.status, asked.data["challenge"] > 0) == (200, True)
    again = await program.ask("POST", at, Role.USER)
    assert again.status == 409
    assert "It can be asked from 20" in again.data["detail"]
    assert (await program.ask("POST", "/messages/999999/ask-again", Role.USER)).status == 404
    assert (await program.ask("POST", at, Role.AUDITOR)).status == 403
