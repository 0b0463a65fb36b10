"""Sign-in with a mailbox's password: which server knows it, and which mailbox a name stands for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.address import normal_form, without_tag
from gateway.domain.lists import parse_scope

_LONGEST = 254


@dataclass(frozen=True, slots=True)
class MailServer:
    """Who knows the passwords, and how it is spoken to. There is no way without TLS and a certificate that fits."""

    host: str
    port: int
    starttls: bool = False
    """TLS after a first word in the clear, in place of TLS from the first octet."""
    ca_file: Path | None = None
    """PEM; None trusts whom the system trusts."""
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class MailboxNames:
    """How names become addresses."""

    domains: Collection[str]
    """Ours, as A-labels; nobody else's mailbox is asked about."""
    domain: str = ""
    """For a name without one; "" is none."""
    local_part: bool = False
    """The server knows users by their local part alone, and all of them are of `domain`."""
    delimiter: str = "+"
    """Starts a sub-address; "" is none."""

    def read(self, name: str) -> tuple[str, str] | None:
        """Return what the server is asked for and the address it stands for; None for what is no mailbox of ours.

        What is asked for is the address itself: the server's yes is a yes to just this mailbox.
        """
        whole = name if "@" in name or not self.domain else f"{name}@{self.domain}"
        if not name or len(whole) > _LONGEST or not name.isprintable() or any(c in name for c in ' "(),:;<>[\\]'):
            return None
        try:
            key = parse_scope(whole)
        except (ValueError, UnicodeError):
            return None
        if key.startswith("@") or key.count("@") != 1 or key != normal_form(key):
            return None
        address = without_tag(key, self.delimiter) if self.delimiter else key
        local, _, domain = address.rpartition("@")
        if domain not in self.domains or (self.local_part and domain != self.domain):
            return None
        return (local if self.local_part else address), address
