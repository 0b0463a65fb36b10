"""When entries last decided, and entries that end: in memory while clients wait, in the store a little later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gateway.domain import reply
from gateway.domain.lists import ALIGNED, Entry, Verdict
from gateway.flow.entry_use import FORGET_AFTER, EntryUse
from gateway.flow.list_ports import EntryTx
from gateway.flow.ports import StoreDown
from gateway.flow.receive import Receiver
from tests.unit.flow.world import ANNA, DAY, JOE, KIM, NOW, World, forged_fields, letter, results_field, transaction

T = TypeVar("T")


def receiver(world: World, use: EntryUse) -> Receiver:
    return Receiver(
        world.rules,
        world.store,
        world.checks,
        world.hop_for,
        forged_fields,
        results_field,
        now=world.clock.now,
        wake_challenges=lambda: None,
        wake_deliveries=lambda: None,
        use=use,
    )


async def last_used(world: World) -> dict[str, float | None]:
    patterns = ["anna@oak.example", "@oak.example", "@elm.example"]
    views = await world.store.look(lambda tx: tx.entries.of_patterns(patterns))
    return {view.pattern: view.last_used_at for view in views}


async def test_entry_that_decides_is_noted_and_written_down_later(world: World) -> None:
    await world.allow()
    await world.allow("@elm.example")
    use = EntryUse(world.store)
    before = await world.store.look(lambda tx: tx.lists.changes())
    assert await receiver(world, use).message(transaction(JOE), letter()) == reply.OK
    assert await last_used(world) == {"anna@oak.example": None, "@elm.example": None}
    world.clock.at += 5
    assert await receiver(world, use).message(transaction(JOE, KIM), letter("two")) == reply.OK
    assert await use.write_down() == 1
    assert await last_used(world) == {"anna@oak.example": NOW + 5, "@elm.example": None}
    assert await use.write_down() == 0
    # No copy of the lists becomes old by it.
    assert await world.store.look(lambda tx: tx.lists.changes()) == before


async def test_entry_that_refuses_at_rcpt_is_noted_too(world: World) -> None:
    await world.deny()
    use = EntryUse(world.store)
    mail = transaction(JOE)
    assert await receiver(world, use).recipient(mail, mail.recipients[0]) == reply.REFUSED_BY_POLICY
    assert await use.write_down() == 1
    assert await last_used(world) == {"anna@oak.example": NOW}


async def test_entry_that_does_not_decide_is_not_noted(world: World) -> None:
    await world.allow(proof="dkim:elm.example")
    use = EntryUse(world.store)
    assert await receiver(world, use).message(transaction(JOE), letter()) == reply.HELD
    assert await use.write_down() == 0


async def test_older_moment_never_takes_the_place_of_a_newer_one(world: World) -> None:
    await world.allow()
    (entry,) = await world.store.entries(("anna@oak.example",))
    for at in (NOW + 9, NOW):
        await world.store.transact(lambda tx: tx.entries.used([(entry.id, at), (999, at)]))  # noqa: B023 awaited here
    assert await last_used(world) == {"anna@oak.example": NOW + 9}


class DownStore:
    async def transact(self, work: Callable[[EntryTx], T]) -> T:
        raise StoreDown

    async def look(self, work: Callable[[EntryTx], T]) -> T:
        raise StoreDown


async def test_use_that_cannot_be_written_waits_for_the_next_time() -> None:
    use = EntryUse(DownStore(), most=2)
    for entry_id in (1, 2, 3, 1):
        use.note_entry(entry_id, NOW)
    assert await use.write_down() == 0
    assert len(use._last) == 2


async def test_entry_that_ends_stops_counting_without_a_restart(world: World) -> None:
    await world.put(Entry(Verdict.ALLOW, "anna@oak.example", "", ALIGNED, expires_at=NOW + DAY))
    await world.put(Entry(Verdict.DENY, "anna@oak.example", "kim@example.org", ALIGNED, expires_at=NOW + DAY))
    assert await world.arrive(letter("one")) == reply.OK
    mail = transaction(KIM)
    assert await world.receiver().recipient(mail, mail.recipients[0]) == reply.REFUSED_BY_POLICY
    world.clock.at += DAY
    assert await world.arrive(letter("two")) == reply.HELD
    assert await world.receiver().recipient(mail, mail.recipients[0]) == reply.RCPT_OK
    # Made again, it is as new.
    await world.put(Entry(Verdict.ALLOW, "anna@oak.example", "", "dkim:oak.example"))
    assert await world.arrive(letter("three")) == reply.OK
    assert await world.entries() == {("anna@oak.example", "", "dkim:oak.example")}


async def test_what_was_removed_long_ago_is_forgotten(world: World) -> None:
    await world.allow()
    (entry,) = await world.store.entries((ANNA.key,))
    await world.store.transact(lambda tx: tx.entries.remove([entry.id], "joe", NOW))
    await world.store.transact(lambda tx: tx.entries.put_draft("joe", "csv", "", "x", NOW))
    use = EntryUse(world.store)
    await use.forget_removed(NOW + FORGET_AFTER)
    tables = await world.dump()
    assert len(tables["removed_entry"]) == len(tables["entry_removal"]) == len(tables["entry_draft"]) == 1
    await use.forget_removed(NOW + FORGET_AFTER + 1)
    tables = await world.dump()
    assert tables["removed_entry"] == tables["entry_removal"] == tables["entry_draft"] == []
