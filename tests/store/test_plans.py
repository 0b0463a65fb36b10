"""What is looked up in a large store costs what it finds, not what the store holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.domain.address import Address
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from tests.store.letters import DAY, NOW, keep, message, row
from tests.store.test_history import passage, put

ROWS = 5000
MOST = 300
"""Steps of SQLite's machine, in tens: a look-up takes a few hundred, a scan ten for each row."""
COPY = """
WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < {last})
INSERT INTO {table} ({columns}) SELECT {values} FROM n, {table} WHERE {table}.id = 1
"""


async def crowded(store: Store, state: str, challenge_state: str = "expired") -> None:
    """Fill a store with copies of one mail and its challenge, each from a sender and for a recipient of its own."""
    await keep(store, message(), row(), ask=True)

    def work(tx: Transaction) -> None:
        own = {
            "id": "n.i", "sender_key": "'s' || n.i || '@elm.example'", "recipient_key": "'r' || n.i || '@example.org'",
            "due_at": "n.i + 1e9", "lease": "7", "lease_until": "1e9", "source": "'list:l' || n.i", "challenge_id": "n.i",
            "expires_at": "n.i + 2e9", "hash": "randomblob(32)", "status_hash": "NULL",
        }  # fmt: skip
        for table, of_state in (("challenge", challenge_state), ("pending", state)):
            names = [one[1] for one in tx.connection.exec_driver_sql(f"PRAGMA table_info({table})")]
            values = [own.get(name, f"{table}.{name}") for name in names]
            values[names.index("state")] = f"'{of_state}'"
            tx.connection.exec_driver_sql(
                COPY.format(table=table, last=100 + ROWS, columns=", ".join(names), values=", ".join(values))
            )

    await store.transact(work)


async def steps(store: Store, work: Callable[[Transaction], object]) -> int:
    """Count SQLite's steps, in tens."""

    def counted(tx: Transaction) -> int:
        count = [0]

        def count_up() -> int:
            count[0] += 1
            return 0

        driver = tx.connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(count_up, 10)
        try:
            work(tx)
        finally:
            driver.set_progress_handler(None, 10)
        return count[0]

    return await store.transact(counted)


LOOKS: dict[str, tuple[str, Callable[[Transaction], object]]] = {
    "waiting_from": ("pending", lambda tx: tx.pending.waiting_from("s200@elm.example")),
    "waiting_from_source": ("pending", lambda tx: tx.sources.waiting_from_source("list:l200")),
    "waiting_from_domain": ("pending", lambda tx: tx.sources.waiting_from_domain("elm.example", "r200@example.org")),
    "expired": ("pending", lambda tx: tx.pending.expired(NOW - 1, 500)),
    "claim": ("released", lambda tx: tx.pending.claim(1.0, 20, 1, 2.0, 1e12)),
    "of_challenge": ("pending", lambda tx: tx.pending.of_challenge(200)),
    "silence": ("pending", lambda tx: tx.pending.silence(200, "over-budget")),
    "challenges.claim": ("deleted", lambda tx: tx.challenges.claim(NOW, 20, 1, NOW, NOW)),
    "overview.stuck": ("deleted", lambda tx: tx.overview.stuck({"small.example"}, 200)),
    "challenges.expire": ("deleted", lambda tx: tx.challenges.expire(NOW, 500)),
}


@pytest.mark.parametrize("look", LOOKS)
async def test_look_up_in_a_large_store_takes_few_steps(store: Store, look: str) -> None:
    state, work = LOOKS[look]
    await crowded(store, state)
    assert await steps(store, work) < MOST


def listed(tx: Transaction) -> None:
    """Put what waits into the pending list."""
    names = [one[1] for one in tx.connection.exec_driver_sql("PRAGMA table_info(queue)")]
    given = {
        "id": "p.id", "age": "-p.id", "state": "p.state", "listed": "1", "lane": "'people'",
        "domain": "p.recipient_domain", "owner": "p.recipient_key", "held_at": "p.held_at", "score": "1.0",
    }  # fmt: skip
    values = ", ".join(given.get(name, "''") for name in names)
    tx.connection.exec_driver_sql(f"INSERT INTO queue SELECT {values} FROM pending p")


@pytest.mark.parametrize("scope", ["r200@example.org", "@small.example"])
async def test_mail_that_waits_in_a_small_scope_is_counted_without_going_through_all(store: Store, scope: str) -> None:
    await crowded(store, "pending")
    await keep(store, message(), row(Address.of("kim@small.example")))
    await store.transact(listed)
    assert len(await store.look(lambda tx: tx.policies.waiting_recipients(scope, 100))) == 1
    assert await steps(store, lambda tx: tx.policies.waiting_recipients(scope, 100)) < MOST


async def test_overview_of_a_small_domain_does_not_go_through_all_mail(store: Store) -> None:
    await crowded(store, "pending")
    await keep(store, message(), row(Address.of("kim@small.example")))

    await store.transact(listed)
    assert await store.look(lambda tx: tx.overview.standing({"small.example"}, NOW).waiting) == 1
    assert await steps(store, lambda tx: tx.overview.standing({"small.example"}, NOW + 1e9)) < MOST


async def test_order_of_many_rows_finds_what_is_left_without_going_through_what_is_done(store: Store) -> None:
    def work(tx: Transaction) -> None:
        tx.connection.exec_driver_sql(
            "INSERT INTO bulk_order SELECT 1, 1, 'a', 'n', 'deliver', 'address', 'running', '', 0, 0, 0, 0, 0, 0, 0"
        )
        tx.connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
            "INSERT INTO order_row SELECT 1, n.i, CASE WHEN n.i > 4900 THEN '' ELSE 'done' END FROM n"
        )

    await store.transact(work)
    assert await steps(store, lambda tx: tx.orders.left(1, 50)) < MOST


async def test_facts_that_nobody_forgets_yet_are_not_gone_through(store: Store) -> None:
    await put(store, passage(recipient="a@long.example"), passage(recipient="b@example.org", at=NOW + 90 * DAY))
    await store.transact(
        lambda tx: tx.connection.exec_driver_sql(
            COPY.format(table="passage", last=100 + ROWS, columns="id, at, transaction_id, sender, sender_key, recipient,"
            " recipient_key, recipient_domain, size, decision, reason, state, queue_id, reply, client",
            values="i, at + i, '', '', '', recipient, recipient_key, recipient_domain, 1, '', '', '', '', '', ''")
        )
    )  # fmt: skip
    for domains, but in ((["long.example"], True), (["example.org"], False), (["none.example"], False)):
        look = lambda tx: list(tx.history.outdated(NOW + 50 * DAY, domains, but=but, most=200))  # noqa: B023, E731
        assert await store.look(look) == [("passage", []), ("sent", []), ("letter", [])]
        assert await steps(store, look) < MOST
    both = await store.look(lambda tx: dict(tx.history.outdated(NOW + 99 * DAY, [], but=True, most=ROWS)))
    assert len(both["passage"]) == ROWS
