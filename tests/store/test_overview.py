from __future__ import annotations

from dataclasses import replace

from sqlalchemy import update

from gateway.domain.address import Address
from gateway.domain.lifecycle import Event, State
from gateway.domain.roles import Role
from gateway.flow.account_ports import Kind, NewAccount
from gateway.flow.accounts import operator
from gateway.flow.journal import Deed
from gateway.flow.moderate import Action
from gateway.flow.order_ports import Wish
from gateway.flow.queue_ports import Place
from gateway.flow.tally import HOUR, Happening, Slot
from gateway.store.standing import RowsInState
from gateway.store.store import Store
from gateway.store.tables.accounts import account
from gateway.store.transaction import Transaction
from gateway.store.transaction import Transaction as Tx
from tests.store.letters import ANNA, DAY, JOE, NOW, described, keep, message, row

NOON = int(NOW) // HOUR * HOUR


async def test_tallies_add_up_and_are_read_by_domain(store: Store) -> None:
    for _ in range(2):
        await store.transact(
            lambda tx: tx.tallies.add(
                {
                    Slot(NOON, "example.org", Happening.HELD): 2,
                    Slot(NOON, "other.example", Happening.HELD): 5,
                    Slot(NOON - HOUR, "example.org", Happening.RELAYED): 1,
                }
            )
        )
    assert await store.look(lambda tx: tx.tallies.since(NOON - HOUR, None)) == [
        (NOON - HOUR, Happening.RELAYED, 2),
        (NOON, Happening.HELD, 14),
    ]
    assert await store.look(lambda tx: tx.tallies.since(NOON, {"example.org"})) == [(NOON, Happening.HELD, 4)]
    await store.transact(lambda tx: tx.tallies.forget(NOON))
    assert await store.look(lambda tx: tx.tallies.since(0, {"example.org"})) == [(NOON, Happening.HELD, 4)]


async def test_standing_counts_what_waits_within_the_domains(store: Store) -> None:
    await keep(store)
    standing = await store.look(lambda tx: tx.overview.standing(None, NOW))
    assert standing.waiting == 1
    assert standing.oldest == NOW
    assert [(one.name, one.times) for one in standing.senders] == [(ANNA.text, 1)]
    assert [one.name for one in standing.sender_domains] == [ANNA.domain]
    assert [one.name for one in standing.recipients] == [JOE.text]
    foreign = await store.look(lambda tx: tx.overview.standing({"other.example"}, NOW))
    assert (foreign.waiting, foreign.oldest, foreign.senders) == (0, None, ())


async def test_standing_names_those_for_whom_nobody_has_ever_signed_in(store: Store) -> None:
    for n, name in enumerate(("kim", "kim+shop", "kim", "lea", "mia", "mia")):
        await keep(store, message(f"{n}"), row(Address.of(f"{name}@example.org")))
    found = await store.look(lambda tx: tx.overview.standing(None, NOW))
    assert [(one.name, one.times) for one in found.absent] == [
        ("kim@example.org", 3), ("mia@example.org", 2), ("lea@example.org", 1),
    ]  # fmt: skip

    def come(tx: Tx) -> None:
        for name, kind in (("kim", Kind.OWN), ("dora", Kind.DELEGATED), ("lea", Kind.OWN)):
            mailbox = "mia@example.org" if kind is Kind.DELEGATED else f"{name}@example.org"
            tx.accounts.add(NewAccount(name, Role.USER, "tests", NOW, addresses=((mailbox, kind),)))
        tx.connection.execute(update(account).where(account.c.name != "lea").values(signed_in_at=NOW))

    await store.transact(come)
    found = await store.look(lambda tx: tx.overview.standing(None, NOW))
    assert [one.name for one in found.absent] == ["lea@example.org"]


async def test_standing_of_a_domain_tells_all_of_its_mail_wherever_it_stands(store: Store) -> None:
    domains, people = {"example.org", "oak.example"}, ("joe@other.example", "kim@example.org")
    lines = [
        await keep(
            store, replace(message(f"{n}", at=NOW + n), score=float(n)), row(Address.of(people[n % 2]), at=NOW + n)
        )
        for n in range(8)
    ]
    await described(store)
    # Of Kim's mails one is in the hand of an order, one on its way, one waits for nothing any more, one is not described.
    mine = [line.rows[0] for line in lines][1::2]

    def move(tx: Tx) -> None:
        order, _ = tx.orders.open(operator("kim"), Wish(Action.DELETE, "n"), None, NOW, NOW)
        assert tx.orders.take(order, mine[:1], Place(site=True)) == 1
        for row_id, state, event in ((mine[1], State.RELEASED, Event.DELIVER), (mine[2], State.DELETED, Event.DELETE)):
            waiting = tx.pending.get(row_id)
            assert waiting is not None
            assert tx.pending.move(waiting, state, event, "kim", NOW, "")

    await store.transact(move)
    await keep(store, replace(message("new", at=NOW + 9), score=9.0), row(Address.of("kim@example.org"), at=NOW + 9))
    standing = await store.look(lambda tx: tx.overview.standing(domains, NOW))
    assert (standing.waiting, standing.oldest, standing.on_the_way, standing.refused) == (3, NOW + 1, 1, 0)
    assert [(one.name, one.times) for one in standing.recipients] == [("kim@example.org", 3)]
    assert [band.low for band in standing.scores if band.times] == [1, 7, 9]
    whole = await store.look(lambda tx: tx.overview.standing(domains | {"other.example"}, NOW))
    assert whole == await store.look(lambda tx: tx.overview.standing(None, NOW))
    assert whole.waiting == 7


async def test_newest_of_many_domains_are_the_newest_of_all(store: Store) -> None:
    rows = [(await keep(store, message(f"{n}"), row(Address.of(f"joe@d{n % 3}.example")))).rows[0] for n in range(40)]
    await described(store)

    def work(tx: Tx) -> tuple[list[int], list[int], int]:
        mine = RowsInState(tx.connection, State.PENDING, {"d0.example", "d1.example"})
        return mine.newest(30), mine.newest(5), mine.count(20)

    newest, few, count = await store.look(work)
    assert newest == [row_id for n, row_id in enumerate(rows) if n % 3 < 2][::-1]
    assert (few, count) == (newest[:5], 20)


async def test_standing_sorts_what_waits_by_score_where_it_has_one(store: Store) -> None:
    await keep(store)
    assert (await store.look(lambda tx: tx.overview.standing(None, NOW))).scores == ()
    await keep(store, replace(message(), score=5.5))
    standing = await store.look(lambda tx: tx.overview.standing(None, NOW))
    assert [(band.low, band.high) for band in standing.scores if band.times] == [(5, 6)]
    assert (await store.look(lambda tx: tx.overview.standing({"other.example"}, NOW))).scores == ()


async def test_stuck_tells_a_refused_mail_with_the_words_of_the_other_server(store: Store) -> None:
    kept = await keep(store)
    (row_id,) = kept.rows

    def refuse(tx: Tx) -> None:
        row = tx.pending.get(row_id)
        assert row is not None
        assert tx.pending.move(row, State.RELEASED, Event.DELIVER, "joe", NOW, "")
        assert list(tx.pending.claim(NOW, 5, 7, NOW + 60, NOW + DAY)) == [row_id]
        assert tx.pending.finish(row_id, 7, State.REFUSED, Event.REFUSED, "550 5.1.1 No such user", None, NOW)

    await store.transact(refuse)
    (stuck,) = await store.look(lambda tx: tx.overview.stuck(None, 10))
    assert (stuck.kind, stuck.id, stuck.state) == ("mail", row_id, "refused")
    assert stuck.last_reply == "550 5.1.1 No such user"
    assert stuck.recipient == JOE.text
    assert await store.look(lambda tx: tx.overview.stuck({"other.example"}, 10)) == []
    assert (await store.look(lambda tx: tx.overview.standing(None, NOW))).refused == 1


async def test_journal_shows_each_admin_the_lines_of_his_domains(store: Store) -> None:
    lines = [
        Deed(NOW, "eve", "list-add", "", "@oak.example", "192.0.2.1", domain="example.org"),
        Deed(NOW + 1, "root", "account-remove", "7", "", "192.0.2.2"),
        Deed(NOW + 2, "ann", "list-add", "", "100%_sure@x.example", "192.0.2.3", domain="other.example"),
    ]

    def write(tx: Transaction) -> None:
        for line in lines:
            tx.journal.add(line)

    await store.transact(write)

    async def actors(domains: set[str] | None, actor: str = "", words: str = "", before: int = 0) -> list[str]:
        return [deed.actor for deed in await store.look(lambda tx: tx.journal.page(domains, actor, words, before, 10))]

    assert await actors(None) == ["ann", "root", "eve"]
    assert await actors({"example.org"}) == ["eve"]
    assert await actors(None, actor="root") == ["root"]
    assert await actors(None, words="0%_s") == ["ann"]
    assert await actors(None, before=2) == ["eve"]
