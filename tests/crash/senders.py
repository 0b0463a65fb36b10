"""Clients that send numbered mails without end, through every crash, and remember what was acknowledged."""

from __future__ import annotations

import itertools
import re
import smtplib
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from benchmarks.places import HOST

KNOWN, STRANGER, UNPROVEN = "ann@known.example", "eve@stranger.example", "bob@nowhere.example"
KNOWN_HERE = "kim@example.org"
"""For this recipient the stranger is known as well: a mail to him and another is relayed to one and held for the other."""
OTHERS = ("joe@example.org", "mia@example.org")

_numbers = itertools.count(1)
_NUMBER = re.compile(rb"^Subject: number (\d+)\r$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sent:
    """One mail that was acknowledged with 250."""

    number: int
    recipients: tuple[str, ...]
    content: bytes


def content_of(number: int, sender: str, recipients: tuple[str, ...], size: int = 6000) -> bytes:
    """Return the mail of this number."""
    head = (
        f"From: {sender}\r\nTo: {', '.join(recipients)}\r\nSubject: number {number}\r\n"
        f"Message-ID: <{number}@crash.example>\r\n\r\n"
    )
    line = f".{number} ".encode() * 6 + b"\r\n"
    return head.encode() + line * (size // len(line))


def number_in(content: bytes) -> int:
    """Return the number of a mail. Raises ValueError where it has none."""
    found = _NUMBER.search(content)
    if found is None:
        raise ValueError(f"no number in {content[:300]!r}")
    return int(found[1])


class Senders:
    """Use as `with Senders(port, 4) as senders`: they stop at the end of the block."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send_on, args=(index,), daemon=True) for index in range(count)]
        self.acknowledged: list[Sent] = []
        self.refusals: list[str] = []
        """Every permanent refusal; there is no reason for one."""

    def _send_on(self, index: int) -> None:
        while not self._stop.is_set():
            try:
                with smtplib.SMTP(HOST, self._port, "client.crash.example", timeout=20) as door:
                    # Some connections are kept for many mails, some for one.
                    for _ in range(1 if index % 2 else 50):
                        self._send_one(door)
                        if self._stop.is_set():
                            break
            except (OSError, smtplib.SMTPException):
                # Killed under us, or not up again yet: what was not acknowledged is not counted.
                self._stop.wait(0.02)

    def _send_one(self, door: smtplib.SMTP) -> None:
        number = next(_numbers)
        sender = (KNOWN, STRANGER, UNPROVEN)[number % 3]
        recipients = (OTHERS[number % 2],) if number % 5 else (KNOWN_HERE, OTHERS[number % 2])
        content = content_of(number, sender, recipients)
        try:
            refused = door.sendmail(sender, recipients, content)
        except (smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as answer:
            if " 5" in str(answer.args) or "(5" in str(answer.args):
                self.refusals.append(f"number {number} from {sender}: {answer}")
            raise
        if refused:
            raise smtplib.SMTPRecipientsRefused(refused)
        self.acknowledged.append(Sent(number, recipients, content))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
