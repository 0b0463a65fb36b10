"""Sign-in with the password of the mailbox, tried by AUTH at the submission server (RFC 4954). Nothing of it is kept."""

from __future__ import annotations

import asyncio
import ssl

import aiosmtplib

from gateway.flow.mailbox_name import MailboxNames, MailServer
from gateway.flow.sign_in_ports import CheckDown, Identity
from gateway.relay.hang_up import hang_up

_AT_ONCE = 8
_MOST_WAITING = 40
# RFC 4954 §6 and RFC 5321 §4.2.2: a no for a reason that is not the password.
_NOT_THE_PASSWORD = frozenset({500, 501, 502, 503, 504, 530, 534, 538})


class SmtpPassword:
    """Signs in who can send mail from his mailbox; implements `flow.sign_in_ports.PasswordCheck`."""

    name = "smtp"

    def __init__(self, server: MailServer, names: MailboxNames, hostname: str) -> None:
        """hostname: ours, as told in EHLO."""
        self._server = server
        self._names = names
        self._hostname = hostname
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._count = 0
        self._trust: ssl.SSLContext | None = None

    async def check(self, name: str, password: str) -> Identity | None:
        """Return who it is; None where name and password are not right. Raises CheckDown.

        A name that can be no mailbox of ours never reaches the server.
        """
        read = self._names.read(name)
        if read is None or not password or any(c in password for c in "\0\r\n"):
            return None
        user, address = read
        if self._count >= _MOST_WAITING:
            raise CheckDown("too many tries wait for the submission server")
        self._count += 1
        try:
            async with asyncio.timeout(self._server.seconds), self._turn:
                right = await self._ask(user, password)
        except (aiosmtplib.SMTPException, OSError, ValueError) as fault:  # TimeoutError is an OSError.
            raise CheckDown(f"the submission server cannot be asked safely: {type(fault).__name__}") from fault
        finally:
            self._count -= 1
        return Identity(address, (address,)) if right else None

    async def _ask(self, user: str, password: str) -> bool:
        server = self._server
        if self._trust is None:
            self._trust = await asyncio.to_thread(ssl.create_default_context, cafile=server.ca_file)
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=self._hostname,
            timeout=server.seconds,
            use_tls=not server.starttls,
            start_tls=server.starttls,
            tls_context=self._trust,
        )
        try:
            await smtp.connect()
            if smtp.get_transport_info("sslcontext") is None:
                raise CheckDown("the submission server speaks in the clear")
            await smtp.ehlo()
            return await _sign_in(smtp, user, password)
        finally:
            # Its answer to a farewell is not worth waiting for.
            hang_up(smtp)


async def _sign_in(smtp: aiosmtplib.SMTP, user: str, password: str) -> bool:
    """Return what the server says to name and password. Raises CheckDown, SMTPException, OSError."""
    offered = smtp.supported_auth_methods
    name, secret = user.encode(), password.encode()
    try:
        if "plain" in offered:
            await smtp.auth_plain(name, secret)
        elif "login" in offered:
            await smtp.auth_login(name, secret)
        else:
            raise CheckDown("the submission server offers neither AUTH PLAIN nor LOGIN")
    except aiosmtplib.SMTPAuthenticationError as refusal:
        if not 500 <= refusal.code <= 599 or refusal.code in _NOT_THE_PASSWORD:
            raise CheckDown(f"the submission server answered {refusal.code}") from None
        return False
    return True
