"""Digests as the services hand them about, and what they need of the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.digest import Group
from gateway.flow.account_ports import Account
from gateway.flow.queue_ports import Row
from gateway.flow.transactions import StoreOf


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one level has chosen; None: nothing, so that the level above counts."""

    schedule: str | None = None
    kinds: str | None = None
    time_zone: str | None = None
    language: str | None = None
    subject: str | None = None
    phrase: str | None = None


@dataclass(frozen=True, slots=True)
class DigestRules:
    """What the configuration says about digests."""

    base: Wanted
    domains: frozenset[str]
    """Ours, as A-labels."""
    public_url: str
    """See `domain.public_url`."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody who gets digests, as far as the store remembers."""

    key: str
    """Where they go, in normal form."""
    slot: float | None
    """The hour of the schedule that was seen to last."""
    asked: str
    """One is wanted now: `new`, or `all` that waits; "" where none is."""
    sent_at: float | None
    stuck_since: float | None
    stuck_reply: str
    look_at: float
    """When it is looked at next; below 0 once something was asked or chosen for it, and less each time."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A digest that is still to be sent, or to be sent again."""

    id: int
    mailbox: str
    created_at: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A digest that was made, as people look back on it."""

    id: int
    mailbox: str
    state: str
    created_at: float
    changed_at: float
    total: int
    shown: int
    last_reply: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """A mailbox whose digests cannot be delivered."""

    mailbox: str
    since: float
    reply: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """What the secret of a link stands for."""

    mailbox: str
    """Whose digest it was in."""
    row: int | None
    """None: it stops the digests."""


@dataclass(frozen=True, slots=True)
class Links:
    """What the lines of one mail of ours lead to."""

    lines: dict[int, str]
    """Row → address of its page."""
    stop: str
    console: str
    all: str = ""
    """Page with exactly these lines; "" where there is none."""


@dataclass(frozen=True, slots=True)
class DigestLetter:
    """What a digest says."""

    mailbox: str
    domain: str
    """Whose desk writes."""
    language: str
    time_zone: str
    phrase: str
    subject: str
    """With placeholders; "" is the shipped one."""
    groups: tuple[Group[Row], ...]
    total: int
    """Mails that wait, shown or not; at most 10 001, which means more."""
    several: bool
    """Mail of more than one address is in it."""
    may_act: bool
    """Deliver and delete; else the people in charge have to be asked."""
    may_list: bool
    """Allow and block senders."""
    content: bool
    """Subjects and files may be seen."""
    links: Links


class DigestTable(Protocol):
    """Digests in the store, within one transaction."""

    # --- choices ---

    def choice(self, scope: str) -> Wanted:
        """Return what one level has chosen."""

    def choose(self, scope: str, wanted: Wanted, actor: str, now: float) -> None:
        """Save what a level chooses, and let the mailboxes in it be looked at again."""

    # --- mailboxes ---

    def newcomers(self, after: int, most: int) -> tuple[int, Sequence[str]]:
        """Return the last of up to `most` listed rows behind this one, and whose they are, without sub-addresses."""

    def cursor(self) -> int:
        """Return the row up to which newcomers were looked for."""

    def set_cursor(self, row: int) -> None:
        """Save up to which row newcomers were looked for."""

    def deputies(self, owner: str) -> Sequence[int]:
        """Return the accounts that see to this address of somebody else's."""

    def meet(self, mailboxes: Collection[str], look_at: float) -> None:
        """Remember mailboxes; those that are known stay as they are."""

    def mailbox(self, key: str) -> Mailbox | None:
        """Return what is known of a mailbox; None where it was never met."""

    def due(self, now: float, latest: float, most: int) -> Sequence[Mailbox]:
        """Return mailboxes to look at; those to be looked at later than `latest` count as due."""

    def seen_to(self, known: Mailbox, slot: float | None, look_at: float) -> None:
        """Note that a mailbox was looked at; what was asked or chosen for it meanwhile is still to be seen to."""

    def ask(self, key: str, what: str, now: float) -> None:
        """Let a mailbox have one as soon as may be."""

    def drop_mailbox(self, key: str) -> None:
        """Forget a mailbox."""

    def mailboxes(self, domain: str, after: str, most: int) -> Sequence[str]:
        """Return mailboxes in their order, from behind `after`; domain: "" is all."""

    def look_at_all(self, now: float) -> None:
        """Look at each mailbox anew: schedules may have changed."""

    # --- rows ---

    def waiting(
        self,
        owners: Collection[str],
        mailbox: str,
        most: int,
        *,
        proven: bool = False,
        before: float = 0.0,
        everything: bool = False,
    ) -> Sequence[int]:
        """Return rows that wait for these owners, the newest first, without those that the mailbox was shown.

        proven: only those that somebody vouches for. before: those that go before then, shown or not; everything: all,
        shown or not. Digests of ours are never among them.
        """

    def count(self, owners: Collection[str], most: int) -> int:
        """Return how many rows wait for these owners, counting to `most` + 1."""

    # --- digests ---

    def open_digest(self, mailbox: str) -> bool:
        """True where one is still to be sent."""

    def add(self, mailbox: str, total: int, items: Sequence[tuple[int, int]], now: float, due_at: float) -> int:
        """Keep a new digest with the rows it shows, each with the place of its line; return its id."""

    def items(self, digest_id: int) -> Sequence[tuple[int, int]]:
        """Return what it shows: rows, each with the place of its line."""

    def mint(self, digest_id: int, secrets: Sequence[tuple[bytes, int | None]], mail_id: str) -> None:
        """Keep hashes of secrets, each with its row, before the mail that bears them is sent."""

    def queued(self, now: float, latest: float, most: int) -> Sequence[Queued]:
        """Return digests whose next attempt is due; those due later than `latest` count as due."""

    def take(self, digest_id: int, now: float, latest: float, until: float) -> bool:
        """Take one in hand; False where somebody else has it."""

    def put_off(self, digest_id: int, reply: str, due_at: float, now: float) -> None:
        """Note an attempt, and when the next one is."""

    def finish(self, digest_id: int, state: str, reply: str, now: float) -> Sequence[int]:
        """Note how it ended, with its mailbox; return the rows it shows."""

    def sent(self, mailbox: str, most: int) -> Sequence[Sent]:
        """Return digests of a mailbox, the newest first."""

    def stuck(self, domains: Collection[str] | None, after: str, most: int) -> Sequence[Stuck]:
        """Return mailboxes whose digests cannot be delivered, in their order; domains: None is all."""

    def bearer(self, hashed: bytes) -> Bearer | None:
        """Return what a secret stands for."""

    def shown(self, rows: Collection[int]) -> frozenset[int]:
        """Return those rows that were in a digest that was delivered."""

    def own(self, rows: Collection[int]) -> frozenset[int]:
        """Return those rows that are digests of ours, which no digest tells of."""

    def delay(self, rows: Collection[int], until: float) -> None:
        """Let rows that wait do so until then at least, and keep their challenges open as long."""

    def forget(self, before: float, most: int) -> int:
        """Drop digests that ended before then, and show no row that still waits; return how many."""


class AccountLook(Protocol):
    """What digests need of accounts."""

    def get(self, account_id: int) -> Account | None:
        """Return an account by its id; None where there is none."""

    def owner(self, address: str) -> Account | None:
        """Return the one whose own address or alias this normal form is."""


class RowLook(Protocol):
    """What digests need of the pending list."""

    def one(self, row_id: int, account: int) -> Row | None:
        """Return a row by its id; None where there is none."""


class DigestTx(Protocol):
    """What digests need of a transaction."""

    @property
    def digests(self) -> DigestTable:
        """Digests."""

    @property
    def accounts(self) -> AccountLook:
        """Accounts."""

    @property
    def queue(self) -> RowLook:
        """The pending list."""


DigestStore = StoreOf[DigestTx]
