"""The webhook in bulk: ten thousand events for one receiver, with mail and looks at the service beside it.

    python -m benchmarks.events [--events N]

A whole service of one process on a store of its own. Events are put into the audit trail by SQL in one go, as an order that
lets many mails go puts them there. Meanwhile a stranger sends a mail every 50 ms, which is held and told of too, and the service
is asked whether it is ready every 20 ms: what it takes is what its loop was held up.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from sqlalchemy import func, select

from benchmarks.beside import Beside
from benchmarks.bulk import DOMAINS, MailBeside, until
from benchmarks.gateway_process import GatewayProcess, Overrides
from benchmarks.measure import cpu_seconds, peak_megabytes
from benchmarks.places import HOST, end_on_sigterm, open_folder
from benchmarks.queue import fill
from benchmarks.surroundings import Surroundings, sender_zones
from gateway.store.store import Store
from gateway.store.tables import event
from gateway.store.tables.webhook import webhook_event, webhook_state
from gateway.store.transaction import Transaction

MAILS = 2000
"""That the events are of, in turns."""


class Receiver:
    """Takes each event, and counts: `with Receiver() as receiver`, then `receiver.url` and `receiver.taken`."""

    def __init__(self) -> None:
        self.taken, self._lock = 0, threading.Lock()
        receiver = self

        class Take(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._lock:
                    receiver.taken += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Take)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class AskingBeside(Beside):
    """Asks whether the service is ready, again and again in a thread; `longest` is the longest wait in seconds."""

    def __init__(self, gateway: GatewayProcess) -> None:
        super().__init__()
        self._gateway = gateway
        self.longest = 0.0

    def run(self) -> None:
        """Ask, and note the longest wait."""
        while not self.ended.wait(0.02):
            begin = time.perf_counter()
            self._gateway.is_ready()
            self.longest = max(self.longest, time.perf_counter() - begin)


def put_events(path: Path, count: int) -> None:
    """Let so many mails have begun to wait."""
    with closing(sqlite3.connect(path, timeout=60)) as connection, connection:
        connection.executemany(
            "INSERT INTO event (at, pending_id, event, state_from, state_to, actor, detail)"
            " VALUES (?, ?, 'hold', '', 'pending', '', '')",
            [(time.time(), 1 + number % MAILS) for number in range(count)],
        )


async def told(store: Store) -> bool:
    """True when all that stands in the trail was sent."""
    newest = select(func.coalesce(func.max(event.c.id), 0))

    def work(tx: Transaction) -> bool:
        run = tx.connection.execute
        cursor = run(select(webhook_state.c.cursor)).scalar()
        waits = run(select(func.count()).select_from(webhook_event)).scalar_one()
        # Mail beside it goes on being told of.
        return cursor is not None and cursor + 20 > run(newest).scalar_one() and waits < 20

    return await store.look(work)


async def measured(gateway: GatewayProcess, path: Path, receiver: Receiver, count: int) -> None:
    """Do nothing, then tell of all events, each with mail beside it."""
    store = Store(f"sqlite:///{path}")
    try:
        for name in ("nothing", "events"):
            before, cpu, begin = receiver.taken, cpu_seconds(gateway.pid), time.perf_counter()
            with MailBeside(gateway.smtp_port) as mails, AskingBeside(gateway) as asking:
                if name == "nothing":
                    await asyncio.sleep(5)
                else:
                    put_events(path, count)
                    await until(lambda: told(store))
            took, taken = time.perf_counter() - begin, receiver.taken - before
            print(
                f"  {name}: {taken} told in {took:.1f} s, {taken / took:.0f}/s; {mails.told()};"
                f" the loop held up for {asking.longest * 1000:.0f} ms at most;"
                f" CPU {cpu_seconds(gateway.pid) - cpu:.1f} s",
                flush=True,
            )
        print(f"memory at most {peak_megabytes(gateway.pid):.0f} MB")
    finally:
        await store.close()


def main(arguments: list[str]) -> int:
    """Start a service with a receiver, and measure."""
    parser = argparse.ArgumentParser(prog="benchmarks/events.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=10_000, help="that are told of (10000)")
    options = parser.parse_args(arguments)
    with (
        open_folder("gateway-events") as folder,
        Surroundings(sender_zones(["known.example"], HOST)) as around,
        Receiver() as receiver,
    ):
        fill(folder / "gateway.db", MAILS, time.time())
        secret = folder / "secret"
        secret.write_text("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
        secret.chmod(0o600)
        settings: Overrides = {
            "domains.names": DOMAINS,
            "relay.next_hop": f"{HOST}:{around.outside.port}",
            "relay.smart_host": f"{HOST}:{around.outside.port}",
            "dns.servers": [f"{HOST}:{around.dns_port}"],
            "challenge.mode": "off",
            "smtp.processes": 1,
            "webhook.url": receiver.url,
            "webhook.secret_file": str(secret),
        }
        with GatewayProcess(folder, settings) as gateway:
            asyncio.run(measured(gateway, folder / "gateway.db", receiver, options.events))
    return 0


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main(sys.argv[1:]))
