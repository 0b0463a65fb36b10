"""Choices of policy in the store, the mail under them, and the copies that the mail path takes."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from gateway.domain.address import Address
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.lists import Entry, Verdict
from gateway.store.store import Store
from tests.store.letters import JOE, KIM, NOW, described, keep, message, row

DAYS, MODE = PolicySetting.DAYS, PolicySetting.MODE
PATTERNS = ("anna@oak.example",)


async def choose(
    store: Store, scope: str, value: str | None, locked: bool = False, setting: PolicySetting = DAYS
) -> None:
    await store.transact(lambda tx: tx.policies.put(Choice(scope, setting, value, locked), "root", NOW))


async def test_choice_stands_in_the_place_of_the_one_before_and_an_empty_one_drops_it(store: Store) -> None:
    await choose(store, "@example.org", "3")
    await choose(store, "@example.org", "4", locked=True)
    await choose(store, "", None, locked=True)
    found = await store.look(lambda tx: tx.policies.choices(["", "@example.org", "joe@example.org"]))
    assert set(found) == {Choice("", DAYS, None, True), Choice("@example.org", DAYS, "4", True)}
    (chosen,) = await store.look(lambda tx: tx.policies.chosen("@example.org"))
    assert (chosen.setting, chosen.by, chosen.at) == (DAYS, "root", NOW)
    await choose(store, "@example.org", None)
    assert await store.look(lambda tx: tx.policies.choices(["@example.org"])) == ()


async def test_scopes_and_those_below_are_of_the_domain_only(store: Store) -> None:
    scopes = ["", "@example.org", "@sub.example.org", "joe@example.org", "%@example.org", "joe@xexample.org"]
    for scope in scopes:
        await choose(store, scope, "3")
    found = await store.look(lambda tx: tx.policies.scopes({"example.org"}, "", 10))
    assert found == ["%@example.org", "@example.org", "joe@example.org"]
    assert await store.look(lambda tx: tx.policies.scopes({"example.org"}, "@example.org", 1)) == ["joe@example.org"]
    assert await store.look(lambda tx: tx.policies.scopes(set(), "", 10)) == []
    assert len(await store.look(lambda tx: tx.policies.scopes(None, "", 10))) == 5

    async def below(scope: str) -> set[str]:
        return {choice.scope for choice in await store.look(lambda tx: tx.policies.below(scope))}

    assert await below("@example.org") == {"%@example.org", "joe@example.org"}
    assert await below("") == {*scopes} - {""}
    assert await below("joe@example.org") == set()


async def test_waiting_mail_is_found_by_site_domain_and_address_with_its_sub_addresses(store: Store) -> None:
    others = [
        Address.of(text)
        for text in ("joe+shop@example.org", "joe-x@example.org", "joey@example.org", "joe@elm.example")
    ]
    for number, recipient in enumerate((JOE, KIM, *others)):
        await keep(store, message(f"m{number}"), row(recipient))

    await described(store)

    async def waiting(scope: str, most: int = 100) -> list[str]:
        return await store.look(lambda tx: tx.policies.waiting_recipients(scope, most))

    assert await waiting("joe@example.org") == ["joe+shop@example.org", "joe@example.org"]
    assert len(await waiting("@example.org")) == 5
    assert await waiting("", 2) == ["joe@elm.example", "joey@example.org"]
    assert len(await waiting("")) == 6


# --- as the mail path sees them ---


async def test_arrangements_of_another_process_count_for_the_next_message(store: Store, url: str) -> None:
    other = Store(url)
    assert (await store.arrangements(PATTERNS, [JOE])).choices == {}
    await choose(other, "@example.org", "3")
    tagged = Address.of("joe+shop@example.org")
    found = (await store.arrangements(PATTERNS, [JOE, tagged])).choices
    assert found == {key: (Choice("@example.org", DAYS, "3"),) for key in (JOE.key, tagged.key)}
    await choose(other, "@example.org", None)
    assert (await store.arrangements(PATTERNS, [JOE])).choices == {}
    await other.close()


@pytest.mark.parametrize("chosen", [False, True])
async def test_arrangements_asked_for_again_are_not_read_again(store: Store, chosen: bool) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    if chosen:
        await choose(store, "", "3")
    entry = Entry(Verdict.ALLOW, "anna@oak.example", "")
    await store.transact(lambda tx: tx.lists.add(entry, "", "root", None, NOW))
    event.listen(store._readers, "before_cursor_execute", note)
    for _ in range(5):
        arranged = await store.arrangements(PATTERNS, [JOE, KIM])
        assert len(arranged.entries) == 1
        assert bool(arranged.choices) is chosen
    assert sum("list_entry" in statement for statement in statements) == 1
    assert sum("policy_choice" in statement for statement in statements) == (2 if chosen else 0)
    assert not any("expecting" in statement for statement in statements)


async def test_arrangements_without_patterns_have_no_entries(store: Store) -> None:
    assert (await store.arrangements((), [JOE])).entries == ()
