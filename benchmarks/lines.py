"""History and log at a million lines: first and later pages, within a reach, by address, domain, state and day.

    python -m benchmarks.lines [--lines N] [--store FILE] [--only history|log|writing]

Lines are made by SQL in one go; what is measured is the service's own code over the store, in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import sqlite3
import sys
import time
from collections.abc import Awaitable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.queue import FIRST, LAST, NOW, VIEWERS, timed
from gateway.domain.durations import DAY
from gateway.domain.roles import Viewer
from gateway.flow.history import Asked, History
from gateway.flow.journal import Deed, Journal
from gateway.flow.passages import Passage
from gateway.store.engine import prepare
from gateway.store.schema import create
from gateway.store.store import Store

LATER = 20
"""Pages that are turned before a later one is measured."""
SPAN = 90 * DAY
STATES = {
    "passage": (("relayed", 0.9), ("refused", 0.0999), ("deferred", 0.0001)),
    "departure": (("relayed", 0.999), ("refused", 0.0009), ("deferred", 0.0001)),
    "letter": (("sent", 0.9999), ("refused", 0.0001)),
    "challenge": (("expired", 0.6), ("answered", 0.3), ("failed", 0.0999), ("disowned", 0.0001)),
    "pending": (("expired", 0.5), ("delivered", 0.3), ("deleted", 0.1), ("pending", 0.0999), ("blocked", 0.0001)),
}
"""What became of mail, and how often."""
LOOKS = {
    "all": Asked(),
    "one day": Asked(after=NOW - 40 * DAY, before=NOW - 39 * DAY),
    "the oldest day": Asked(before=NOW - SPAN + DAY),
    "relayed": Asked(state="relayed"),
    "refused": Asked(state="refused"),
    "deferred, rare": Asked(state="deferred"),
    "expired": Asked(state="expired"),
    "in no state": Asked(state="nonsense"),
    "an address outside": Asked("anna.roth77@s1.example"),
    "an address of ours": Asked("user7@large.example"),
    "an address nobody has": Asked("nobody@s1.example"),
    "@domain, frequent": Asked("@s1.example"),
    "@domain, rare": Asked("@s19998.example"),
    "@domain of ours": Asked("@large.example"),
    "@domain nobody has": Asked("@far.example"),
    "@domain and rare state": Asked("@s1.example", "deferred"),
    "@domain, refused, a day": Asked("@s1.example", "refused", NOW - 40 * DAY, NOW - 39 * DAY),
    "@domain that began long ago": Asked("@old.example"),
}
WORDS = (
    "deliver", "list-add", "add-list", "example", "s1.example", "s9999.example", "anna.roth77", "anna.roth77@s1.example",
    "roth5@old", "m500000", "login anna", "zzz", "o", "x", "m5", "zq",
)  # fmt: skip


def fill(path: Path, lines: int) -> None:
    """Make a store with so many lines of history, the most of relayed mail, and as many in the log."""
    create(f"sqlite:///{path}")
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection)
    for pragma in ("synchronous=OFF", "cache_size=-400000", "foreign_keys=OFF"):
        connection.execute(f"PRAGMA {pragma}")
    begin, chance = time.perf_counter(), random.Random(7)
    shares = {"passage": 0.6, "departure": 0.1, "letter": 0.1, "pending": 0.1, "challenge": 0.1, "journal": 1.0}
    for table, share in shares.items():
        count = int(lines * share)
        connection.execute("BEGIN")
        _put(connection, table, [_line(table, number, count, chance) for number in range(1, count + 1)])
        if table == "pending":
            _put(connection, "message", [{"id": number} for number in range(1, count + 1)])
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    print(f"{lines} lines in {time.perf_counter() - begin:.0f} s, {path.stat().st_size / 1e6:.0f} MB")


def _line(table: str, number: int, count: int, chance: random.Random) -> dict[str, object]:
    """Return the facts of one mail; of mail to the outside its sender is ours."""
    at = NOW - SPAN + number * SPAN / count
    ours = f"user{chance.randrange(5000)}@" + ("large.example" if number % 5 else f"d{chance.randrange(200)}.example")
    # A third of all mail comes from one domain, most of the others are seldom seen; one was long ago.
    place = min(int(chance.paretovariate(0.35)), 20_000)
    domain = "old.example" if number < count // 4 and number % 3 == 0 else f"s{place}.example"
    outside = f"{chance.choice(FIRST)}.{chance.choice(LAST)}{chance.randrange(1000)}@{domain}".lower()
    sender, recipient = (
        (ours, outside) if table == "departure" else ("", ours) if table == "letter" else (outside, ours)
    )
    if table == "journal":
        deed = ("list-add", "message-deliver", "login", "api deliverMessage")[number % 4]
        return {
            "id": number, "at": at, "actor": f"admin{chance.randrange(30)}", "deed": deed, "object": f"m{number}",
            "domain": ours.partition("@")[2], "detail": outside, "client": "192.0.2.1",
        }  # fmt: skip
    states, weights = zip(*STATES[table], strict=True)
    return {
        "id": number, "at": at, "created_at": at, "held_at": at, "changed_at": at, "expires_at": at, "message_id": number,
        "sender": sender, "sender_key": sender, "sender_domain": sender.rpartition("@")[2], "recipient": recipient,
        "recipient_key": recipient, "recipient_domain": recipient.rpartition("@")[2], "size": 1000,
        "state": chance.choices(states, weights)[0], "client": "192.0.2.1", "reply": "250 2.0.0 Ok: queued as 4XyZ",
        "kind": "digest",
    }  # fmt: skip


def _put(connection: sqlite3.Connection, table: str, lines: Sequence[dict[str, object]]) -> None:
    """Insert lines; what is not told is empty."""
    columns = [
        (name, None if not needed else "" if kind in ("TEXT", "BLOB") or "CHAR" in kind else 0)
        for _, name, kind, needed, _, _ in connection.execute(f"PRAGMA table_info({table})")
    ]
    marks = ", ".join("?" * len(columns))
    query = f"INSERT INTO {table} ({', '.join(name for name, _ in columns)}) VALUES ({marks})"
    connection.executemany(query, ([line.get(name, nothing) for name, nothing in columns] for line in lines))


async def look_at_history(store: Store, who: Viewer) -> bool:
    """Measure its pages."""
    history, well = History(store, 90, {}, now=lambda: NOW), True
    for name, asked in LOOKS.items():
        page = await history.page(who, asked)
        well &= await timed(f"history: {name} ({len(page.rows)})", partial(history.page, who, asked))
        start = page.next
        if start is None:
            continue
        for _ in range(LATER):
            page = await history.page(who, asked, start)
            if page.next is None:
                break
            start = page.next
        well &= await timed(f"history: {name}, a later page", partial(history.page, who, asked, start))
    return well


async def look_at_log(store: Store, who: Viewer) -> bool:
    """Measure its pages."""
    journal, well = Journal(store, now=lambda: NOW), True
    asked: list[dict[str, str]] = [{}, {"actor": "admin7"}, {"actor": "nobody"}, *({"words": words} for words in WORDS)]
    asked += [{"actor": "admin7", "words": "list"}, {"actor": "admin7", "words": "zzz"}]
    for words in asked:
        found = await _deeds(journal, who, words)
        told = " ".join(f"{name}:{word}" for name, word in words.items()) or "all"
        well &= await timed(f"log: {told} ({len(found)})", partial(_deeds, journal, who, words))
        if found:
            last = found[-1].id
            well &= await timed(f"log: {told}, next page", partial(_deeds, journal, who, words, last))
    return well


def _deeds(journal: Journal, who: Viewer, asked: dict[str, str], before: int = 0) -> Awaitable[Sequence[Deed]]:
    return journal.page(who, actor=asked.get("actor", ""), words=asked.get("words", ""), before_id=before)


def passages(count: int) -> Iterator[list[Passage]]:
    """Yield mail as it is written down each second."""
    chance = random.Random(5)
    for start in range(0, count, 500):
        lines = [_line("passage", number, count, chance) for number in range(start + 1, start + 501)]
        told = {"at": NOW + start / 1000, "transaction_id": "t" * 31, "decision": "deliver", "reason": "allowlist"}
        yield [Passage._make((line | told).get(name, "4XyZ") for name in Passage._fields) for line in lines]


async def write(store: Store, count: int = 30_000) -> None:
    """Measure what writing down costs, and drop it again."""
    batches = list(passages(count))
    begin, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        await store.transact(lambda tx: tx.passages.add(batch))  # noqa: B023 awaited here
    took, spent = time.perf_counter() - begin, time.process_time() - cpu
    print(f"written down: {count} mails, {took / count * 1e6:.0f} us each, CPU {spent / count * 1e6:.0f} us each")
    await store.transact(lambda tx: tx.connection.exec_driver_sql("DELETE FROM passage WHERE at >= ?", (NOW,)))


async def main(arguments: list[str]) -> None:
    """Fill where needed, then measure."""
    parser = argparse.ArgumentParser(prog="benchmarks/lines.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lines", type=int, default=1_000_000, help="of a store that is made (1000000)")
    parser.add_argument("--store", type=Path, default=Path(".cache/lines.db"), help="made where it is missing")
    parser.add_argument("--only", choices=("history", "log", "writing"), help="measure this alone")
    options = parser.parse_args(arguments)
    options.store.parent.mkdir(exist_ok=True)
    if not options.store.exists():
        fill(options.store, options.lines)
    store, well = Store(f"sqlite:///{options.store}"), True
    try:
        for name, who in VIEWERS.items():
            print(name)
            if options.only in (None, "history"):
                well &= await look_at_history(store, who)
            if options.only in (None, "log"):
                well &= await look_at_log(store, who)
        if options.only in (None, "writing"):
            await write(store)
    finally:
        await store.close()
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    print("each under 100 ms of CPU time" if well else "NOT all under 100 ms")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
