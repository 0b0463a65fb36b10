"""Sign-in with the password of the mailbox, tried at the IMAP server (RFC 3501 §6.2). Nothing of it is kept."""

from __future__ import annotations

import contextlib
import imaplib
import ssl

from gateway.flow.mailbox_name import MailboxNames, MailServer
from gateway.flow.sign_in_ports import CheckDown, Identity
from gateway.sign_in_methods.threads import Threads

# RFC 5530 §3: the server says no for a reason that is not the password.
_NOT_NOW = ("[UNAVAILABLE]", "[SERVERBUG]", "[INUSE]", "[LIMIT]", "[CONTACTADMIN]", "[PRIVACYREQUIRED]")


class ImapPassword:
    """Signs in who can sign in to his mailbox; implements `flow.sign_in_ports.PasswordCheck`."""

    name = "imap"

    def __init__(self, server: MailServer, names: MailboxNames) -> None:
        self._server = server
        self._names = names
        self._threads = Threads("imap", server.seconds)
        self._trust: ssl.SSLContext | None = None

    async def check(self, name: str, password: str) -> Identity | None:
        """Return who it is; None where name and password are not right. Raises CheckDown.

        A name that can be no mailbox of ours never reaches the server, which is none of the server's business and
        tells nobody what mailboxes there are.
        """
        read = self._names.read(name)
        if read is None or not password or any(c in password for c in "\0\r\n"):
            return None
        user, address = read
        right = await self._threads.run(lambda: self._ask(user, password))
        return Identity(address, (address,)) if right else None

    def _ask(self, user: str, password: str) -> bool:
        try:
            mailbox = self._connect()
        except (OSError, imaplib.IMAP4.error, ValueError) as fault:
            raise CheckDown(f"cannot reach the IMAP server safely: {type(fault).__name__}") from fault
        try:
            return _sign_in(mailbox, user, password)
        finally:
            # Its answer to a farewell is not worth waiting for.
            with contextlib.suppress(OSError):
                mailbox.shutdown()

    def _connect(self) -> imaplib.IMAP4:
        if self._trust is None:
            self._trust = ssl.create_default_context(cafile=self._server.ca_file)
        host, port, seconds = self._server.host, self._server.port, self._server.seconds
        if not self._server.starttls:
            return imaplib.IMAP4_SSL(host, port, ssl_context=self._trust, timeout=seconds)
        mailbox = imaplib.IMAP4(host, port, timeout=seconds)
        try:
            mailbox.starttls(self._trust)
        except BaseException:
            with contextlib.suppress(OSError):
                mailbox.shutdown()
            raise
        return mailbox


def _sign_in(mailbox: imaplib.IMAP4, user: str, password: str) -> bool:
    """Return what the server says to name and password. Raises CheckDown."""
    try:
        if "AUTH=PLAIN" in mailbox.capabilities:  # RFC 4616 §2: any character, and no quoting.
            mailbox.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
        elif "LOGINDISABLED" not in mailbox.capabilities and (user + password).isascii():
            # imaplib quotes the password alone; a name that was read holds nothing that ends a quoted string.
            mailbox.login(f'"{user}"', password)
        else:
            raise CheckDown("the IMAP server offers neither AUTH=PLAIN nor LOGIN")
    except imaplib.IMAP4.abort as fault:
        raise CheckDown("the IMAP server ended the connection") from fault
    except imaplib.IMAP4.error as fault:
        if any(code in str(fault).upper() for code in _NOT_NOW):
            raise CheckDown("the IMAP server cannot check passwords now") from None
        return False
    except OSError as fault:
        raise CheckDown(f"the IMAP server does not answer: {type(fault).__name__}") from fault
    return True
