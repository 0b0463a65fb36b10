"""Long work beside mail that comes in: a bulk release to the last delivery, and new days for what waits.

    python -m benchmarks.bulk [--rows N]

A whole service on a store of its own, a sink as next hop. Meanwhile a stranger sends a mail every 50 ms, which is held:
its 250 comes after the store's one writer has taken it. Its seconds are told without long work, and beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import select

from benchmarks.beside import Beside
from benchmarks.delay import Session
from benchmarks.gateway_process import GatewayProcess
from benchmarks.measure import cpu_seconds, peak_megabytes
from benchmarks.peers import SmtpSink
from benchmarks.places import HOST, end_on_sigterm, open_folder
from benchmarks.queue import HEAD, fill, viewer
from benchmarks.surroundings import Surroundings, sender_zones
from gateway.domain.address import normal_domain
from gateway.domain.levels import PolicySetting
from gateway.domain.lifecycle import State
from gateway.domain.policy import Policy
from gateway.flow.moderate import Action
from gateway.flow.order_ports import OrderState, Wish
from gateway.flow.orders import Orders
from gateway.flow.policies import Policies
from gateway.flow.policy_ports import Edit
from gateway.flow.queue import Queue
from gateway.store.store import Store
from gateway.store.tables import pending

DOMAINS = ["large.example", *(f"d{number}.example" for number in range(200)), "example.org"]
PAUSE = 0.05
PATIENCE = 600.0
"""Seconds that a piece of work may take."""
ROOT = viewer(site=True)


class MailBeside(Beside):
    """Sends a mail each PAUSE in a thread of its own: `with MailBeside(port) as beside`, then `beside.told()`."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._seconds: list[float] = []

    def run(self) -> None:
        """Send them, and note how long each took."""
        with Session(self._port) as session:
            while not self.ended.wait(PAUSE):
                self._seconds.append(session.mail(4000))

    def told(self) -> str:
        """Say how long they took."""
        cuts = statistics.quantiles(self._seconds, n=100)
        told = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "most": max(self._seconds)}
        words = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in told.items())
        return f"{len(self._seconds)} mails beside it: {words}"


async def until(state: Callable[[], Awaitable[bool]]) -> float:
    """Wait until something is so; return the seconds it took. Raises TimeoutError."""
    begin = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        while not await state():  # noqa: ASYNC110 another process changes it
            await asyncio.sleep(0.2)
    return time.perf_counter() - begin


async def release(store: Store, sink: SmtpSink) -> None:
    """Let a fifth of what waits go by one order, and wait until the last one is delivered."""
    queue, orders = Queue(store, now=time.time), Orders(store, 0.0, now=time.time, wake=lambda: None)
    before, begin = sink.count(), time.perf_counter()
    selection = queue.selection(ROOT, await queue.query(ROOT, "reason:unproven"))
    order = await orders.give_all(ROOT, Wish(Action.DELIVER, f"{begin}"), selection)
    assert order is not None
    found = order

    async def past(*states: OrderState) -> bool:
        nonlocal found
        seen = await orders.get(ROOT, order.id)
        assert seen is not None
        found = seen
        return found.state not in states

    async def delivered() -> bool:
        left = select(pending.c.id).where(pending.c.state == State.RELEASED.value).limit(1)
        return await store.look(lambda tx: tx.connection.execute(left).first()) is None

    gathered = await until(lambda: past(OrderState.GATHERING))
    done = await until(lambda: past(OrderState.WAITING, OrderState.RUNNING))
    last = await until(delivered)
    whole = time.perf_counter() - begin
    print(
        f"release of {found.done} mails: {whole:.1f} s, {found.done / whole:.0f}/s; gathered in {gathered:.1f} s, "
        f"let go in {done:.1f} s more, the last delivered {last:.1f} s after; the sink took {sink.count() - before}"
    )


async def redate(store: Store, days: int) -> None:
    """Let all that waits go on other days."""
    ours = frozenset(map(normal_domain, DOMAINS))
    policies = Policies(store, Policy(), ours, ["en"], now=time.time, wake=lambda: None)
    begin = time.perf_counter()
    await policies.preview(ROOT, "", {PolicySetting.DAYS: Edit(str(days))})
    seen = time.perf_counter() - begin
    await policies.save(ROOT, "", {PolicySetting.DAYS: Edit(str(days))})
    await policies.apply_to_waiting(ROOT, "")
    begin = time.perf_counter()

    async def applied() -> bool:
        order = await policies.applying(ROOT, "")
        return order is not None and not order.open

    await until(applied)
    order = await policies.applying(ROOT, "")
    assert order is not None
    took = time.perf_counter() - begin
    print(f"new days for {order.progress.moved} of {order.total} mails: {took:.1f} s; preview {seen:.2f} s")


def main(arguments: list[str]) -> int:
    """Measure all three: nothing, a release, new days."""
    parser = argparse.ArgumentParser(prog="benchmarks/bulk.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000, help="mails that wait (50000); a fifth is released")
    parser.add_argument("--octets", type=int, default=10_240, help="size of each (10240)")
    options = parser.parse_args(arguments)
    with (
        open_folder("gateway-bulk") as folder,
        Surroundings(sender_zones(["known.example"], HOST)) as around,
        SmtpSink(folder) as sink,
    ):
        octets = HEAD + (b"x" * 78 + b"\r\n") * (options.octets // 80)
        fill(folder / "gateway.db", options.rows, time.time(), octets)
        gateway = GatewayProcess(
            folder,
            {
                "domains.names": DOMAINS,
                "relay.next_hop": f"{HOST}:{sink.port}",
                "relay.smart_host": f"{HOST}:{around.outside.port}",
                "dns.servers": [f"{HOST}:{around.dns_port}"],
                "challenge.mode": "off",
                "console.undo_seconds": 0,
            },
        )
        with gateway:
            asyncio.run(measured(gateway, folder / "gateway.db", sink))
    return 0


async def measured(gateway: GatewayProcess, path: Path, sink: SmtpSink) -> None:
    """Do the long work, each with mail beside it."""
    store = Store(f"sqlite:///{path}")
    work: dict[str, Callable[[], Awaitable[None]]] = {
        "nothing": lambda: asyncio.sleep(5),
        "release": lambda: release(store, sink),
        "days": lambda: redate(store, 30),
    }
    try:
        for name, one in work.items():
            cpu = cpu_seconds(gateway.pid)
            with MailBeside(gateway.smtp_port) as beside:
                await one()
            print(f"  {name}: {beside.told()}; CPU {cpu_seconds(gateway.pid) - cpu:.1f} s", flush=True)
        print(f"memory at most {peak_megabytes(gateway.pid):.0f} MB")
    finally:
        await store.close()


if __name__ == "__main__":
    end_on_sigterm()
    sys.exit(main(sys.argv[1:]))
