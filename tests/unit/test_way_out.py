"""The way of mail to the outside, put together."""

from __future__ import annotations

import asyncio
import smtplib
from pathlib import Path

from benchmarks.places import HOST
from gateway.domain.lists import Entry, Verdict
from gateway.domain.outgoing import mail_hash
from gateway.flow.outgoing_ports import Sent
from gateway.settings import Settings, load
from gateway.store.store import Store
from gateway.way_out import WayOut
from tests.certificates import make_certificate, unverified_tls
from tests.store.letters import DAY, NOW


def settings(folder: Path, **told: str) -> Settings:
    named = {f"GATEWAY_{name.upper()}": value for name, value in told.items()}
    return load(None, {"GATEWAY_STORE_URL": f"sqlite:///{folder}/gateway.db", **named})


def way_out(told: Settings, store: Store, *, trusted: bool = True) -> WayOut:
    return WayOut(told, store, now=lambda: NOW, trusted=lambda: trusted, wake_deliveries=lambda: None)


async def test_way_out_listens_only_where_it_is_told_to(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/gateway.db")
    closed = way_out(settings(tmp_path), store)
    await closed.open()
    assert closed.addresses == []
    await closed.close(1)
    await store.close()


async def test_way_out_defers_while_the_server_behind_is_down_demands_tls_and_ends(tmp_path: Path) -> None:
    make_certificate(tmp_path / "mx.pem", tmp_path / "mx.key", "mx.example.org")
    told = settings(
        tmp_path,
        outgoing_listen=f"{HOST}:0",
        outgoing_next_hop=f"{HOST}:1",
        outgoing_tls_required="true",
        smtp_tls_certificate=str(tmp_path / "mx.pem"),
        smtp_tls_key=str(tmp_path / "mx.key"),
    )
    store = Store(told.store.url)
    way = way_out(told, store)
    await way.open()
    way.reload()
    ((host, port),) = way.addresses

    def talk() -> list[int]:
        with smtplib.SMTP(host, port, "mta.example.org", timeout=30) as door:
            door.ehlo()
            early = door.mail("joe@example.org")[0]
            door.starttls(context=unverified_tls())
            door.ehlo()
            return [early, door.mail("joe@example.org")[0], door.rcpt("anna@oak.example")[0]]

    assert await asyncio.to_thread(talk) == [530, 250, 451]
    assert await way.stop(1) == 0
    await way.close(1)
    await store.close()


async def test_way_out_forgets_in_time_but_not_by_a_clock_that_is_not_believed(tmp_path: Path) -> None:
    told = settings(tmp_path, outgoing_reply_days="10")
    store = Store(told.store.url)
    old = Sent(mail_hash("<1>"), "joe@example.org", "oak.example")
    entry = Entry(Verdict.ALLOW, "anna@oak.example", "joe@example.org")
    await store.transact(lambda tx: tx.sent.remember([old], NOW - 11 * DAY))
    await store.transact(lambda tx: tx.sent.learn(entry, "joe@example.org", "t", DAY, NOW - 32 * DAY))

    async def left() -> tuple[int, int]:
        known = await store.look(lambda tx: tx.sent.answered([old.mail_id], [old.owner], 0.0))
        return len(known), len(await store.look(lambda tx: tx.lists.entries([entry.pattern])))

    for trusted, expected in ((False, (1, 1)), (True, (0, 0))):
        way = way_out(told, store, trusted=trusted)
        await way.open()
        await store.look(lambda tx: None)
        while trusted and await left() != expected:
            await asyncio.sleep(0)
        assert await left() == expected
        await way.close(1)
    await store.close()
