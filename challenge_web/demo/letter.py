"""A stranger's mail: written, and sent over SMTP with every line of the dialogue kept."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from email.header import Header

from gateway.domain.trace import date_time
from gateway.settings import Endpoint

_LIMIT = 65_536
_REPLY_LINES = 100


@dataclass(frozen=True, slots=True)
class Letter:
    """What a person typed."""

    sender_name: str
    sender: str
    """Envelope and From address, ASCII."""
    recipient: str
    subject: str
    text: str

    def content(self, message_id: str, now: float) -> bytes:
        """Return it as a message (RFC 5322), CRLF line ends.

        message_id: with angle brackets. now: seconds since the epoch.
        """
        fields = (
            f"From: {_header_text(self.sender_name)} <{self.sender}>",
            f"To: {self.recipient}",
            f"Subject: {_header_text(self.subject)}",
            f"Date: {date_time(now)}",
            f"Message-ID: {message_id}",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 8bit",
        )
        lines = self.text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").split("\n")
        return "\r\n".join([*fields, "", *lines, ""]).encode("utf-8", "replace")


def _header_text(text: str) -> str:
    """Make text fit for a header: one line, encoded where it is not plain ASCII (RFC 2047)."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if line.isascii() and "=?" not in line:
        return line
    return Header(line, "utf-8", maxlinelen=200).encode(linesep="\r\n")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an SMTP dialogue."""

    by_client: bool
    text: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """How sending went."""

    lines: tuple[Line, ...]
    accepted: bool
    """2yz after the final dot."""
    reply: str
    """The last word of the server about this mail, or what went wrong."""
    started: float
    """Monotonic clock, seconds: before the connection was made."""
    ended: float
    """The same: when the last word had been read."""


class _Refused(Exception):
    """The server does not take the mail; the text is its reply."""


async def send(
    server: Endpoint,
    letter: Letter,
    content: bytes,
    *,
    helo: str,
    timeout: float,
    monotonic: Callable[[], float],
) -> Dialogue:
    """Bring a mail to a server. Never raises for what the server does: that is in the dialogue.

    timeout: seconds for the whole of it.
    """
    lines: list[Line] = []
    started = monotonic()
    accepted = False
    try:
        async with asyncio.timeout(timeout):
            reply = await _converse(server, letter, content, helo, lines)
        accepted = True
    except _Refused as refusal:
        reply = str(refusal)
    except TimeoutError:
        reply = f"No answer within {timeout:g} seconds"
    except (OSError, EOFError, ValueError) as error:
        reply = f"The connection failed: {error}"
    return Dialogue(tuple(lines), accepted, reply, started, monotonic())


async def _converse(server: Endpoint, letter: Letter, content: bytes, helo: str, lines: list[Line]) -> str:
    reader, writer = await asyncio.open_connection(server.host, server.port, limit=_LIMIT)

    async def say(command: str, wanted: str) -> str:
        lines.append(Line(True, command))
        writer.write(command.encode("utf-8") + b"\r\n")
        await writer.drain()
        return await hear(wanted)

    async def hear(wanted: str) -> str:
        for _ in range(_REPLY_LINES):
            line = (await reader.readuntil(b"\n")).decode("utf-8", "replace").rstrip("\r\n")
            lines.append(Line(False, line))
            if line[3:4] != "-":
                if line.startswith(wanted):
                    return line
                raise _Refused(line)
        raise ValueError("the reply does not end")

    try:
        await hear("220")
        await say(f"EHLO {helo}", "250")
        await say(f"MAIL FROM:<{letter.sender}>", "250")
        await say(f"RCPT TO:<{letter.recipient}>", "250")
        await say("DATA", "354")
        lines.append(Line(True, f"… the mail, {len(content)} octets …"))
        # RFC 5321 §4.5.2: a line that starts with a dot gets a second one.
        writer.write((b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:])
        word = await say(".", "250")
        lines.append(Line(True, "QUIT"))
        writer.write(b"QUIT\r\n")
        return word
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
