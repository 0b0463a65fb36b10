"""What systemd is told of the service (sd_notify(3)), where it listens."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping

import click


def ready(status: str) -> None:
    """Say that mail is taken."""
    notify(f"READY=1\nSTATUS={status}")


def reloading() -> None:
    """Say that the settings are read anew; `ready` ends it."""
    # Type=notify-reload wants to know since when.
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping() -> None:
    """Say that the end has begun."""
    notify("STOPPING=1\nSTATUS=letting the sessions end")


async def watchdog() -> None:
    """Say that the loop turns, twice in each period that systemd asks for; return at once where it does not."""
    seconds = watchdog_seconds(os.environ, os.getpid())
    while seconds:
        notify("WATCHDOG=1")
        await asyncio.sleep(seconds / 2)


def watchdog_seconds(environment: Mapping[str, str], process_id: int) -> float:
    """Return the period in which a sign of life is expected (sd_watchdog_enabled(3)); 0 where none is."""
    if environment.get("WATCHDOG_PID", str(process_id)) != str(process_id):
        return 0.0
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) / 1_000_000 if text.isdigit() else 0.0


def notify(state: str) -> None:
    """Send lines of NAME=value."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        # Whatever hinders systemd must not hold up the mail.
        sender.setblocking(False)
        try:
            sender.sendto(state.encode(), address)
        except OSError as fault:
            click.echo(f"challenge-gateway: systemd does not listen: {fault}", err=True)
