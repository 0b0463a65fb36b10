"""The smart host: the server that takes challenges and notices to the outside, one recipient at a time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TypeVar

import aiosmtplib

from gateway.domain import reply as replies
from gateway.domain.reply import Reply
from gateway.relay.commands import UnsafeCommand, safe
from gateway.relay.faults import TlsFailed, Unanswered, Unreachable
from gateway.relay.hang_up import hang_up
from gateway.relay.opening import HopSettings, TlsPolicy, is_loopback, read_password, tls_context
from gateway.relay.pool import Pool
from gateway.relay.replies import passed_on

_log = logging.getLogger(__name__)
T = TypeVar("T")


class SmartHost:
    """Sends by aiosmtplib on a few kept connections, command by command."""

    def __init__(self, settings: HopSettings) -> None:
        self._settings = settings
        self._pool: Pool[_Outgoing] = Pool(settings, self._open)

    @property
    def connections(self) -> int:
        """How many connections stand or are being made, for the metrics."""
        return self._pool.open

    async def send(self, reverse_path: str, recipient: str, content: bytes, smtputf8: bool) -> Reply:
        """Send one mail; "" is the null reverse-path.

        Returns the far end's final word, its refusal at whatever step, or 451 when it could not be asked.
        """
        try:
            return await self._pool.use(lambda outgoing: outgoing.send(reverse_path, recipient, content, smtputf8))
        except (Unreachable, Unanswered) as fault:
            _log.info("mail to the outside put off: %s", fault)
            return replies.NEXT_HOP_DOWN

    async def probe(self) -> bool:
        """True when the server answers now; for readiness."""
        try:
            return await self._pool.use(lambda outgoing: outgoing.is_alive())
        except (Unreachable, Unanswered):
            return False

    async def close(self) -> None:
        """End what rests; what is being sent is sent first."""
        self._pool.close()

    async def _open(self) -> _Outgoing:
        try:
            return await self._open_with(self._settings.tls is not TlsPolicy.NONE)
        except TlsFailed:
            if self._settings.tls is TlsPolicy.VERIFY:
                raise
        return await self._open_with(False)

    async def _open_with(self, use_tls: bool) -> _Outgoing:
        settings = self._settings
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=settings.hostname,
            timeout=settings.command_seconds,
            use_tls=False,
            start_tls=False,  # The policy is ours: aiosmtplib's own would refuse a self-signed certificate.
        )
        ready = False
        try:
            await _heard(smtp.connect(timeout=settings.connect_seconds))
            await _heard(_introduce(smtp))
            encrypted = use_tls and await self._secure(smtp)
            if settings.user:
                await self._authenticate(smtp, encrypted)
            ready = True
        finally:
            if not ready:
                hang_up(smtp)
        return _Outgoing(smtp, settings.data_seconds)

    async def _secure(self, smtp: aiosmtplib.SMTP) -> bool:
        verify = self._settings.tls is TlsPolicy.VERIFY
        if not smtp.supports_extension("starttls"):
            if verify:
                raise Unreachable("TLS is demanded but not offered")
            return False
        context = tls_context(self._settings)
        try:
            await _heard(smtp.starttls(tls_context=context, server_hostname=self._settings.host))
            await _heard(_introduce(smtp))
        except Unreachable as fault:
            raise TlsFailed(str(fault)) from fault
        return True

    async def _authenticate(self, smtp: aiosmtplib.SMTP, encrypted: bool) -> None:
        peer = smtp.get_transport_info("peername")
        if not encrypted and not (isinstance(peer, tuple) and is_loopback(str(peer[0]))):
            raise Unreachable("AUTH would send the password in the clear")
        await _heard(smtp.login(self._settings.user, read_password(self._settings.password_file)))


class _Outgoing:
    """One connection to the smart host, as the pool keeps it."""

    def __init__(self, smtp: aiosmtplib.SMTP, data_seconds: float) -> None:
        self._smtp = smtp
        self._data_seconds = data_seconds
        self._in_transaction = False
        self.uses = 0

    @property
    def usable(self) -> bool:
        """False once it ended, or was left in the middle of a transaction."""
        return not self._in_transaction and self._smtp.is_connected

    def close(self) -> None:
        """Take leave of the server; at once, without a word, where it does not expect a command."""
        hang_up(self._smtp, quit_first=not self._in_transaction)

    async def send(self, reverse_path: str, recipient: str, content: bytes, smtputf8: bool) -> Reply:
        """Send one mail. Raises Unanswered when the connection proves dead before MAIL was answered."""
        smtputf8 = smtputf8 or not (reverse_path + recipient).isascii()
        if smtputf8 and not self._smtp.supports_extension("smtputf8"):
            return replies.HOP_LACKS_SMTPUTF8
        try:
            # Not by aiosmtplib's mail() and rcpt(): they read an address anew and may send another than we gave.
            mail = safe(" ".join([f"FROM:<{reverse_path}>", *self._options(content, smtputf8)]))
            rcpt = safe(f"TO:<{recipient}>")
        except UnsafeCommand:
            _log.exception("address that must not be sent")
            return replies.TRY_LATER
        self.uses += 1
        self._in_transaction = True
        answer = await self._first(b"MAIL", mail.encode())
        if not 200 <= answer.code < 300:
            return await self._refused(answer.code, answer.message)
        try:
            answer = await self._smtp.execute_command(b"RCPT", rcpt.encode())
            if not 200 <= answer.code < 300:
                return await self._refused(answer.code, answer.message)
            answer = await self._smtp.data(content, timeout=self._data_seconds)
        except aiosmtplib.SMTPResponseException as refusal:
            return await self._refused(refusal.code, refusal.message)
        except (aiosmtplib.SMTPException, OSError) as fault:
            raise Unreachable(type(fault).__name__) from fault
        self._in_transaction = False
        return _domain(answer.code, answer.message)

    async def is_alive(self) -> bool:
        """Ask whether the server still answers (NOOP)."""
        self.uses += 1
        self._in_transaction = True
        answer = await self._first(b"NOOP")
        self._in_transaction = False
        return answer.code == 250

    def _options(self, content: bytes, smtputf8: bool) -> list[str]:
        options = ["SMTPUTF8"] if smtputf8 else []
        if not content.isascii() and self._smtp.supports_extension("8bitmime"):
            options.append("BODY=8BITMIME")
        if self._smtp.supports_extension("size"):
            options.append(f"SIZE={len(content)}")
        return options

    async def _first(self, *words: bytes) -> aiosmtplib.SMTPResponse:
        """Give the first command of a use. Raises Unanswered, or Unreachable when the server stays silent."""
        try:
            answer = await self._smtp.execute_command(*words)
        except aiosmtplib.SMTPServerDisconnected as fault:
            raise Unanswered(str(fault)) from fault
        except (aiosmtplib.SMTPException, OSError) as fault:
            raise Unreachable(type(fault).__name__) from fault
        if answer.code == 421:
            raise Unanswered("closed by the far end")
        return answer

    async def _refused(self, code: int, text: str) -> Reply:
        """Return the refusal; clear the transaction, so that the connection serves the next mail."""
        if not 400 <= code <= 599:  # An acceptance where none can be, or no code at all.
            return replies.NEXT_HOP_DOWN
        try:
            await self._smtp.rset()
            self._in_transaction = False
        except (aiosmtplib.SMTPException, OSError):
            self.close()
        return _domain(code, text)


async def _introduce(smtp: aiosmtplib.SMTP) -> None:
    try:
        await smtp.ehlo()
    except aiosmtplib.SMTPHeloError as refusal:
        if not 500 <= refusal.code <= 599:
            raise
        await smtp.helo()


async def _heard(step: Awaitable[T]) -> T:
    try:
        return await step
    except aiosmtplib.SMTPResponseException as fault:
        raise Unreachable(f"{type(fault).__name__}: answered {fault.code}") from fault
    except (aiosmtplib.SMTPException, OSError) as fault:
        raise Unreachable(type(fault).__name__) from fault


def _domain(code: int, text: str) -> Reply:
    head, _, rest = text.partition(" ")
    return passed_on(Reply(code, head, rest) if head[:2] in ("2.", "4.", "5.") else Reply(code, "", text))
