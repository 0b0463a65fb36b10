"""Pages of the console and listings of the API at a million rows, in a whole service: CPU time, memory, and who waits.

    python -m benchmarks.pages --store FILE [--release]

The store is one that `benchmarks.queue` made; accounts and tokens are added to it. Each page is looked at as each role; each
listing of the API too, its first page and the next by cursor. CPU time is that of the whole service for one request.
With --release ten thousand mails go out by one order of the API, while a page is asked for all the time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.beside import Beside
from benchmarks.gateway_process import GatewayProcess, Overrides
from benchmarks.measure import cpu_seconds, peak_megabytes
from benchmarks.peers import SmtpSink
from benchmarks.places import HOST, end_on_sigterm, open_folder
from benchmarks.queue import GOAL, HEAD
from gateway.domain.scopes import Scope

TIMES = 5
DOMAINS = ["large.example", *(f"d{number}.example" for number in range(200))]
WHO = {
    "site": ("--role", "site-admin"),
    "large": ("--role", "domain-admin", "--domain", "large.example"),
    "ten": ("--role", "domain-admin", *(part for name in DOMAINS[:10] for part in ("--domain", name))),
    "all": ("--role", "domain-admin", *(part for name in DOMAINS for part in ("--domain", name))),
    "user8@large.example": ("--role", "user"),
}
"""Who looks: names of accounts, and how they are made."""
PAGES = (
    "overview", "overview?span=30d", "domains", "outgoing", "pending", "pending?q=roof+invoice&sort=subject",
    "pending?q=is:unseen", "pending?lane=machine", "pending/machine", "history", "history?state=failed", "log", "lists",
    "lists?words=p777", "lists?verdict=deny", "accounts", "accounts?words=user7", "requests", "requests?state=all", "policies",
    "templates", "digests", "expecting", "webhook", "account",
)  # fmt: skip
LISTINGS = (
    "pending", "pending?q=roof+invoice&sort=subject", "pending?q=state:delivered", "pending/counts", "pending/sources",
    "pending/orders", "pending/searches", "release-requests", "release-requests?state=all", "lists", "lists?words=p777",
    "policies", "expecting", "digests", "templates", "overview", "domains", "outgoing", "webhook", "accounts", "account",
    "account/sessions", "account/tokens", "journal", "history",
)  # fmt: skip


class Person:
    """Somebody with a session and a token."""

    def __init__(self, gateway: GatewayProcess, name: str, options: tuple[str, ...]) -> None:
        try:
            link = gateway.command("account", "link", name)
        except RuntimeError:
            link = gateway.command("account", "add", name, *options)
        path = "/sign-in/link/" + link.partition("/sign-in/link/")[2].split()[0]
        self._port = gateway.web_port
        self.name = name
        origin = {"Origin": gateway.url, "Content-Type": "application/x-www-form-urlencoded"}
        _, headers, _ = self.ask("POST", path, origin)
        cookies = [one.partition(";")[0] for one in headers.get_all("Set-Cookie", [])]
        self._cookie = {"Cookie": "; ".join(cookies)}
        scopes = [part for scope in Scope for part in ("--scope", scope.value)]
        made = gateway.data("token", "make", name, "bench", *scopes)
        self._token = {"Authorization": f"Bearer {made['secret']}"}

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: str = ""
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Ask for something; return the status, the header and the body."""
        with closing(http.client.HTTPConnection(HOST, self._port, timeout=120)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def see(self, page: str) -> int:
        """Look at a page of the console."""
        return self.ask("GET", f"/console/{page}", self._cookie)[0]

    def call(self, path: str, body: object = None) -> tuple[int, bytes]:
        """Ask the API; with a body, let it do something."""
        headers = self._token if body is None else {**self._token, "Content-Type": "application/json"}
        octets = "" if body is None else json.dumps(body)
        status, _, told = self.ask("GET" if body is None else "POST", f"/api/v1/{path}", headers, octets)
        return status, told


class LookingBeside(Beside):
    """Asks for a page again and again in a thread: `with LookingBeside(person) as beside`, then `beside.longest`."""

    def __init__(self, person: Person) -> None:
        super().__init__()
        self._person = person
        self.longest, self.asked = 0.0, 0

    def run(self) -> None:
        """Ask, and note the longest wait."""
        while not self.ended.wait(0.02):
            begin = time.perf_counter()
            self._person.see("account")
            self.longest, self.asked = max(self.longest, time.perf_counter() - begin), self.asked + 1


def looks(person: Person) -> Iterator[tuple[str, str]]:
    """Yield what a person asks for: a label, and the path in the console, or in the API."""
    for page in PAGES:
        yield f"console/{page}", page
    for listing in LISTINGS:
        yield f"api/{listing}", listing
        status, body = person.call(listing)
        cursor = json.loads(body).get("next") if status == 200 else None
        if cursor:
            follows = f"{listing}{'&' if '?' in listing else '?'}cursor={cursor}"
            yield f"api/{listing}, next page", follows


def timed(gateway: GatewayProcess, person: Person, label: str, path: str) -> bool:
    """Tell the service's CPU time for one look, and the longest wait; True where it is as little as it should be."""

    def look() -> int:
        return person.see(path) if label.startswith("console/") else person.call(path)[0]

    status = look()
    if status in (403, 404):
        return True
    begin, cpu = time.perf_counter(), cpu_seconds(gateway.pid)
    longest = 0.0
    for _ in range(TIMES):
        start = time.perf_counter()
        look()
        longest = max(longest, time.perf_counter() - start)
    spent, took = (cpu_seconds(gateway.pid) - cpu) / TIMES, (time.perf_counter() - begin) / TIMES
    well = status == 200 and spent < GOAL
    print(
        f"  {label:<62} {status} CPU {spent * 1000:6.0f} ms, {took * 1000:7.0f} ms, at most {longest * 1000:7.0f}"
        f"{'' if well else '  LATE'}",
        flush=True,
    )
    return well


def release(gateway: GatewayProcess, store: Path, sink: SmtpSink, person: Person) -> None:
    """Let ten thousand mails go by one order, and tell how long it takes and who waits for it."""
    search = "subject:photo reason:null"
    with closing(sqlite3.connect(store)) as connection, connection:
        have = "SELECT id, ? FROM queue WHERE reason = 'null-reverse-path' AND listed = 1"
        connection.execute(f"INSERT OR IGNORE INTO content (message_id, octets) {have}", (HEAD,))
    begin, cpu = time.perf_counter(), cpu_seconds(gateway.pid)
    with LookingBeside(person) as beside:
        status, body = person.call("pending/orders", {"action": "deliver", "all": {"q": search}})
        assert status == 201, body
        number = json.loads(body)["order"]["id"]
        while True:
            order = json.loads(person.call(f"pending/orders/{number}")[1])["order"]
            if order["state"] in ("done", "undone", "stopped"):
                break
            time.sleep(0.2)
        ordered = time.perf_counter() - begin
        before, still = -1, 0
        while still < 20:
            before, count = sink.count(), before
            still = still + 1 if before == count else 0
            time.sleep(0.2)
    print(
        f"released {order['done']} of {order['total']}, {order['failed']} failed, in {ordered:.1f} s;"
        f" {sink.count()} delivered within {time.perf_counter() - begin - 4:.1f} s,"
        f" CPU {cpu_seconds(gateway.pid) - cpu:.1f} s; the longest of {beside.asked} requests meanwhile"
        f" took {beside.longest * 1000:.0f} ms"
    )


def main(arguments: list[str]) -> None:
    """Start a service on the store, and look."""
    parser = argparse.ArgumentParser(prog="benchmarks/pages.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--store", type=Path, default=Path(".cache/queue.db"), help="made by benchmarks.queue")
    parser.add_argument("--who", default="", help="only those whose name holds this")
    parser.add_argument("--only", default="", help="only looks whose name holds this")
    parser.add_argument("--release", action="store_true", help="let ten thousand go, which changes the store")
    options = parser.parse_args(arguments)
    end_on_sigterm()
    with open_folder("pages") as folder, SmtpSink(folder) as sink:
        settings: Overrides = {
            "store.url": f"sqlite:///{options.store.resolve()}",
            "domains.names": DOMAINS,
            "smtp.processes": 1,
            "relay.next_hop": f"{HOST}:{sink.port}",
            "api.requests_per_minute": 100_000,
            "pending.settle_minutes": 100_000,
        }
        with closing(sqlite3.connect(options.store)) as connection, connection:
            # Its mail has expired long ago: nothing is done to it while the clock seems to have jumped.
            connection.execute("INSERT OR REPLACE INTO service (name, last_seen) VALUES ('gateway', 0.0)")
        with GatewayProcess(folder, settings) as gateway:
            well = True
            people = [Person(gateway, name, made) for name, made in WHO.items() if options.who in name]
            for person in people:
                print(person.name)
                for label, path in looks(person):
                    if options.only in label:
                        well &= timed(gateway, person, label, path)
            if options.release:
                release(gateway, options.store, sink, people[0])
            print(f"memory {peak_megabytes(gateway.pid):.0f} MB at most")
            print("each under 100 ms of CPU time" if well else "NOT all under 100 ms")


if __name__ == "__main__":
    main(sys.argv[1:])
