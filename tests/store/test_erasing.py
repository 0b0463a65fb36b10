"""An address is erased piece by piece: cut off and taken up, beside mail that goes on coming."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

import pytest

from gateway.domain import header
from gateway.domain.address import Address
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.lists import Entry, Verdict
from gateway.domain.message import read_message
from gateway.flow.history import BATCH, History
from gateway.flow.journal import Deed
from gateway.flow.outgoing_ports import Sent
from gateway.flow.ports import StoreDown
from gateway.store.store import Store
from gateway.store.transaction import Transaction as Tx
from gateway.store.views import list_challenges
from tests.store.audited import audited
from tests.store.letters import JOE, KIM, NOW, keep, message, row
from tests.store.test_history import ROOT, ended, passage, put

T = TypeVar("T")
MANY = 2 * BATCH + 50


class Broken:
    """A store that does something before each of its transactions, or fails."""

    def __init__(self, store: Store, before: Iterable[Callable[[], object]]) -> None:
        self.store = store
        self.before = iter(before)
        self.rows: list[int] = []
        """Changed by each transaction, with all that hangs on them."""

    async def look(self, work: Callable[[Tx], T]) -> T:
        return await self.store.look(work)

    async def transact(self, work: Callable[[Tx], T]) -> T:
        happening = next(self.before, None)
        if happening is not None:
            await happening()  # type: ignore[misc]

        def counted(tx: Tx) -> T:
            before = tx.connection.exec_driver_sql("SELECT total_changes()").scalar_one()
            found = work(tx)
            self.rows.append(tx.connection.exec_driver_sql("SELECT total_changes()").scalar_one() - before)
            return found

        return await self.store.transact(counted)


def history(store: Store | Broken) -> History:
    return History(store, 90, {}, now=lambda: NOW)


async def left(store: Store) -> dict[str, int]:
    told = await history(store).export(ROOT, JOE.key)
    assert told is not None
    return {name: len(rows) for name, rows in told.items() if rows}


async def fill(store: Store) -> None:
    await put(store, *(passage(number) for number in range(MANY)), passage(recipient=KIM.key))
    entries = [(Entry(Verdict.ALLOW, f"a{number}@elm.example", JOE.key), "") for number in range(MANY)]
    await store.transact(lambda tx: tx.entries.add_all(entries, "tests", NOW))
    sent = [Sent(number.to_bytes(16, "big"), JOE.key, "elm.example") for number in range(MANY)]
    await store.transact(lambda tx: tx.sent.remember(sent, NOW))


async def test_address_with_much_behind_it_is_erased_in_pieces(store: Store) -> None:
    await fill(store)
    watched = Broken(store, ())
    erased = await history(watched).erase(ROOT, JOE.key)
    assert erased is not None
    assert (erased.mails, erased.entries) == (MANY, MANY)
    # An entry has words of its own, and there is a counter of changes.
    assert max(watched.rows) <= 5 * BATCH
    assert await left(store) == {}
    of_kim = await history(store).export(ROOT, KIM.key)
    assert of_kim is not None
    assert len(of_kim["passages"]) == 1


@pytest.mark.parametrize(("pieces", "gone"), [(0, 0), (1, BATCH), (4, MANY + BATCH)])
async def test_erasing_that_was_cut_off_is_ended_by_the_next(store: Store, pieces: int, gone: int) -> None:
    async def fail() -> None:
        raise StoreDown("disk I/O error")

    async def go_on() -> None:
        pass

    await fill(store)
    with pytest.raises(StoreDown):
        await history(Broken(store, [*[go_on] * pieces, fail])).erase(ROOT, JOE.key)
    assert sum((await left(store)).values()) == 3 * MANY - gone
    assert await history(store).erase(ROOT, JOE.key) is not None
    assert await left(store) == {}


async def test_mail_that_comes_while_its_address_is_erased_is_erased_too(store: Store) -> None:
    (held,) = (await keep(store, message("Held"), row())).rows

    async def come() -> None:
        await put(store, passage(1))
        await ended(store, held)

    await put(store, passage())
    erased = await history(Broken(store, [come])).erase(ROOT, JOE.key)
    assert erased is not None
    assert (erased.mails, erased.waiting) == (3, 0)
    assert await left(store) == {}


async def test_all_that_names_an_address_in_another_way_is_erased_too(store: Store) -> None:
    def furnish(tx: Tx) -> None:
        tx.policies.put(Choice(JOE.key, PolicySetting.NOTICES, "on"), "tests", NOW)
        for detail in ("list for JOE+shop@example.org", "list for mojoe@example.org", "deny joe@example.org.uk"):
            tx.journal.add(
                Deed(at=NOW, actor=JOE.key, deed="lists", object="joe@example.org", detail=detail, client="x")
            )

    await store.transact(furnish)
    by_joe = replace(message("Written"), facts=read_message(header.split(b"From: Joe <Joe@example.org>\r\n\r\n")))
    tagged = await keep(store, message("Tagged"), row(Address.of("joe+shop@example.org")))
    written = await keep(store, by_joe, row(KIM))
    shared = await keep(store, message("Shared"), row(), row(KIM), ask=True)
    for number in (*tagged.rows, *written.rows, shared.rows[0]):
        await ended(store, number)
    erased = await history(store).erase(ROOT, JOE.key)
    assert erased is not None
    assert (erased.mails, erased.waiting) == (3, 0)
    assert await left(store) == {}
    lines = await store.look(lambda tx: tx.journal.page(None, "", "", 0, 10))
    assert [(line.actor, line.object, line.detail) for line in lines] == [
        ("(erased)", "(erased)", "deny joe@example.org.uk"),
        ("(erased)", "(erased)", "list for mojoe@example.org"),
        ("(erased)", "(erased)", "list for (erased)"),
    ]
    (asked,) = await store.look(lambda tx: list_challenges(tx.connection, "", 10))
    assert asked.recipient == KIM.text
    assert (await audited(store)).faults == []


async def test_waiting_mail_to_a_sub_address_is_told(store: Store) -> None:
    await keep(store, message("Tagged"), row(Address.of("joe+shop@example.org")))
    erased = await history(store).erase(ROOT, JOE.key)
    assert erased is not None
    assert erased.waiting == 1
