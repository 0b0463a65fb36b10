"""What mail to the outside hands to the store, and what it gets back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from gateway.domain.lists import Entry


class Sent(NamedTuple):
    """One mail that a reply may cite."""

    mail_id: bytes
    """Hash of its Message-ID, as of `outgoing.mail_hash`."""
    owner: str
    """Normal form of one of ours to whom a reply may come, without sub-address."""
    domain: str
    """Where it went, in A-labels."""


class Departure(NamedTuple):
    """One mail to one recipient, as history keeps it."""

    at: float
    transaction_id: str
    sender: str
    sender_key: str
    sender_domain: str
    recipient: str
    recipient_key: str
    size: int
    taught: str
    """`taught`, or why it taught nothing: a value of `outgoing.Untaught`."""
    state: str
    """`relayed`, `deferred`, `refused`."""
    queue_id: str
    """Of the mail server in front."""
    reply: str
    """The words of the server behind, with its queue id."""
    client: str


class SentTx(Protocol):
    """Mail that our users sent to the outside, within one transaction of the store."""

    def learn(self, entry: Entry, by: str, mail: str, lives: float, now: float) -> bool:
        """Keep an allow entry that nobody made by hand, or let it live on; True where it is new.

        by: who wrote. mail: the transaction. lives: seconds for which it holds after it was last used. An entry of this
        name that a person made is left as it is.
        """

    def remember(self, sent: Collection[Sent], now: float) -> None:
        """Keep by what replies will know a mail."""

    def answered(self, mail_ids: Collection[bytes], owners: Collection[str], since: float) -> Sequence[Sent]:
        """Return what is known of these mails, sent since then, to whom replies may come."""

    def depart(self, departures: Sequence[Departure]) -> None:
        """Keep the facts of some mails."""

    def forget(self, before: float, most: int, piece: int) -> int:
        """Drop mails sent before then, and the oldest beyond so many, up to `piece` of them; return how many."""

    def forget_entries(self, before: float) -> int:
        """Drop learned entries that ended before then; return how many."""
