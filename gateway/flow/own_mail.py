"""Own mail: what the gateway itself writes and sends, a challenge or a letter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnMail:
    """One of them, ready to be sent."""

    content: bytes
    """CRLF line ends."""
    mail_id: str
    """Its Message-ID, with angle brackets."""
    smtputf8: bool
    """An address in it is not ASCII (RFC 6532)."""
