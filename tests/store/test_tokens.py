"""Tokens on a store: made, known again, ended in every way."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gateway.domain.durations import DAY
from gateway.domain.roles import RIGHTS, Right, Role, Viewer
from gateway.domain.scopes import Scope, secret_text
from gateway.flow.account_ports import NewAccount, viewer_from
from gateway.flow.account_rights import Wrong
from gateway.flow.accounts import operator
from gateway.flow.tokens import MOST, Tokens
from gateway.store.store import Store

ROOT = operator("cli:root")
CLIENT = "192.0.2.7"


class Now:
    at = 1_700_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def tokens(store: Store, now: Now) -> Tokens:
    return Tokens(store, 365, now=now, random_octets=random.Random(1).randbytes)


async def somebody(store: Store, name: str = "joe@example.org", role: Role = Role.USER) -> Viewer:
    """Make an account, and return it as it is signed in."""
    number = await store.transact(lambda tx: tx.accounts.add(NewAccount(name, role, "tests", 0.0)))
    account = await store.look(lambda tx: tx.accounts.get(number))
    assert account is not None
    return viewer_from(account, 7, True)


async def test_token_speaks_for_its_owner_with_what_it_lends(store: Store, tokens: Tokens, now: Now) -> None:
    joe = await somebody(store)
    made = await tokens.make(joe, "  backup  script ", [Scope.LISTS_READ, Scope.ACCOUNT, Scope.LISTS_READ], 30)
    assert (made.token.name, made.token.scopes) == ("backup script", (Scope.LISTS_READ, Scope.ACCOUNT))
    found = await tokens.viewer(made.secret, CLIENT)
    assert found is not None
    viewer, token = found
    assert (viewer.account, viewer.session, token.id) == (joe.account, 0, made.token.id)
    assert {right for right in Right if viewer.may(right)} == {Right.SEE_LISTS, Right.OWN_ACCOUNT}
    assert {right for right in Right if viewer.may(right)} <= RIGHTS[Role.USER]
    (listed,) = await tokens.of(joe)
    assert (listed.used_at, listed.client, listed.hint) == (now.at, CLIENT, made.secret[-4:])


async def test_token_s_text_is_not_in_the_store(store: Store, tokens: Tokens) -> None:
    made = await tokens.make(await somebody(store), "x", [Scope.ACCOUNT], 30)
    dump = await store.look(lambda tx: repr(tx.connection.exec_driver_sql("SELECT * FROM api_token").fetchall()))
    assert made.secret not in dump
    assert made.secret[4:30] not in dump


async def test_token_that_ended_was_revoked_or_made_up_is_nobody_s(store: Store, tokens: Tokens, now: Now) -> None:
    joe = await somebody(store)
    short, other = [await tokens.make(joe, "x", [Scope.ACCOUNT], days) for days in (1, 2)]
    now.at += DAY
    assert await tokens.viewer(short.secret, CLIENT) is None
    assert await tokens.viewer(other.secret, CLIENT) is not None
    assert await tokens.revoke(joe, other.token.id)
    assert not await tokens.revoke(joe, other.token.id)
    assert await tokens.viewer(other.secret, CLIENT) is None
    assert await tokens.viewer(secret_text(bytes(30)), CLIENT) is None
    assert await tokens.viewer("cgw_nonsense", CLIENT) is None
    now.at -= 3 * DAY
    assert await tokens.viewer(short.secret, CLIENT) is None  # A clock that went back opens nothing.


async def test_token_of_an_account_that_is_shut_out_or_gone_is_nobody_s(store: Store, tokens: Tokens) -> None:
    joe = await somebody(store)
    made = await tokens.make(joe, "x", [Scope.ACCOUNT], 30)
    await store.transact(lambda tx: tx.accounts.set_disabled(joe.account, True))
    assert await tokens.viewer(made.secret, CLIENT) is None
    await store.transact(lambda tx: tx.accounts.remove(joe.account))
    assert await tokens.viewer(made.secret, CLIENT) is None
    assert await tokens.of(joe) == []


async def test_token_cannot_be_made_by_a_token_nor_with_rights_its_owner_lacks(store: Store, tokens: Tokens) -> None:
    joe = await somebody(store)
    with pytest.raises(Wrong, match="may not do yourself"):
        await tokens.make(joe, "x", [Scope.LOG_READ], 30)
    with pytest.raises(Wrong, match="signed in"):
        await tokens.make(replace(joe, session=0), "x", [Scope.ACCOUNT], 30)
    with pytest.raises(Wrong, match="signed in"):
        await tokens.make(replace(joe, looks_as="kim@example.org"), "x", [Scope.ACCOUNT], 30)


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("", [Scope.ACCOUNT], 30), ("x" * 101, [Scope.ACCOUNT], 30), ("a\x1bb", [Scope.ACCOUNT], 30), ("x", [], 30),
     ("x", [Scope.ACCOUNT], 0), ("x", [Scope.ACCOUNT], 366), ("x", [Scope.ACCOUNT], float("nan"))],
)  # fmt: skip
async def test_token_that_cannot_be_is_refused(
    store: Store, tokens: Tokens, name: str, scopes: list[Scope], days: float
) -> None:
    with pytest.raises(Wrong):
        await tokens.make(await somebody(store), name, scopes, days)


async def test_tokens_of_one_account_are_bounded(store: Store, tokens: Tokens) -> None:
    joe = await somebody(store)
    for _ in range(MOST):
        await tokens.make(joe, "x", [Scope.ACCOUNT], 30)
    with pytest.raises(Wrong, match="revoke one first"):
        await tokens.make(joe, "x", [Scope.ACCOUNT], 30)


async def test_tokens_of_others_are_as_if_they_were_not_there(store: Store, tokens: Tokens) -> None:
    joe, kim = await somebody(store), await somebody(store, "kim@example.org")
    made = await tokens.make(joe, "x", [Scope.ACCOUNT], 30)
    assert not await tokens.revoke(kim, made.token.id)
    assert not await tokens.revoke_of(kim, made.token.id)
    assert await tokens.of_account(kim, joe.account) == ()
    assert await tokens.make_for(kim, joe.account, "x", [Scope.ACCOUNT], 30) is None
    assert [one.id for one in await tokens.of_account(ROOT, joe.account)] == [made.token.id]
    assert await tokens.revoke_of(ROOT, made.token.id)


async def test_tokens_that_ended_long_ago_are_swept(store: Store, tokens: Tokens, now: Now) -> None:
    joe = await somebody(store)
    await tokens.make(joe, "x", [Scope.ACCOUNT], 1)
    now.at += 30 * DAY
    assert await tokens.sweep() == 0
    now.at += 2 * DAY
    assert await tokens.sweep() == 1
    assert await tokens.of(joe) == []
