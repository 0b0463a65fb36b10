"""History on a store: lines of three kinds in one order, within reach; forgotten, exported, erased."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.address import Address
from gateway.domain.lifecycle import ChallengeState, Event, State
from gateway.domain.lists import Entry, Verdict
from gateway.domain.reply import OK, Reply
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.accounts import operator
from gateway.flow.history import Asked, History, Line
from gateway.flow.letter_book import LetterBook, LetterKind
from gateway.flow.lists import Lists
from gateway.flow.outgoing_ports import Departure, Sent
from gateway.flow.passages import Passage
from gateway.flow.ports import StoreDown
from gateway.flow.release_ports import NewRequest, RequestLetterKind
from gateway.store.store import Store
from gateway.store.transaction import Transaction as Tx
from tests.store.audited import audited
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
    page = await history.page(viewer, asked, None, size)
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
    old = await store.look(lambda tx: dict(tx.history.outdated(NOW + 9, ["short.example"], but=False, most=9)))
    assert await store.transact(lambda tx: [tx.history.forget(kind, ids) for kind, ids in old.items()]) == [0, 1, 0]
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


async def ended(store: Store, row_id: int, at: float = NOW) -> None:
    def work(tx: Tx) -> None:
        waiting = tx.pending.get(row_id)
        assert waiting is not None
        tx.pending.move(waiting, State.DELETED, Event.DELETE, "tests", at, "")

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
    await note(store, LetterKind.SIGN_IN, JOE)
    await note(store, LetterKind.DIGEST, KIM)
    await store.transact(lambda tx: tx.sessions.request_link(JOE.key, "", "192.0.2.7", "de", NOW))
    before = await history.export(ROOT, "JOE@example.org")
    assert before is not None
    assert {name: len(rows) for name, rows in before.items()} == {
        "passages": 1, "letters": 1, "digests": 0, "digest_mailbox": 0, "digest_choice": 0, "sign_in_orders": 1, "held": 3, "messages": 3, "challenges": 1, "entries": 1, "windows": 0, "disowned": 0,
        "departures": 0, "sent_mails": 0, "policy_choice": 0, "release_requests": 0, "notices": 0, "webhook": 0,
    }  # fmt: skip
    erased = await history.erase(ROOT, "joe@EXAMPLE.org")
    assert erased is not None
    assert (erased.mails, erased.challenges, erased.entries, erased.waiting) == (4, 1, 1, 1)
    left = await history.export(ROOT, "joe@example.org")
    assert left is not None
    assert [one["id"] for one in left["held"]] == waits.rows
    assert left["letters"] == left["sign_in_orders"] == []
    assert len(await all_of(history, ROOT, Asked("kim@example.org"))) == 3
    report = await audited(store)
    assert report.faults == []


async def note(
    store: Store, kind: LetterKind, to: Address, reply: Reply = OK, *, at: float = NOW, sender: str = ""
) -> None:
    await LetterBook(store, now=lambda: at).note(kind, to, 1234, reply, sender)


async def test_letters_of_our_own_have_their_lines(store: Store, history: History) -> None:
    desk = "Desk@example.org"
    await note(store, LetterKind.DIGEST, JOE)
    await note(store, LetterKind.DIGEST, KIM, Reply(451, "4.3.0", "later"), at=NOW + 1)
    await note(
        store, LetterKind.COPY, Address.of("lab@far.example"), Reply(550, "5.1.1", "no"), at=NOW + 2, sender=desk
    )
    lines = await all_of(history, ROOT)
    assert [(line.kind, line.direction, line.reason, line.state, line.recipient) for line in lines] == [
        ("letter", "out", "copy", "refused", "lab@far.example"),
        ("letter", "out", "digest", "deferred", "kim@example.org"),
        ("letter", "out", "digest", "sent", "joe@example.org"),
    ]
    assert (lines[2].size, lines[2].reply, lines[2].at) == (1234, str(OK), NOW)
    assert [line.recipient for line in await all_of(history, USER)] == ["joe@example.org"]
    assert [line.reason for line in await all_of(history, ROOT, Asked(desk.lower()))] == ["copy"]
    assert await History(store, 90, {}, now=lambda: NOW + 90 * DAY + 2).sweep() == 2


async def test_letter_whose_line_cannot_be_written_has_gone_out_all_the_same() -> None:
    class Down:
        async def transact(self, work: object) -> None:
            raise StoreDown("no disk")

    await LetterBook(Down(), now=lambda: NOW).note(LetterKind.DIGEST, JOE, 1, OK)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "left"), [(50, ["far", "open", "waits", "last"]), (80, ["far", "near", "open", "waits", "last"])]
)
async def test_facts_of_held_mail_are_forgotten_by_the_days_of_its_domain(
    store: Store, days: int, left: list[str]
) -> None:
    far = Address.of("liz@long.example")
    kept = {
        name: await keep(store, message(name), row(far if name == "far" else JOE), ask=name in ("near", "open"))
        for name in ("far", "near", "open", "waits", "last")
    }
    for name in ("far", "near", "open", "last"):
        await ended(store, kept[name].rows[0], NOW + DAY)
    await store.transact(lambda tx: tx.challenges.move(kept["near"].challenge, ChallengeState.ANSWERED, NOW, ""))
    history = History(store, days, {"long.example": 500}, now=lambda: NOW + 70 * DAY)
    gone = await history.sweep()
    # A challenge that may still be answered keeps its mail, and so is the newest number never given again.
    assert [name for name, one in kept.items() if await known(store, one.rows[0])] == left
    assert gone == 5 - len(left)
    report = await audited(store)
    assert report.faults == []
    for table in ("content", "message"):
        assert await count(store, table) == len(left)
    assert await count(store, "event") == 2 * len(left) - 1


async def known(store: Store, row_id: int) -> bool:
    return await store.look(lambda tx: tx.pending.get(row_id)) is not None


async def count(store: Store, table: str) -> int:
    return await store.look(lambda tx: int(tx.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()))


async def test_facts_of_held_mail_stay_as_long_as_something_needs_them(store: Store) -> None:
    one = await keep(store, message(), row())
    await ended(store, one.rows[0])
    await keep(store, message("last"))
    for days, gone in ((31.0, 0), (29.0, 1)):
        history = History(store, 1, {}, held_days=days, now=lambda: NOW + 30 * DAY)
        assert await history.sweep() == gone


async def test_mail_for_several_is_forgotten_when_the_last_of_them_is(store: Store) -> None:
    both = await keep(store, message(), row(), row(KIM))
    await keep(store, message("last"))
    await ended(store, both.rows[0])
    history = History(store, 1, {}, now=lambda: NOW + 5 * DAY)
    assert await history.sweep() == 1
    assert await count(store, "message") == 2
    await ended(store, both.rows[1])
    assert await history.sweep() == 0  # It looks again after an hour.
    assert await History(store, 1, {}, now=lambda: NOW + 5 * DAY).sweep() == 1
    assert await count(store, "message") == 1


async def test_number_of_a_mail_that_is_forgotten_leads_nowhere(store: Store, history: History) -> None:
    one = await keep(store, message(), row())

    def furnish(tx: Tx) -> None:
        tx.lists.add(Entry(Verdict.ALLOW, "x@elm.example", ""), "", "tests", one.rows[0], NOW)
        made = tx.digests.add(JOE.key, 1, [(one.rows[0], 1)], NOW, NOW)
        tx.digests.mint(made, [(b"a" * 32, one.rows[0]), (b"b" * 32, None)], "<d@x>")

    await store.transact(furnish)
    await ended(store, one.rows[0])
    assert await history.erase(ROOT, "anna@oak.example") is not None
    again = await keep(store, message("another"), row(KIM))
    assert again.rows == one.rows
    assert await store.look(lambda tx: tx.digests.bearer(b"a" * 32)) is None
    assert await store.look(lambda tx: tx.digests.bearer(b"b" * 32)) is not None
    entry = "SELECT pending_id FROM list_entry"
    assert await store.look(lambda tx: tx.connection.exec_driver_sql(entry).scalar()) is None


async def test_erased_entry_decides_no_further_mail(store: Store, history: History) -> None:
    await store.transact(lambda tx: tx.lists.add(Entry(Verdict.ALLOW, "joe@example.org", ""), "", "tests", None, NOW))
    assert len(await store.entries(("joe@example.org",))) == 1
    assert await history.erase(ROOT, "joe@example.org") is not None
    assert await store.entries(("joe@example.org",)) == ()


async def test_entry_that_was_removed_is_erased_too(store: Store, history: History) -> None:
    entry = Entry(Verdict.ALLOW, "anna@oak.example", "joe@example.org")
    number = await store.transact(lambda tx: tx.lists.add(entry, "", "tests", None, NOW))
    removal = await Lists(store, 10, now=lambda: NOW).remove(ROOT, [number])
    assert removal is not None
    assert await history.erase(ROOT, "joe@example.org") is not None
    assert await Lists(store, 10, now=lambda: NOW).undo(ROOT, removal.id) == (0, 0)


async def test_mail_that_gets_the_number_of_an_erased_one_is_looked_at_as_any_newcomer(
    store: Store, history: History
) -> None:
    await keep(store, message("Kept", sender=Address.of("bob@elm.example")), row(KIM))
    (erased,) = (await keep(store, message("Erased"), row(event=Event.DROP))).rows

    def read(tx: Tx) -> None:
        tx.digests.set_cursor(erased)
        tx.notices.set_cursor(erased)

    await store.transact(read)
    assert await history.erase(ROOT, "joe@example.org") is not None
    cursors = await store.look(lambda tx: (tx.digests.cursor(), tx.notices.cursor()))
    assert cursors == (erased - 1, erased - 1)


async def test_address_is_exported_and_erased_by_who_has_the_site_only(history: History) -> None:
    for viewer in (USER, ADMIN, replace(ROOT, role=Role.AUDITOR)):
        assert await history.export(viewer, "joe@example.org") is None
        assert await history.erase(viewer, "joe@example.org") is None


async def test_requests_and_notices_of_an_address_are_told_and_forgotten(history: History, store: Store) -> None:
    kept = await keep(store, message("Offer"), row(KIM))

    def ask(tx: Tx) -> None:
        request = tx.releases.add(NewRequest(kept.rows[0], KIM.key, KIM.domain, JOE.key, JOE.key, ""), NOW)
        tx.releases.write(request, kept.rows[0], RequestLetterKind.ANSWER, JOE.key, NOW)
        tx.notices.add(kept.rows[0], JOE.key, False, NOW)
        ((number, *_),) = [(one.id,) for one in tx.notices.due(NOW, NOW, 5)]
        tx.notices.mint(number, b"a" * 32, b"b" * 32, "<n@gw>")

    await store.transact(ask)
    before = await history.export(ROOT, JOE.key)
    assert before is not None
    assert (len(before["release_requests"]), len(before["notices"])) == (1, 1)
    assert await history.erase(ROOT, JOE.key) is not None
    left = await history.export(ROOT, JOE.key)
    assert left is not None
    assert left["release_requests"] == left["notices"] == []
    assert len((await history.export(ROOT, KIM.key) or {})["release_requests"]) == 1


@pytest.mark.parametrize(
    "reach",
    [
        Reach(domains=frozenset({"example.org", "other.example"})),
        Reach(domains=frozenset({"other.example"}), addresses=frozenset({"joe@example.org"})),
    ],
)
async def test_pages_of_a_reach_show_each_line_once_whatever_the_order_of_numbers(
    store: Store, history: History, reach: Reach
) -> None:
    people = ("joe@example.org", "joe+shop@example.org", "kim@other.example", "eve@far.example")
    # Relayed mail is written down when it has arrived, which need not be in the order in which it came.
    for number in range(24):
        await put(store, passage(number * 7 % 24, recipient=people[number % 4]))
        await keep(store, message(f"{number}", at=NOW + number), row(Address.of(people[number % 4]), at=NOW + number))
        await note(store, LetterKind.DIGEST, Address.of(people[number % 4]), at=NOW + number * 5 % 24)
    viewer = replace(ADMIN, reach=reach)
    lines = await all_of(history, viewer, size=5)
    assert len(lines) == len({(line.kind, line.id) for line in lines}) == 18 * 3
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)


async def test_lines_of_many_domains_are_found_among_all(store: Store, history: History) -> None:
    domains = frozenset(f"d{number}.example" for number in range(40)) | {"example.org"}
    for number in range(6):
        await put(store, passage(number, recipient=("joe@example.org", "eve@far.example")[number % 2]))
    lines = await all_of(history, replace(ADMIN, reach=Reach(domains=domains)))
    assert [line.at for line in lines] == [NOW + 4, NOW + 2, NOW]
