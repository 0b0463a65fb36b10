"""The pending list at a million rows: pages, search, sorting, counts, and a bulk release of ten thousand.

    python -m benchmarks.queue [--rows N] [--store FILE]

Rows are made by SQL in one go; what is measured is the service's own code over the store, in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import sqlite3
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.domain.policy import Policy
from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.describe import Raw, describe
from gateway.flow.moderate import Action
from gateway.flow.order_ports import OrderState, Wish
from gateway.flow.order_work import OrderWorker
from gateway.flow.orders import Orders
from gateway.flow.queue import Ask, Queue
from gateway.flow.queue_ports import SORTS
from gateway.flow.redate import Redater
from gateway.store.descriptions import PUT, values_of
from gateway.store.engine import prepare
from gateway.store.schema import create
from gateway.store.store import Store

NOW = 1_790_000_000.0
GOAL = 0.1
"""Seconds of CPU time, half of the looks: other work on the machine changes it less than it does the clock."""
TIMES = 10
FIRST = (
    "Anna",
    "Bert",
    "Clara",
    "Dora",
    "Emil",
    "Frida",
    "Gustav",
    "Hanna",
    "Ines",
    "Jan",
    "Karl",
    "Lena",
    "Max",
    "Nora",
)
LAST = ("Roth", "Klein", "Berger", "Vogel", "Maier", "Schulz", "Wagner", "Fuchs", "Brandt", "Keller", "Huber", "Lang")
THINGS = (
    "offer", "roof", "invoice", "meeting", "lamp", "week", "order", "report", "photo", "garden", "contract", "letter",
    "plan", "price", "visit", "ticket",
)  # fmt: skip
REASONS = ("unknown-sender",) * 6 + ("unproven-sender",) * 2 + ("automatic-mail", "null-reverse-path")
HEAD = b"From: x <x@y.example>\r\nSubject: s\r\n\r\n"
FILED = (
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nText\r\n--b\r\n'
    b'Content-Disposition: attachment; filename="%s.pdf"\r\n\r\nx\r\n--b--\r\n'
)


def fill(path: Path, rows: int, now: float = NOW, octets: bytes = b"") -> None:
    """Make a store with so many rows that wait; one domain has most of all, two hundred small ones the rest.

    now: when the newest came. octets: the content that each has; none where nothing is delivered.
    """
    create(f"sqlite:///{path}")
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-400000")
    chance = random.Random(7)
    begin = time.perf_counter()
    columns = {
        table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] for table in ("message", "pending")
    }
    for start in range(0, rows, 20_000):
        ids = range(start + 1, min(start + 20_000, rows) + 1)
        raws = [_raw(row_id, rows, chance, now) for row_id in ids]
        connection.execute("BEGIN")
        for table, made in (("message", _message), ("pending", _pending)):
            marks = ", ".join("?" * len(columns[table]))
            connection.executemany(
                f"INSERT INTO {table} VALUES ({marks})",
                [[made(raw).get(name, "") for name in columns[table]] for raw in raws],
            )
        if octets:
            kept = [(raw.id, octets) for raw in raws]
            connection.executemany("INSERT INTO content (message_id, octets) VALUES (?, ?)", kept)
        contents = [FILED % chance.choice(THINGS).encode() if raw.id % 5 == 0 else HEAD for raw in raws]
        connection.executemany(PUT, [values_of(describe(raw, body)) for raw, body in zip(raws, contents, strict=True)])
        connection.execute("COMMIT")
    print(f"{rows} rows in {time.perf_counter() - begin:.0f} s, {path.stat().st_size / 1e6:.0f} MB")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _raw(row_id: int, rows: int, chance: random.Random, now: float) -> Raw:
    domain = "large.example" if row_id % 5 else f"d{chance.randrange(200)}.example"
    first, last = chance.choice(FIRST), chance.choice(LAST)
    sender = f"{first}.{last}{chance.randrange(100_000)}@s{chance.randrange(20_000)}.example".lower()
    subject = " ".join(chance.choices(THINGS, k=4)) + (f" rare{row_id}" if row_id % 1000 == 0 else "")
    source = f"list:n{chance.randrange(3000)}.example" if row_id % 3 == 0 else ""
    held = now - (rows - row_id) * 1_200_000 / rows
    return Raw(
        row_id, f"user{chance.randrange(5000)}@{domain}", sender, sender, sender, f"{first} {last}", subject,
        chance.randrange(500, 5_000_000), chance.choice(REASONS), held, held + 14 * 86400, source,
        round(chance.gauss(2, 3), 1) if chance.random() < 0.8 else None,
    )  # fmt: skip


def _message(raw: Raw) -> dict[str, object]:
    return {
        "id": raw.id, "key": b"k", "sha256": b"s", "received_at": raw.held_at, "reverse_path": raw.reverse_path,
        "sender_key": raw.sender_key, "author": raw.author, "author_name": raw.author_name, "subject": raw.subject,
        "size": raw.size, "evidence": "{}" * 200, "proofs": "dkim:oak.example spf:oak.example", "trace": b"", "cuts": "[]",
        "body_8bit": 0, "smtputf8": 0, "score": raw.score,
    }  # fmt: skip


def _pending(raw: Raw) -> dict[str, object]:
    return {
        "id": raw.id, "message_id": raw.id, "recipient": raw.recipient_key, "recipient_key": raw.recipient_key,
        "recipient_domain": raw.recipient_key.partition("@")[2], "sender_key": raw.sender_key, "state": "pending",
        "reason": raw.reason, "challenge_id": None, "held_at": raw.held_at, "expires_at": raw.expires_at,
        "changed_at": raw.held_at, "as_spam": 0, "attempts": 0, "due_at": None, "due_since": None, "lease": None,
        "lease_until": None, "source": raw.source,
    }  # fmt: skip


def viewer(
    *, site: bool = False, domains: frozenset[str] = frozenset(), addresses: frozenset[str] = frozenset()
) -> Viewer:
    """Return somebody with this reach."""
    role = Role.SITE_ADMIN if site else Role.DOMAIN_ADMIN
    return Viewer(1, "bench", role, Reach(site, domains, addresses))


VIEWERS = {
    "site admin": viewer(site=True),
    "large domain": viewer(domains=frozenset({"large.example"})),
    "small domain": viewer(domains=frozenset({"d7.example"})),
    "ten domains": viewer(domains=frozenset({"large.example", *(f"d{n}.example" for n in range(9))})),
    "201 domains": viewer(domains=frozenset({"large.example", *(f"d{n}.example" for n in range(200))})),
    "200 small domains": viewer(domains=frozenset(f"d{n}.example" for n in range(200))),
    "fifty addresses": viewer(addresses=frozenset(f"user{n}@large.example" for n in range(50))),
    "user": viewer(addresses=frozenset({"user7@large.example", "user8@d7.example"})),
}
SEARCHES = (
    "anna", "roth", "rare1000", "ra", "o", "roof invoice", '"roof invoice"', "from:anna subject:rare", "subject:lamp",
    "file:roof", "has:file", "reason:null", "reason:null has:file anna", "day:yesterday", "roof before:2026-09-15",
    "to:user7", "nothingatall", "state:delivered roof", "state:all anna", "score:>5", "score:>=12 anna", "score:<0 has:file",
    "is:unseen", "is:unseen roof",
    "score:>3 roof", "nothingatall roof", "digest:1", "digest:1 roof",
    "after:digest", "after:digest roof", "after:digest is:unseen", "after:digest has:file score:>5", "user", "large", "example", '"example example"', "exam user large anna roth offer",
    "offer roof invoice meeting lamp week order report photo garden",
)  # fmt: skip

FAR = (
    ("from:anna", "sender"), ("from:hanna", "sender"), ("from:roth", "sender"), ("to:large", "recipient"),
    ("to:large.example roof", "recipient"), ("score:>3 roof", "score"), ("is:unseen from:anna", "sender"), ("roof invoice", "size"),
)  # fmt: skip
"""Frequent, and all of it at one end of the order, or in its middle."""


async def timed(name: str, look: Callable[[], Awaitable[object]]) -> bool:
    """Measure a look; tell p50 and p95, then the CPU time of half of the looks and of all; True where that is little."""
    took, spent = [], []
    for _ in range(TIMES):
        begin, cpu = time.perf_counter(), time.process_time()
        await look()
        took.append(time.perf_counter() - begin)
        spent.append(time.process_time() - cpu)
    p50, p95, cpu = statistics.median(took), sorted(took)[int(TIMES * 0.95)], statistics.median(spent)
    late = "" if cpu < GOAL else "  LATE"
    print(
        f"  {name:<60} {p50 * 1000:7.1f} {p95 * 1000:7.1f} ms, CPU {cpu * 1000:6.1f} {max(spent) * 1000:6.1f} ms{late}",
        flush=True,
    )
    return cpu < GOAL


def tell(path: Path, now: float = NOW) -> None:
    """Let the viewer have got a digest a day ago, and have opened five thousand of the mails."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT OR IGNORE INTO account (id, name, name_key, full_name, role, disabled, password, totp_secret,"
            " totp_step, language, time_zone, created_at, created_by)"
            " VALUES (1, 'bench', 'bench', '', 'user', 0, '', '', 0, '', '', 0, 'bench')"
        )
        connection.execute(
            "INSERT OR IGNORE INTO account_address (id, account_id, address_key, kind, given_by, given_at)"
            " VALUES (1, 1, 'user7@large.example', 'own', 'bench', 0)"
        )
        connection.execute(
            "INSERT OR IGNORE INTO digest (id, mailbox, state, created_at, changed_at, attempts, total, last_reply, mail_id)"
            " VALUES (1, 'user7@large.example', 'delivered', ?, 0, 1, 1, '', '')",
            (now - 86_400,),
        )
        # What a mailbox was told of may lie anywhere: its owner may have been away for long.
        told = "SELECT 1, id, 1 FROM queue WHERE id % 300 = 4 AND listed = 1"
        connection.execute(f"INSERT OR IGNORE INTO digest_item (digest_id, pending_id, place) {told}")
        connection.execute("INSERT OR IGNORE INTO seen SELECT id, 1 FROM queue WHERE id % 200 = 0")


async def look(store: Store) -> bool:
    """Measure all looks of all viewers."""
    queue = Queue(store, now=lambda: NOW)
    well = True
    for name, who in VIEWERS.items():
        print(name)
        for sort in SORTS:
            for reverse in (False, True):
                ask = Ask(sort=sort, reverse=reverse)
                page = await queue.page(who, ask)
                label = f"sort {sort}{' reversed' if reverse else ''}"
                well &= await timed(label, partial(queue.page, who, ask))
                for _ in range(20):
                    if page.next is not None:
                        ask = Ask(sort=sort, reverse=reverse, after=page.next)
                        page = await queue.page(who, ask)
                well &= await timed(f"{label}, page 21", partial(queue.page, who, ask))
                if page.rows:
                    well &= await timed(f"{label}, place of a mail there", partial(queue.spot, who, ask, page.rows[-1]))
                if page.previous is not None:
                    ask = Ask(sort=sort, reverse=reverse, before=page.previous)
                    well &= await timed(f"{label}, back", partial(queue.page, who, ask))
        for box in SEARCHES:
            for sort in ("arrival", "subject"):
                ask = Ask(box=box, lane="", sort=sort)
                page = await queue.page(who, ask)
                well &= await timed(f"{box} ({page.total}) by {sort}", partial(queue.page, who, ask))
                if page.rows:
                    well &= await timed(
                        f"{box} by {sort}, place of a mail", partial(queue.spot, who, ask, page.rows[-1])
                    )
        for box, sort in FAR:
            for reverse in (False, True):
                ask = Ask(box=box, lane="", sort=sort, reverse=reverse)
                page = await queue.page(who, ask)
                label = f"{box} by {sort}{' reversed' if reverse else ''}"
                well &= await timed(label, partial(queue.page, who, ask))
                if page.next is not None:
                    behind = replace(ask, after=page.next)
                    well &= await timed(f"{label}, next page", partial(queue.page, who, behind))
                    front = (await queue.page(who, behind)).previous
                    well &= await timed(f"{label}, and back", partial(queue.page, who, replace(ask, before=front)))
                for place, row in (("first", page.rows[:1]), ("last", page.rows[-1:])):
                    if row:
                        well &= await timed(
                            f"{label}, place of the {place} mail", partial(queue.spot, who, ask, row[0])
                        )
        well &= await timed("machine mail by source", partial(queue.groups, who))
    return well


async def release(store: Store) -> None:
    """Let ten thousand go by one order, and undo another."""
    who, now = VIEWERS["large domain"], time.time
    queue = Queue(store, now=lambda: NOW)
    orders = Orders(store, 0.5, now=now, wake=lambda: None)
    redate = Redater(store, Policy(), now=now).step
    worker = OrderWorker(store, 0.5, redate, now=now, wake_deliveries=lambda: None)
    for undo in (True, False):
        chosen = queue.selection(who, await queue.query(who, "subject:photo reason:null"))
        begin = time.perf_counter()
        order = await orders.give_all(who, Wish(Action.DELIVER, f"{begin}"), chosen)
        assert order is not None
        longest, undone = 0.0, False
        while order.state not in (OrderState.DONE, OrderState.UNDONE):
            step = time.perf_counter()
            if not await worker.run_once():
                if undo and not undone:
                    print(f"  gathered {order.total} in {time.perf_counter() - begin:.1f} s")
                    undone = await orders.undo(who, order.id)
                await asyncio.sleep(0.05)
            longest = max(longest, time.perf_counter() - step)
            found = await orders.get(who, order.id)
            assert found is not None
            order = found
        took = time.perf_counter() - begin
        print(
            f"  {order.state.value}: {order.total} rows, {order.done} done in {took:.1f} s,"
            f" longest step {longest * 1000:.0f} ms"
        )


async def main(arguments: list[str]) -> None:
    """Fill where needed, then measure."""
    parser = argparse.ArgumentParser(prog="benchmarks/queue.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="of a store that is made (1000000)")
    parser.add_argument("--store", type=Path, default=Path(".cache/queue.db"), help="made where it is missing")
    parser.add_argument("--no-bulk", action="store_true", help="leave out the bulk release, which changes the store")
    options = parser.parse_args(arguments)
    options.store.parent.mkdir(exist_ok=True)
    if not options.store.exists():
        fill(options.store, options.rows)
    store = Store(f"sqlite:///{options.store}")
    tell(options.store)
    try:
        well = await look(store)
        if not options.no_bulk:
            print("bulk")
            await release(store)
    finally:
        await store.close()
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    print("each under 100 ms of CPU time" if well else "NOT all under 100 ms")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
