"""The conversation: what each command means, and in which order they may come (RFC 5321 §4.1, §4.3).

Pipelined input is taken as it comes, whatever the packets it came in: the same octets mean the same, whole
or in single ones. So a whole session in one packet works, content behind DATA included, although the client
should have waited (RFC 2920 §3.1). Two things are not guessed at: plaintext behind STARTTLS is forgotten,
and where DATA was refused while octets wait behind it, they may be a message, so the session ends
instead of reading it as commands.
"""

from __future__ import annotations

import fcntl
import logging
import re
import termios
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from gateway.domain import reply
from gateway.domain.envelope import Client
from gateway.smtp import paths, xclient
from gateway.smtp.door import Door, DoorSettings, Doorway
from gateway.smtp.hello import hello
from gateway.smtp.transaction import Transacting

__all__ = ["Door", "DoorSession", "DoorSettings", "Doorway"]

logger = logging.getLogger("gateway.smtp")


LINE_LIMIT = 512
"""RFC 5321 §4.5.3.1.4, with CRLF."""
# MAIL and RCPT grow with SIZE, BODY, SMTPUTF8, AUTH and the delivery status options (RFC 3461 §4).
_LINE_LIMITS = {"MAIL": 1536, "RCPT": 1536, "XFORWARD": 2048, "XCLIENT": 2048}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WEB_VERBS = frozenset({"GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"})
_NOT_IMPLEMENTED = frozenset({"EXPN", "TURN", "SEND", "SOML", "SAML", "ETRN", "ATRN", "AUTH", "BURL"})
_BEFORE_TLS = frozenset({"NOOP", "EHLO", "STARTTLS", "QUIT"})  # RFC 3207 §4
_JUNK = frozenset({"NOOP", "RSET", "VRFY", "HELP", "EHLO", "HELO", "XFORWARD", "XCLIENT", "STARTTLS"})
AT_ONCE = frozenset({b"HELO", b"EHLO", b"MAIL", b"NOOP", b"RSET", b"QUIT"})
"""What never waits for anything."""
_NO_OCTETS = bytes(4)
"""The number 0, as ioctl(2) tells it."""
_HANDSHAKE_TIMEOUT = 30.0
_TLS_SHUTDOWN_TIMEOUT = 2.0

_Verb = Callable[["DoorSession", str], Coroutine[Any, Any, None]]


class DoorSession(Transacting):
    """One client at the door."""

    async def _handle_client(self) -> None:
        """Greet, obey, until either side ends it."""
        try:
            self._client = Client(self.peer, self.peer_port, protocol="SMTP")
            self._start_over()
            logger.debug("connection from %s", self.peer)
            if self._has_talked():
                self.log_refusal("CONNECT", reply.TALKED_TOO_EARLY)
                self.end(reply.TALKED_TOO_EARLY, linger=True)
            self._greet()
            while (line := await self.next_line()) is not None:
                if (obeying := self._understood(line)) is not None:
                    await obeying
                if self.doorway.draining:
                    self.end(reply.SHUTTING_DOWN)
        except Exception:
            logger.exception("session with %s failed", self.peer)
            self.end(reply.TRY_LATER)
        finally:
            self.finished()

    def _start_over(self) -> None:
        """Forget everything that was said, as after connecting (RFC 3207 §4.2)."""
        self._greeted = self._extended = False
        self._offer = self.doorway.plain_offer
        self._reset()

    def _has_talked(self) -> bool:
        """True where octets are already here although nobody has greeted."""
        wire = self.transport.get_extra_info("socket")
        if wire is None:
            return False
        return fcntl.ioctl(wire.fileno(), termios.FIONREAD, _NO_OCTETS) != _NO_OCTETS

    def _greet(self) -> None:
        self.say_octets(self.doorway.greeting)

    # One command.

    def obey_at_once(self, line: bytes) -> bool:
        """Obey a command that waits for nothing; False where it is one for the session's task, which costs more."""
        if line[:4].upper() not in AT_ONCE:
            return False
        try:
            obeying = self._understood(line)
            if obeying is not None:
                obeying.send(None)
        except StopIteration:
            pass  # It has ended, as it should.
        except Exception:
            logger.exception("session with %s failed", self.peer)
            self.end(reply.TRY_LATER)
        if self.doorway.draining:
            self.end(reply.SHUTTING_DOWN)
        return True

    def _understood(self, line: bytes) -> Coroutine[Any, Any, None] | None:
        """Understand a line and return what obeys it with one reply; None where it was refused."""
        if line[-2:] != b"\r\n":
            self.refuse("", reply.BARE_LF if line else reply.LINE_TOO_LONG)  # RFC 5321 §2.3.8
            return None
        # Octets that are no UTF-8 become unpaired surrogates, which no grammar here takes.
        text = line[:-2].rstrip(b" \t").decode("utf-8", "surrogateescape")
        if not text.isprintable() and _CONTROL.search(text):
            self.refuse("", reply.BAD_COMMAND)
            return None
        word, _, argument = text.partition(" ")
        name = word.upper()
        verb = _VERBS.get(name)
        if len(line) > _LINE_LIMITS.get(name, LINE_LIMIT):
            self.refuse(name, reply.LINE_TOO_LONG)
        elif verb is None:
            self._refuse_unknown(name)
        elif self.doorway.settings.tls_required and not self.tls and name not in _BEFORE_TLS:
            self.refuse(name, reply.TLS_REQUIRED)
        else:
            if name in _JUNK:
                self._patience.junk += 1
                if self._patience.lost:
                    self.lose_patience(name)
                    return None
            return verb(self, argument.strip(" "))
        return None

    def _refuse_unknown(self, name: str) -> None:
        if name in _WEB_VERBS:
            # A browser was made to speak to us; the lines that follow would be its headers and its form.
            self.log_refusal(name, reply.NOT_A_WEB_SERVER)
            self.end(reply.NOT_A_WEB_SERVER)
        elif name == "BDAT":
            # RFC 3030 §2: its content follows without waiting, and must not be read as commands.
            self.log_refusal(name, reply.NO_CHUNKING)
            self.end(reply.NO_CHUNKING)
        else:
            self.refuse(name, reply.NOT_IMPLEMENTED if name in _NOT_IMPLEMENTED else reply.BAD_COMMAND)

    # Hello.

    async def smtp_HELO(self, hostname: str) -> None:
        """RFC 5321 §4.1.1.1, without extensions."""
        if not paths.is_host(hostname):
            return self.refuse("HELO", reply.BAD_HOST)
        self._hello(hostname, extended=False)
        self.say_octets(self.doorway.plain_hello)
        return None

    async def smtp_EHLO(self, hostname: str) -> None:
        """RFC 5321 §4.1.1.1."""
        if not paths.is_host(hostname):
            return self.refuse("EHLO", reply.BAD_HOST)
        self._hello(hostname, extended=True)
        doorway = self.doorway
        settings = doorway.settings
        answer = hello(
            settings.hostname,
            settings.max_message_octets,
            doorway.door.features(),
            doorway.tls is not None and not self.tls,
            self.trusted,
        )
        self._offer = answer.offer
        self.say_octets(answer.octets)
        return None

    def _hello(self, hostname: str, extended: bool) -> None:
        self._start_over()
        self._greeted, self._extended = True, extended
        protocol = ("ESMTPS" if self.tls else "ESMTP") if extended else "SMTP"
        was = self._client
        self._client = Client(
            was.address, was.port, was.name, hostname, protocol, self.tls, was.source, was.queue_id
        )  # As replace() makes it, in a third of the time.

    # Beside the transaction.

    async def smtp_NOOP(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.9."""
        self.say(reply.OK)

    async def smtp_HELP(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.8."""
        self.say(reply.HELP)

    async def smtp_VRFY(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.6."""
        if not arg:
            return self.refuse("VRFY", reply.BAD_SYNTAX)
        self.say(reply.VRFY)  # RFC 5321 §7.3: the same for whoever exists and who does not.
        return None

    async def smtp_QUIT(self, arg: str | None) -> None:
        """RFC 5321 §4.1.1.10."""
        if arg:
            return self.refuse("QUIT", reply.BAD_SYNTAX)
        self.end(reply.BYE)
        return None

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """RFC 3207 §4."""
        context = self.doorway.tls
        if arg:
            return self.refuse("STARTTLS", reply.BAD_SYNTAX)
        if self.tls or not self._extended:
            return self.refuse("STARTTLS", reply.BAD_SEQUENCE)
        if context is None:
            return self.refuse("STARTTLS", reply.NOT_IMPLEMENTED)
        self.say(reply.READY_FOR_TLS)
        self.flush()
        injected = self.drop_unread()
        if injected:
            # Whoever sent it in the clear need not be who completes the handshake (CVE-2011-0411).
            logger.info("%d octets behind STARTTLS from %s thrown away", injected, self.peer)
        try:
            transport = await self.loop.start_tls(
                self.transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=_HANDSHAKE_TIMEOUT,
                ssl_shutdown_timeout=_TLS_SHUTDOWN_TIMEOUT,
            )
        except OSError as error:
            logger.info("TLS handshake with %s failed: %s", self.peer, type(error).__name__)
            transport = None
        if transport is None or transport.is_closing():
            # In this state the transport tells its protocol nothing about its end.
            self.transport.abort()
            self.connection_lost(None)
            return None
        self.transport = transport
        self.tls = True
        self._start_over()
        self._client = replace(self._client, helo="", tls=True)
        return None

    async def smtp_XFORWARD(self, arg: str | None) -> None:
        """Told by a server in front: whose mail the next transaction is."""
        told = self._told("XFORWARD", arg or "", xclient.XFORWARD_NAMES)
        if told is not None:
            self._forwarded = (self._forwarded or xclient.Forwarded({})).with_more(told)
            self.say(reply.OK)

    async def smtp_XCLIENT(self, arg: str | None) -> None:
        """Told by a server in front: take another client for the peer and start anew."""
        told = self._told("XCLIENT", arg or "", xclient.XCLIENT_NAMES)
        if told is not None:
            self._client = xclient.overridden(self._client, told)
            self._start_over()
            self._greet()

    def _told(self, name: str, argument: str, names: tuple[str, ...]) -> xclient.Attributes | None:
        """Return what a trusted peer tells about its client, or refuse. XCLIENT never changes who is trusted."""
        if not self.trusted:
            self.refuse(name, reply.NOT_AUTHORISED)
            return None
        if self._transaction is not None:
            self.refuse(name, reply.BAD_SEQUENCE)
            return None
        told = xclient.parse(argument, names)
        if told is None:
            self.refuse(name, reply.BAD_SYNTAX)
        return told


_VERBS: dict[str, _Verb] = {
    "HELO": DoorSession.smtp_HELO,
    "EHLO": DoorSession.smtp_EHLO,
    "MAIL": DoorSession.smtp_MAIL,
    "RCPT": DoorSession.smtp_RCPT,
    "DATA": DoorSession.smtp_DATA,
    "RSET": DoorSession.smtp_RSET,
    "NOOP": DoorSession.smtp_NOOP,
    "HELP": DoorSession.smtp_HELP,
    "VRFY": DoorSession.smtp_VRFY,
    "QUIT": DoorSession.smtp_QUIT,
    "STARTTLS": DoorSession.smtp_STARTTLS,
    "XFORWARD": DoorSession.smtp_XFORWARD,
    "XCLIENT": DoorSession.smtp_XCLIENT,
}
"""What aiosmtpd would collect from the instance by name, without what it adds of its own (AUTH)."""
