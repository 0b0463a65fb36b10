"""History on a store: lines of three kinds in one order, within reach; forgotten, exported, erased."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.lifecycle import Event, State
from gateway.domain.lists import Entry, Verdict
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.accounts import operator
from gateway.flow.history import Asked, History, Line
from gateway.flow.outgoing_ports import Departure, Sent
from gateway.flow.passages import Passage
from gateway.store.audit import audit
from gateway.store.store import Store
from gateway.store.store import Transaction as Tx
from tests.store.letters import DAY, JOE, KIM, NOW, keep, message, row

ROOT = operator("cli:root")
ALL = Asked()
USER = Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
ADMIN = Viewer(2, "dan", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"})))


def passage(number: int = 0, *, recipient: str = "joe@example.org", at: float = NOW) -> Passage:
    return Passage(
        at=at + number, transaction_id=f"t{number}", sender="Ann@elm.example", sender_key="ann@elm.example",
        recipient=recipient, recipient_key=recipient, recipient_domain=recipient.rpartition("@")[2], size=number,
        decision="deliver", reason="allowlist", state="relayed", queue_id="Q1", reply="250 2.0.0 queued as X",
        client="192.0.2.7",
    )  # fmt: skip


async def put(store: Store, *passages: Passage) -> None:
    await store.transact(lambda tx: tx.passages.add(passages))


@pytest.fixture
def history(store: Store) -> History:
    return History(store, 90, {"short.example": 1.0}, now=lambda: NOW + 100 * DAY)


async def all_of(history: History, viewer: Viewer, asked: Asked = ALL, size: int = 2) -> list[Line]:
    """Go through all pages."""
    page = await history.page(viewer, asked, (), size)
    found = list(page.rows)
    while page.next is not None:
        page = await history.page(viewer, asked, page.next, size)
        found += page.rows
    return found


async def test_hundreds_of_passages_are_kept_each_once_and_in_their_order(store: Store, history: History) -> None:
    await put(store, *(passage(number) for number in range(250)))
    lines = await all_of(history, ROOT, size=100)
    assert [line.size for line in lines] == list(reversed(range(250)))


async def test_lines_of_all_kinds_stand_in_one_order_and_once(store: Store, history: History) -> None:
    for number in range(4):
        await put(store, passage(2 * number))
        await keep(
            store, message(f"Mail {number}", at=NOW + 2 * number + 1), row(at=NOW + 2 * number + 1), ask=number == 1
        )
    lines = await all_of(history, ROOT)
    assert len(lines) == len({(line.kind, line.id) for line in lines}) == 9
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)
    assert {line.kind for line in lines if line.direction == "out"} == {"challenge"}
    held = next(line for line in lines if line.kind == "held")
    assert (held.state, held.queue_id, held.sender) == ("pending", "4XyZ", "anna@oak.example")


def departure(number: int = 0, sender: str = "joe@example.org") -> Departure:
    return Departure(
        at=NOW + number, transaction_id=f"d{number}", sender=sender, sender_key=sender,
        sender_domain=sender.rpartition("@")[2], recipient="ann@elm.example", recipient_key="ann@elm.example", size=1,
        taught="taught", state="relayed", queue_id="Q1", reply="250 2.0.0 queued as X", client="192.0.2.7",
    )  # fmt: skip


async def test_mail_to_the_outside_is_its_senders_history_is_forgotten_by_his_domain_and_erased(
    store: Store, history: History
) -> None:
    mails = [departure(), departure(1, "kim@example.org"), departure(2, "liz@short.example"), departure(3, "")]
    sent = [Sent(b"7" * 16, "joe@example.org", "elm.example"), Sent(b"7" * 16, "kim@example.org", "elm.example")]
    await store.transact(lambda tx: tx.sent.depart(mails))
    await store.transact(lambda tx: tx.sent.remember(sent, NOW))
    (line,) = await all_of(history, USER)
    assert (line.kind, line.direction, line.reason, line.recipient) == ("sent", "out", "taught", "ann@elm.example")
    assert [one.sender for one in await all_of(history, ADMIN)] == ["kim@example.org", "joe@example.org"]
    assert len(await all_of(history, ROOT)) == 4
    assert await store.transact(lambda tx: tx.history.forget(NOW + 9, ["short.example"], but=False, most=9)) == 1
    exported = await history.export(ROOT, "joe@example.org")
    assert exported is not None
    assert (len(exported["departures"]), len(exported["sent_mails"])) == (1, 1)
    erased = await history.erase(ROOT, "joe@example.org")
    assert erased is not None
    assert erased.mails == 1
    assert await all_of(history, USER) == []
    left = await store.look(lambda tx: tx.sent.answered([b"7" * 16], ["joe@example.org", "kim@example.org"], 0))
    assert left == sent[1:]


async def test_lines_beyond_reach_are_not_there(store: Store, history: History) -> None:
    await put(store, passage(), passage(1, recipient="joe+shop@example.org"), passage(2, recipient="jo@example.org"))
    await put(store, passage(3, recipient="liz@other.example"))
    await keep(store, message(), row(KIM))
    assert [line.recipient for line in await all_of(history, USER)] == ["joe+shop@example.org", "joe@example.org"]
    assert {line.recipient for line in await all_of(history, ADMIN)} == {
        "joe@example.org", "joe+shop@example.org", "jo@example.org", "kim@example.org"
    }  # fmt: skip
    assert await all_of(history, replace(ADMIN, reach=Reach())) == []
    assert await all_of(history, replace(ROOT, withheld=frozenset({Right.SEE_HISTORY}))) == []


async def test_lines_are_found_by_address_state_and_time(store: Store, history: History) -> None:
    await put(store, passage(), passage(5, recipient="kim_x@example.org"))
    await keep(store, message(), row(KIM))
    for asked, count in (
        (Asked("ann@elm.example"), 2), (Asked("kim@example.org"), 1), (Asked("@elm.example"), 2), (Asked("@example.org"), 3),
        (Asked("kim%@example.org"), 0), (Asked("@ex_mple.org"), 0), (Asked(state="relayed"), 2), (Asked(state="pending"), 1),
        (Asked(after=NOW + 5), 1), (Asked(before=NOW), 0),
    ):  # fmt: skip
        assert len(await all_of(history, ROOT, asked)) == count, asked


async def test_passages_are_forgotten_by_the_days_of_their_domain(store: Store, history: History) -> None:
    await put(
        store, passage(at=NOW), passage(at=NOW + 20 * DAY), passage(recipient="a@short.example", at=NOW + 98 * DAY)
    )
    await put(store, passage(recipient="b@short.example", at=NOW + 99.5 * DAY))
    assert await history.sweep() == 2
    assert [line.at for line in await all_of(history, ROOT)] == [NOW + 99.5 * DAY, NOW + 20 * DAY]
    assert await history.sweep() == 0


async def ended(store: Store, row_id: int) -> None:
    def work(tx: Tx) -> None:
        waiting = tx.pending.get(row_id)
        assert waiting is not None
        tx.pending.move(waiting, State.DELETED, Event.DELETE, "tests", NOW, "")

    await store.transact(work)


async def test_address_is_erased_with_all_that_names_it_and_nothing_else(store: Store, history: History) -> None:
    gone = await keep(store, message("Gone"), row(), ask=True)
    shared = await keep(store, message("Shared"), row(), row(KIM))
    await ended(store, gone.rows[0])
    for row_id in shared.rows:
        await ended(store, row_id)
    waits = await keep(store, message("Waits"), row())
    await put(store, passage(), passage(1, recipient="kim@example.org"))
    await store.transact(
        lambda tx: tx.lists.add(Entry(Verdict.ALLOW, "x@elm.example", JOE.key), "", "tests", None, NOW)
    )
    await store.transact(
        lambda tx: tx.lists.add(Entry(Verdict.ALLOW, "x@elm.example", KIM.key), "", "tests", None, NOW)
    )
    before = await history.export(ROOT, "JOE@example.org")
    assert before is not None
    assert {name: len(rows) for name, rows in before.items()} == {
        "passages": 1, "held": 3, "messages": 3, "challenges": 1, "entries": 1, "windows": 0, "disowned": 0,
        "departures": 0, "sent_mails": 0, "webhook": 0,
    }  # fmt: skip
    erased = await history.erase(ROOT, "joe@EXAMPLE.org")
    assert erased is not None
    assert (erased.mails, erased.challenges, erased.entries, erased.waiting) == (3, 1, 1, 1)
    left = await history.export(ROOT, "joe@example.org")
    assert left is not None
    assert [one["id"] for one in left["held"]] == waits.rows
    assert len(await all_of(history, ROOT, Asked("kim@example.org"))) == 2
    report = await store.look(lambda tx: audit(tx.connection, lambda done, total: None))
    assert report.faults == []


async def test_address_is_exported_and_erased_by_who_has_the_site_only(history: History) -> None:
    for viewer in (USER, ADMIN, replace(ROOT, role=Role.AUDITOR)):
        assert await history.export(viewer, "joe@example.org") is None
        assert await history.erase(viewer, "joe@example.org") is None
