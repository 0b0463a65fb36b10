"""One SMTP conversation of the mailbox server, on aiosmtpd.

Everything that could change a mail is ours: aiosmtpd's own DATA refuses lines over 1000 octets, its paths go
through a header parser, its parameters are upper-cased.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import AnyStr, cast

from aiosmtpd.smtp import SMTP

from gateway.domain.address import normal_form

HANG_UP = "hang up"
"""In place of a reply: close the connection without a word."""
KEEP_AND_HANG_UP = "keep and hang up"
"""In place of the reply after the final dot: keep the mail, then close without a word, so that nobody knows."""

_CHUNK = 262_144
_END = b"\r\n.\r\n"
_PATH = r'<((?:"(?:\\.|[^"\\])*"|[^<>"])*)>(?:[ \t]+(.*))?\Z'
_MAIL = re.compile(r"FROM:[ \t]*" + _PATH, re.IGNORECASE)
_RCPT = re.compile(r"TO:[ \t]*" + _PATH, re.IGNORECASE)


@dataclass(slots=True)
class Replies:
    """What the server says; change it at any time, it holds from the next command on.

    A reply is its whole text (`450 4.2.1 Mailbox busy`), HANG_UP, or "" for the usual answer.
    """

    down: bool = False
    """Every connection is reset at once, also those that exist."""
    greeting: str = ""
    """Said instead of 220, and the connection closed."""
    at_mail: str = ""
    at_rcpt: str = ""
    at_data: str = ""
    """To the command DATA, instead of 354."""
    at_end: str = ""
    """After the final dot; with anything but 2yz the mail is not kept. KEEP_AND_HANG_UP keeps it."""
    to_recipient: dict[str, str] = field(default_factory=dict)
    """At RCPT, by mailbox in normal form."""
    uses: int | None = None
    """After how many of these replies all is as usual again; None: never."""
    gate: asyncio.Event | None = None
    """When given, the reply after the final dot waits until it is set."""

    def take(self, reply: str) -> str:
        """Return the reply that is to be given and count its use."""
        if not reply or self.uses == 0:
            return ""
        if self.uses is not None:
            self.uses -= 1
        return reply


@dataclass(slots=True)
class Incoming:
    """One transaction while it comes in."""

    helo: str
    reverse_path: str
    mail_parameters: tuple[str, ...]
    xforward: tuple[str, ...]
    tls: bool
    recipients: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Address and parameters of each accepted RCPT."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """What a session asks of its server."""

    replies: Replies
    hostname: str
    extensions: tuple[str, ...]
    """EHLO keywords beyond STARTTLS, with their arguments."""
    max_octets: int
    knows: Callable[[str], bool]
    """Is there such a mailbox? Address as written."""
    keep: Callable[[Incoming, bytes], Awaitable[None]]
    tls: ssl.SSLContext | None
    opened: Callable[[MailboxSession], bool]
    """Called with each new connection; False refuses it."""
    closed: Callable[[MailboxSession], None]


class _NoHooks:
    """aiosmtpd wants a handler; all we do is in the session."""

    async def handle_exception(self, error: Exception) -> str:
        """Answer for a fault of ours; the text tells nothing of it."""
        return "451 4.3.0 Local error"


class MailboxSession(SMTP):
    """Speaks SMTP with one client."""

    def __init__(self, conduct: Conduct, loop: asyncio.AbstractEventLoop) -> None:
        # aiosmtpd keeps these limits in one dictionary for all connections, and clears it with each new one.
        self.command_size_limits = {}
        super().__init__(
            _NoHooks(),
            data_size_limit=conduct.max_octets,
            enable_SMTPUTF8=True,
            hostname=conduct.hostname,
            tls_context=conduct.tls,
            loop=loop,
        )
        self.command_size_limits = defaultdict(lambda: 1000)
        self._conduct = conduct
        self._incoming: Incoming | None = None
        self._xforward: tuple[str, ...] = ()

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What answers the client, while connected."""
        return self._handler_coroutine

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or begin anew inside TLS (RFC 3207 §4.2)."""
        known = self._original_transport is not None
        super().connection_made(transport)
        if not known and (self._conduct.replies.down or not self._conduct.opened(self)):
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the server that this conversation is over."""
        super().connection_lost(error)
        self._conduct.closed(self)

    def abort(self) -> None:
        """Reset the connection."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()  # A cast: uvloop's transports are of another class.

    async def _handle_client(self) -> None:
        greeting = self._conduct.replies.take(self._conduct.replies.greeting)
        if greeting:
            await self.push(greeting)
            self._writer.close()
            return
        await super()._handle_client()

    async def push(self, status: AnyStr) -> None:
        """Send a reply, or do what stands for one."""
        if self._conduct.replies.down or status in (HANG_UP, KEEP_AND_HANG_UP):
            self.abort()
        else:
            await super().push(status)

    async def smtp_HELO(self, hostname: str) -> None:
        """RFC 5321 §4.1.1.1."""
        await self._hello(hostname, ())

    async def smtp_EHLO(self, hostname: str) -> None:
        """RFC 5321 §4.1.1.1: the keywords are exactly those configured, and STARTTLS where it can be done."""
        extensions = self._conduct.extensions
        if self._conduct.tls is not None and not self._tls_protocol:
            extensions = (*extensions, "STARTTLS")
        await self._hello(hostname, extensions)

    async def _hello(self, hostname: str, extensions: tuple[str, ...]) -> None:
        if not hostname or self.session is None:
            await self.push("501 5.5.4 Tell your name")
            return
        self.session.host_name = hostname
        self.session.extended_smtp = bool(extensions)
        self._incoming = None
        lines = (self._conduct.hostname, *extensions)
        await self.push("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    async def smtp_XFORWARD(self, arg: str) -> None:
        """Keep what the client tells of its own client, where the server offers to take it."""
        if not any(keyword.startswith("XFORWARD") for keyword in self._conduct.extensions):
            await self.push("502 5.5.1 Not implemented")
            return
        self._xforward += tuple((arg or "").split())
        await self.push("250 2.0.0 OK")

    async def smtp_MAIL(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.2."""
        match = _MAIL.match(_utf8(arg))
        if self.session is None or not self.session.host_name:
            await self.push("503 5.5.1 EHLO first")
        elif self._incoming is not None:
            await self.push("503 5.5.1 One MAIL at a time")
        elif match is None:
            await self.push("501 5.5.4 MAIL FROM:<address>")
        elif reply := self._conduct.replies.take(self._conduct.replies.at_mail):
            await self.push(reply)
        else:
            parameters = tuple((match[2] or "").split())
            if self._declared(parameters) > self._conduct.max_octets:
                await self.push("552 5.3.4 Too big")
                return
            self._incoming = Incoming(
                self.session.host_name, match[1], parameters, self._xforward, self._tls_protocol is not None
            )
            await self.push("250 2.1.0 OK")

    @staticmethod
    def _declared(parameters: tuple[str, ...]) -> int:
        sizes = [p[5:] for p in parameters if p.upper().startswith("SIZE=")]
        return int(sizes[0]) if sizes and sizes[0].isdecimal() and len(sizes[0]) <= 20 else 0

    async def smtp_RCPT(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.3."""
        match = _RCPT.match(_utf8(arg))
        replies = self._conduct.replies
        if self._incoming is None:
            await self.push("503 5.5.1 MAIL first")
        elif match is None or not match[1]:
            await self.push("501 5.5.4 RCPT TO:<address>")
        elif reply := replies.take(replies.to_recipient.get(normal_form(match[1]), "") or replies.at_rcpt):
            await self.push(reply)
        elif not self._conduct.knows(match[1]):
            await self.push("550 5.1.1 No such mailbox here")
        else:
            self._incoming.recipients.append((match[1], tuple((match[2] or "").split())))
            await self.push("250 2.1.5 OK")

    async def smtp_RSET(self, arg: str) -> None:
        """RFC 5321 §4.1.1.5."""
        self._incoming = None
        await self.push("250 2.0.0 OK")

    async def smtp_DATA(self, arg: str) -> None:
        """RFC 5321 §4.1.1.4."""
        incoming, replies = self._incoming, self._conduct.replies
        if incoming is None or not incoming.recipients:
            await self.push("503 5.5.1 RCPT first" if incoming is None else "554 5.5.1 No valid recipients")
            return
        if reply := replies.take(replies.at_data):
            await self.push(reply)
            return
        await self.push("354 Go ahead")
        content = await self._read_content()
        self._incoming, self._xforward = None, ()
        if replies.gate is not None:
            await replies.gate.wait()
        reply = replies.take(replies.at_end)
        if reply and reply != KEEP_AND_HANG_UP and not reply.startswith("2"):
            await self.push(reply)
        elif content is None:
            await self.push("552 5.3.4 Too big")
        else:
            # A client that goes away now must not undo what is being kept.
            await asyncio.shield(self._conduct.keep(incoming, content))
            await self.push(reply or "250 2.0.0 Kept")

    async def _read_content(self) -> bytes | None:
        """Return the octets up to CRLF.CRLF, or None where there were too many; the stream then stands behind them."""
        reader = self._reader
        usual = reader._limit  # type: ignore[attr-defined]  # No public way to read in larger pieces.
        reader._limit = _CHUNK  # type: ignore[attr-defined]  # Put back below.
        try:
            # The CRLF of the command line is the one a first line `.` ends with (RFC 5321 §4.1.1.4).
            data, too_big = bytearray(b"\r\n"), False
            while True:
                seen = max(0, len(data) - len(_END) + 1)
                chunk = await reader.read(_CHUNK)
                if not chunk:
                    raise ConnectionResetError("the client went away inside DATA")
                self._reset_timeout()
                data += chunk
                end = data.find(_END, seen)
                if end != -1:
                    reader._buffer[:0] = data[end + len(_END) :]  # type: ignore[attr-defined]  # Pipelined commands.
                    break
                if len(data) > self._conduct.max_octets + len(_END):
                    too_big = True
                    del data[: -len(_END) + 1]
            del data[end + 2 :]
            if too_big or len(data) - 2 > self._conduct.max_octets:
                return None
            return bytes(data.replace(b"\r\n.", b"\r\n")[2:])
        finally:
            reader._limit = usual  # type: ignore[attr-defined]  # As it was.


def _utf8(arg: str | None) -> str:
    """Return a command's argument, or "" where it was not UTF-8: aiosmtpd hands stray octets on as surrogates."""
    return "" if arg is None or any("\ud800" <= char <= "\udfff" for char in arg) else arg
