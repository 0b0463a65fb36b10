"""A disk without room: 452, nothing lost, nothing broken, and mail again as soon as there is room."""

from __future__ import annotations

import contextlib
import resource
import smtplib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway_process import GatewayProcess
from benchmarks.measure import family
from benchmarks.places import HOST, wait_until
from benchmarks.places import answers as answers_at
from benchmarks.surroundings import Surroundings
from tests.crash.senders import KNOWN, STRANGER, content_of

RECIPIENT = "joe@example.org"
_ROOM = 48 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """Where the store lies, and how its disk is filled up and freed."""

    folder: Path
    fill: Callable[[GatewayProcess], None]
    free: Callable[[GatewayProcess], None]
    mounted: bool
    """It is full for a gateway that starts anew, too."""


@pytest.fixture
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """A file system of its own; where none may be mounted, a limit on the size of the gateway's files."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        yield SmallDisk(disk, _forbid_growth, _allow_growth, mounted=False)
        return
    try:
        yield SmallDisk(disk, lambda gateway: _fill(disk), lambda gateway: (disk / "filler").unlink(), mounted=True)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_full_disk_is_answered_with_452_and_recovers_when_freed(
    small_disk: SmallDisk, settings: dict[str, Any], around: Surroundings
) -> None:
    with GatewayProcess(small_disk.folder, settings | {"smtp.processes": 1, "log.level": "error"}) as gateway:
        gateway.command("lists", "add", "allow", KNOWN)
        taken = [_number for _number in range(3) if _send(gateway, _number) == 250]
        assert taken == [0, 1, 2]
        pid = gateway.pid
        small_disk.fill(gateway)

        answers = {}
        for number in range(3, 60):
            answers[number] = _send(gateway, number)
            if answers[number] != 250:
                break
        taken += [number for number, code in answers.items() if code == 250]
        assert answers[number] == 452
        assert [_send(gateway, number) for number in range(100, 105)] == [452] * 5

        # What needs no room goes on.
        assert _send(gateway, 200, KNOWN, size=2000) == 250
        around.inside.wait(RECIPIENT)
        assert gateway.runs
        assert gateway.pid == pid

        if small_disk.mounted:
            # Whoever starts it meanwhile, as after a failure of power, has the same.
            gateway.kill()
            gateway.start(wait=False)
            wait_until(lambda: answers_at(gateway.smtp_port), "the gateway greets")
            assert [_send(gateway, number) for number in range(105, 108)] == [452] * 3
            assert _send(gateway, 201, KNOWN, size=2000) == 250
            assert gateway.runs

        small_disk.free(gateway)
        wait_until(lambda: _send(gateway, 300) == 250, "mail is taken again")
        taken.append(300)
        gateway.command("audit")
        rows = gateway.data("pending", "list", "--most", "1000")
        assert sorted(int(row["subject"].removeprefix("number ")) for row in rows) == taken


def _send(gateway: GatewayProcess, number: int, sender: str = STRANGER, size: int = 700_000) -> int:
    """Return the code of the answer, whichever command it came to."""
    with smtplib.SMTP(HOST, gateway.smtp_port, "client.crash.example", timeout=60) as door:
        try:
            door.sendmail(sender, [RECIPIENT], content_of(number, sender, (RECIPIENT,), size))
        except smtplib.SMTPResponseException as answer:
            return answer.smtp_code
        except smtplib.SMTPRecipientsRefused as answer:
            return int(answer.recipients[RECIPIENT][0])
        return 250


def _fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            # Smaller and smaller pieces would leave no octet; SQLite needs pages of 4096.
            filler.write(b"\0" * 4096)


def _forbid_growth(gateway: GatewayProcess) -> None:
    _limit_growth(gateway, max(path.stat().st_size for path in gateway.folder.iterdir()))


def _allow_growth(gateway: GatewayProcess) -> None:
    _limit_growth(gateway, resource.RLIM_INFINITY)


def _limit_growth(gateway: GatewayProcess, octets: int) -> None:
    for pid in family(gateway.pid):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))
