"""What SMTP told us, the client and the transaction it opened; and what we tell a server further on."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.value import value_class


@value_class(frozen=True, slots=True)
class Client:
    """The SMTP peer whose mail this is: the socket's peer, or what a trusted one told by XFORWARD or XCLIENT."""

    address: str
    """IPv4 or IPv6 in text, without brackets or prefix."""
    port: int = 0
    name: str = ""
    """Its verified host name; "" when not known."""
    helo: str = ""
    """The argument of its EHLO or HELO."""
    protocol: str = "ESMTP"
    """SMTP, ESMTP, ESMTPS … as in RFC 3848."""
    tls: bool = False
    source: str = "REMOTE"
    """REMOTE or LOCAL, as XFORWARD SOURCE tells."""
    queue_id: str = ""
    """The id under which the MTA in front logs this mail (XFORWARD IDENT); "" when not told."""


@value_class(frozen=True, slots=True)
class Recipient:
    """One RCPT TO and its delivery status options (RFC 3461 §4)."""

    address: Address
    notify: str = ""
    """NEVER, or a comma list of SUCCESS, FAILURE, DELAY; "" when not asked for."""
    orcpt: str = ""
    """Original recipient, xtext as received."""


@dataclass(slots=True)
class Transaction:
    """One mail transaction: reverse-path and recipients, before and while its content arrives."""

    client: Client
    reverse_path: Address = NULL_PATH
    recipients: list[Recipient] = field(default_factory=list)
    size: int | None = None
    """SIZE as declared, in octets (RFC 1870 §6)."""
    body_8bit: bool = False
    """BODY=8BITMIME was given (RFC 6152 §2)."""
    smtputf8: bool = False
    """SMTPUTF8 was given (RFC 6531 §3.4)."""
    ret: str = ""
    """RET=FULL or HDRS (RFC 3461 §4.3)."""
    envid: str = ""
    """ENVID, xtext as received (RFC 3461 §4.4)."""
    id: str = ""
    """Ours, for logs and the Received field."""


@value_class(frozen=True, slots=True)
class Envelope:
    """One transaction with a server further on."""

    reverse_path: Address
    recipients: tuple[Recipient, ...]
    body_8bit: bool = False
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    client: Client | None = None
    """Told by XFORWARD where the server takes it."""

    @classmethod
    def of(cls, transaction: Transaction) -> Envelope:
        """Return that of a transaction as it came to us."""
        return cls(
            reverse_path=transaction.reverse_path,
            recipients=tuple(transaction.recipients),
            body_8bit=transaction.body_8bit,
            smtputf8=transaction.smtputf8,
            ret=transaction.ret,
            envid=transaction.envid,
            client=transaction.client,
        )
