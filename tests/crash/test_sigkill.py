"""SIGKILL at random moments under load: no acknowledged mail is lost, none is changed.

CRASH_KILLS=200 makes a long run of it, CRASH_SEED repeats one.
"""

from __future__ import annotations

import os
import random
import smtplib
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.gateway_process import GatewayProcess
from benchmarks.places import HOST, wait_until
from benchmarks.surroundings import Surroundings
from tests.crash.senders import KNOWN, KNOWN_HERE, STRANGER, Senders, content_of, number_in

KILLS = int(os.environ.get("CRASH_KILLS", "10"))
SEED = int(os.environ.get("CRASH_SEED", str(random.SystemRandom().randrange(1_000_000))))


def test_acknowledged_mail_is_held_or_delivered_after_every_sigkill(
    folder: Path, settings: dict[str, Any], around: Surroundings
) -> None:
    chance = random.Random(SEED)
    gateway = GatewayProcess(folder, settings)
    gateway.start()
    try:
        gateway.command("lists", "add", "allow", KNOWN)
        gateway.command("lists", "add", "allow", STRANGER, "--for", KNOWN_HERE)
        with Senders(gateway.smtp_port, 4) as senders:
            for kill in range(KILLS):
                # Each third time while it starts, else while it works.
                if kill % 3 == 2:
                    time.sleep(chance.uniform(0.05, 1.0))
                else:
                    wait_until(gateway.is_ready, "the gateway is ready", 30)
                    time.sleep(chance.uniform(0.02, 0.8))
                gateway.kill()
                gateway.start(wait=False)
            wait_until(gateway.is_ready, "the gateway is ready", 30)
            before = len(senders.acknowledged)
            # At least as much as the kills are to be measured by, also where the machine was busy with others.
            enough = max(before + 20, 10 * KILLS)
            wait_until(lambda: len(senders.acknowledged) > enough, "it goes on taking mail")
        where = f"CRASH_SEED={SEED}"
        assert senders.refusals == [], where
        assert len(senders.acknowledged) > 10 * KILLS, where

        audit = gateway.run("audit", "--json")
        assert audit.returncode == 0, f"{where}: {audit.stdout}{audit.stderr}"
        assert _integrity(folder) == "ok", where
        rows = gateway.data("pending", "list", "--state", "all", "--most", "1000000")
        kept = {(int(row["subject"].removeprefix("number ")), row["recipient"]) for row in rows}
        delivered = {(number_in(mail.content), mail.recipient): mail.content for mail in around.inside.all_mails()}
        owed = [(sent.number, recipient) for sent in senders.acknowledged for recipient in sent.recipients]
        missing = [key for key in owed if key not in kept and key not in delivered]
        assert missing == [], f"{where}: {len(missing)} of {len(owed)} acknowledged copies are nowhere: {missing[:10]}"
        for sent in senders.acknowledged:
            for recipient in sent.recipients:
                content = delivered.get((sent.number, recipient))
                assert content is None or content.endswith(sent.content), f"{where}: {sent.number} was changed"
    finally:
        gateway.kill()


def test_released_mail_is_delivered_although_the_gateway_is_killed_meanwhile(
    folder: Path, settings: dict[str, Any], around: Surroundings
) -> None:
    count, recipient = 120, "mia@example.org"
    chance = random.Random(SEED)
    # Slow enough to be killed in the middle.
    gateway = GatewayProcess(folder, settings | {"smtp.processes": 1, "relay.next_hop_connections": 2})
    gateway.start()
    try:
        with smtplib.SMTP(HOST, gateway.smtp_port, "client.crash.example", timeout=20) as door:
            for number in range(count):
                door.sendmail(STRANGER, [recipient], content_of(number, STRANGER, (recipient,)))
        rows = gateway.data("pending", "list", "--most", str(count + 1))
        assert len(rows) == count
        gateway.command("pending", "deliver", *(str(row["id"]) for row in rows))
        in_hand: Counter[int] = Counter()
        for _ in range(4):
            time.sleep(chance.uniform(0.0, 0.15))
            gateway.kill()
            in_hand.update(_in_hand(folder))
            gateway.start()
        # What a killed process had claimed is free again as soon as the next one starts: it is the only one on this store.
        wait_until(lambda: _states(gateway) == {"delivered": count}, f"all is delivered, not {_states(gateway)}", 30)

        copies = Counter(number_in(mail.content) for mail in around.inside.all_mails())
        assert sorted(copies) == list(range(count))
        # RFC 1047: a mail that was in hand when the gateway was killed may arrive once more for that, all others arrive once.
        ids = sorted(row["id"] for row in rows)
        again = {number: found - 1 for number, found in copies.items() if found > 1}
        assert all(more <= in_hand[ids[number]] for number, more in again.items()), (again, in_hand)
        gateway.command("audit")
    finally:
        gateway.kill()


def _states(gateway: GatewayProcess) -> dict[str, int]:
    rows = gateway.data("pending", "list", "--state", "all", "--most", "1000000")
    return dict(Counter(row["state"] for row in rows))


def _in_hand(folder: Path) -> list[int]:
    """Return the rows that a worker of the killed process had claimed and had not saved the end of."""
    with sqlite3.connect(folder / "gateway.db") as store:
        rows = store.execute("SELECT id FROM pending WHERE state = 'released' AND lease IS NOT NULL").fetchall()
    store.close()
    return [row[0] for row in rows]


def _integrity(folder: Path) -> str:
    with sqlite3.connect(folder / "gateway.db") as store:
        (found,) = store.execute("PRAGMA integrity_check").fetchone()
    store.close()
    return str(found)
