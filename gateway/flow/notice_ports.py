"""Notices as the services hand them about, and what they need of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.levels import Choice
from gateway.flow.challenge_language import HeadTable
from gateway.flow.digest_ports import AccountLook, DigestTable, RowLook
from gateway.flow.policy_ports import Chosen
from gateway.flow.ports import ListTx
from gateway.flow.queue_ports import Row
from gateway.flow.transactions import StoreOf


@dataclass(frozen=True, slots=True)
class DueNotice:
    """A notice that is to be sent now."""

    id: int
    row: int
    mailbox: str
    last: bool
    created_at: float
    attempts: int


@dataclass(frozen=True, slots=True)
class NoticeBearer:
    """What the secret of a notice's link stands for."""

    mailbox: str
    row: int
    stops: bool
    """It ends the notices; else it opens the mail."""


@dataclass(frozen=True, slots=True)
class NoticeLetter:
    """What a notice says."""

    mailbox: str
    domain: str
    """Whose desk writes."""
    language: str
    time_zone: str
    phrase: str
    row: Row
    number: str
    """Of the mail, as people pass it on."""
    body: str
    """The beginning of its text; "" where it may not be seen, or there is none."""
    pattern: str
    """Of the entry that names the sender; "" where none does."""
    groups: tuple[str, ...]
    """What the pattern leaves open, filled by this sender."""
    last: bool
    """No more notices go in this hour."""
    may_act: bool
    may_list: bool
    content: bool
    """The subject may be told."""
    url: str
    """Of the mail's page."""
    stop: str
    console: str


class NoticeTable(Protocol):
    """Notices in the store, within one transaction."""

    def wanted(self) -> bool:
        """True where anybody has chosen that notices go."""

    def cursor(self) -> int:
        """Return the row up to which newcomers were looked for."""

    def set_cursor(self, row: int) -> None:
        """Save up to which row newcomers were looked for."""

    def newcomers(self, after: int, since: float, most: int) -> tuple[int, Sequence[int]]:
        """Return the last row looked at behind this one, and up to `most` on the way that came since then and wait."""

    def add(self, row: int, mailbox: str, last: bool, now: float) -> None:
        """Let a notice be sent; there is one for each row."""

    def sent_since(self, mailbox: str, since: float) -> int:
        """Return how many notices were made for a mailbox since then."""

    def due(self, now: float, latest: float, most: int) -> Sequence[DueNotice]:
        """Return notices that are to be sent, the eldest first; those due later than `latest` count as due."""

    def mint(self, notice_id: int, opens: bytes, stops: bytes, mail_id: str) -> None:
        """Keep hashes of secrets before the mail that bears them is sent."""

    def finish(self, notice_id: int, state: str, reply: str, now: float) -> None:
        """Note how it ended."""

    def put_off(self, notice_id: int, reply: str, due_at: float, now: float) -> None:
        """Note an attempt, and when the next one is."""

    def bearer(self, hashed: bytes) -> NoticeBearer | None:
        """Return what a secret stands for."""

    def forget(self, before: float, most: int) -> int:
        """Drop notices that ended before then, and whose mail no longer waits; return how many."""


class ChoiceTable(Protocol):
    """Choices of policy."""

    def choices(self, scopes: Sequence[str]) -> tuple[Choice, ...]:
        """Return the choices of these scopes."""

    def chosen(self, scope: str) -> Sequence[Chosen]:
        """Return who chose what in one scope, and when."""

    def put(self, choice: Choice, actor: str, now: float) -> None:
        """Keep a choice in the place of the one before."""


class NoticeTx(Protocol):
    """What notices need of a transaction."""

    @property
    def notices(self) -> NoticeTable:
        """Notices."""

    @property
    def digests(self) -> DigestTable:
        """What people have chosen for our mails."""

    @property
    def accounts(self) -> AccountLook:
        """Accounts."""

    @property
    def queue(self) -> RowLook:
        """The pending list."""

    @property
    def policies(self) -> ChoiceTable:
        """Policies."""

    @property
    def lists(self) -> ListTx:
        """Entries."""

    @property
    def reading(self) -> HeadTable:
        """Mail that waits."""


NoticeStore = StoreOf[NoticeTx]
