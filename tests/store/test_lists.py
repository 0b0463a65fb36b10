"""Allow and deny entries, and the copies that each process keeps of them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event

from gateway.domain.address import Address
from gateway.domain.lists import ALIGNED, UNPROVEN, Entry, Verdict, merge_proofs, sender_keys, winner
from gateway.store.engine import sqlite_path
from gateway.store.lists import EntryCopies
from gateway.store.store import Store
from tests.store.letters import ANNA, JOE, KIM, NOW

PATTERNS = sender_keys(ANNA)


def entry(
    verdict: Verdict = Verdict.ALLOW, pattern: str = "anna@oak.example", scope: str = "", proof: str = ALIGNED
) -> Entry:
    return Entry(verdict, pattern, scope, proof)


async def add(store: Store, new: Entry) -> int:
    return await store.transact(lambda tx: tx.lists.add(new, "a note", "cli", None, NOW))


async def test_entry_added_is_found_by_any_pattern_that_names_the_sender(store: Store) -> None:
    ids = [await add(store, entry(pattern=pattern)) for pattern in ("anna@oak.example", "@oak.example", "@.example")]
    await add(store, entry(pattern="@elm.example"))
    assert sorted(one.id for one in await store.entries(PATTERNS)) == ids


async def test_entry_added_again_gains_the_proof_and_keeps_its_id(store: Store) -> None:
    one = await add(store, entry(proof="dkim:oak.example"))
    assert await add(store, entry(proof="spf:oak.example dkim:oak.example")) == one
    (found,) = await store.entries(PATTERNS)
    assert found.proof == "dkim:oak.example spf:oak.example"
    assert await add(store, entry(scope="@example.org")) != one
    assert await add(store, entry(Verdict.DENY)) != one


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        ("dkim:a.example", "dkim:a.example", "dkim:a.example"),
        ("dkim:a.example", "spf:b.example", "dkim:a.example spf:b.example"),
        (ALIGNED, "dkim:a.example", ALIGNED),
        ("dkim:a.example", ALIGNED, ALIGNED),
        (UNPROVEN, ALIGNED, UNPROVEN),
        ("dkim:a.example", UNPROVEN, UNPROVEN),
    ],
)
def test_merge_proofs_is_either_of_both_or_the_wider_word(old: str, new: str, merged: str) -> None:
    assert merge_proofs(old, new) == merged


async def test_precedence_of_stored_entries_is_that_of_the_domain(store: Store) -> None:
    for one in (
        entry(Verdict.DENY, "@oak.example", ""),
        entry(Verdict.ALLOW, "anna@oak.example", ""),
        entry(Verdict.DENY, "anna@oak.example", "@example.org"),
        entry(Verdict.ALLOW, "@oak.example", "joe@example.org"),
    ):
        await add(store, one)
    entries = await store.entries(PATTERNS)

    def wins(recipient: Address) -> tuple[Verdict, str]:
        best = winner(entries, (ANNA,), recipient)
        assert best is not None
        return best.verdict, best.scope

    assert wins(JOE) == (Verdict.ALLOW, "joe@example.org")
    assert wins(KIM) == (Verdict.DENY, "@example.org")
    assert wins(Address.of("x@elsewhere.example")) == (Verdict.ALLOW, "")


async def test_entry_removed_is_gone_and_removing_it_again_says_so(store: Store) -> None:
    await add(store, entry())
    await add(store, entry(Verdict.DENY))
    assert await store.transact(lambda tx: tx.lists.remove(Verdict.ALLOW, "anna@oak.example", ""))
    assert not await store.transact(lambda tx: tx.lists.remove(Verdict.ALLOW, "anna@oak.example", ""))
    assert [one.verdict for one in await store.entries(PATTERNS)] == [Verdict.DENY]


async def test_entry_of_a_hostile_pattern_matches_itself_only(store: Store) -> None:
    hostile = Address.of("a'; DROP TABLE list_entry; --%_@x.example")
    await add(store, entry(pattern=hostile.key))
    assert len(await store.entries(sender_keys(hostile))) == 1
    assert await store.entries(PATTERNS) == ()


async def test_entries_of_no_pattern_are_none(store: Store) -> None:
    await add(store, entry())
    assert await store.entries(()) == ()


async def test_entry_of_another_process_counts_for_the_next_message(store: Store, url: str) -> None:
    other = Store(url)
    assert await store.entries(PATTERNS) == ()
    await add(other, entry())
    assert len(await store.entries(PATTERNS)) == 1
    await other.transact(lambda tx: tx.lists.remove(Verdict.ALLOW, "anna@oak.example", ""))
    assert await store.entries(PATTERNS) == ()
    await add(other, entry(proof="dkim:oak.example"))
    assert [one.proof for one in await store.entries(PATTERNS)] == ["dkim:oak.example"]
    await add(other, entry(proof=ALIGNED))
    assert [one.proof for one in await store.entries(PATTERNS)] == [ALIGNED]
    await other.close()


async def test_entries_asked_for_again_are_not_read_again(store: Store) -> None:
    await add(store, entry())
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    await store.entries(PATTERNS)
    event.listen(store._readers, "before_cursor_execute", note)
    for _ in range(5):
        assert len(await store.entries(PATTERNS)) == 1
    assert statements == []
    await add(store, entry(pattern="@elm.example"))
    assert len(await store.entries(PATTERNS)) == 1
    assert any("list_entry" in statement for statement in statements)


async def test_entries_while_others_write_are_never_stale(store: Store, url: str) -> None:
    other = Store(url)
    for number in range(30):
        pattern = f"n{number}@oak.example"
        keys = sender_keys(Address.of(pattern))
        await asyncio.gather(*(store.entries(keys) for _ in range(3)), add(other, entry(pattern=pattern)))
        assert len(await store.entries(keys)) == 1
    await other.close()


async def test_entries_with_patience_are_those_of_the_last_look(store: Store, url: str) -> None:
    other = Store(url)
    assert await store.entries(PATTERNS) == ()
    await add(other, entry())
    assert await store.entries(PATTERNS, patience=3600) == ()
    assert len(await store.entries(PATTERNS)) == 1
    assert len(await store.entries(PATTERNS, patience=3600)) == 1
    await other.close()


async def test_entry_that_is_rolled_back_leaves_no_copy(store: Store) -> None:
    await store.entries(PATTERNS)
    with pytest.raises(ZeroDivisionError):
        await store.transact(lambda tx: (tx.lists.add(entry(), "", "cli", None, NOW), 1 // 0))
    assert await store.entries(PATTERNS) == ()


async def test_changes_count_up_with_each_change(store: Store) -> None:
    assert await store.look(lambda tx: tx.lists.changes()) == 0
    await add(store, entry())
    await store.transact(lambda tx: tx.lists.remove(Verdict.ALLOW, "none@oak.example", ""))
    assert await store.look(lambda tx: tx.lists.changes()) == 2


def test_copies_are_bounded_and_of_one_moment() -> None:
    copies = EntryCopies(most=2)
    assert copies.get(("a",), 1) is None
    for key in ("a", "b", "c"):
        copies.put((key,), 1, (entry(),))
    assert copies.get(("a",), 1) is None
    assert copies.get(("c",), 1) == (entry(),)
    assert copies.get(("c",), 2) is None
    copies.put(("c",), 1, (entry(),))  # Read when the counter was older: not kept.
    assert copies.get(("c",), 2) is None


async def test_entries_of_a_store_whose_file_is_locked_away_are_down_not_empty(store: Store, url: str) -> None:
    await add(store, entry())
    with closing(sqlite3.connect(sqlite_path(url))) as other, other:
        other.execute("DROP TABLE sequence")
    with pytest.raises(Exception, match="sequence"):
        await store.entries(PATTERNS)
