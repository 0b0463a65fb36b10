"""One transaction of the store, and the tables in it."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.store.accounts import AccountTable
from gateway.store.bringings import BringingTable
from gateway.store.challenges import ChallengeTable
from gateway.store.descriptions import DescriptionTable
from gateway.store.digests import DigestTable
from gateway.store.entries import EntryTable
from gateway.store.erasing import ErasingTable
from gateway.store.expecting import ExpectingTable
from gateway.store.history import HistoryTable, LetterTable, PassageTable
from gateway.store.journal import JournalTable
from gateway.store.kept_answers import KeptTable
from gateway.store.lists import ListTable
from gateway.store.notices import NoticeTable
from gateway.store.orders import OrderTable
from gateway.store.outgoing import SentTable
from gateway.store.overview import OverviewTable
from gateway.store.pending import PendingTable
from gateway.store.policies import PolicyTable
from gateway.store.queue import QueueTable
from gateway.store.reading import ReadingTable
from gateway.store.redatings import RedatingTable
from gateway.store.releases import ReleaseTable
from gateway.store.saved_searches import SavedSearchTable
from gateway.store.sessions import SessionTable
from gateway.store.sources import SourceTable
from gateway.store.tables.texts import challenge_text, notice_text
from gateway.store.tallies import TallyTable
from gateway.store.texts import TextTable
from gateway.store.tokens import TokenTable
from gateway.store.webhook import WebhookTable


class Transaction:
    """One transaction; implements `flow.ports.Tx`."""

    __slots__ = ("challenges", "connection", "lists", "pending")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pending = PendingTable(connection)
        self.challenges = ChallengeTable(connection)
        self.lists = ListTable(connection)

    # What only pages and commands ask for is made when they do: the path of a mail makes a transaction for each.

    @property
    def entries(self) -> EntryTable:
        """List entries as people see them."""
        return EntryTable(self.connection)

    @property
    def queue(self) -> QueueTable:
        """The pending list."""
        return QueueTable(self.connection)

    @property
    def reading(self) -> ReadingTable:
        """One row at a time, with its content."""
        return ReadingTable(self.connection)

    @property
    def orders(self) -> OrderTable:
        """Actions that wait for their undo."""
        return OrderTable(self.connection)

    @property
    def saved_searches(self) -> SavedSearchTable:
        """Searches that people saved."""
        return SavedSearchTable(self.connection)

    @property
    def descriptions(self) -> DescriptionTable:
        """Rows put into the pending list."""
        return DescriptionTable(self.connection)

    @property
    def sources(self) -> SourceTable:
        """Where machine mail that waits comes from."""
        return SourceTable(self.connection)

    @property
    def accounts(self) -> AccountTable:
        """Who may sign in."""
        return AccountTable(self.connection)

    @property
    def sessions(self) -> SessionTable:
        """Who is signed in."""
        return SessionTable(self.connection)

    @property
    def tokens(self) -> TokenTable:
        """With which programs come in."""
        return TokenTable(self.connection)

    @property
    def passages(self) -> PassageTable:
        """Mail that went through."""
        return PassageTable(self.connection)

    @property
    def letters(self) -> LetterTable:
        """Letters of our own."""
        return LetterTable(self.connection)

    @property
    def history(self) -> HistoryTable:
        """What is known of all mail."""
        return HistoryTable(self.connection)

    @property
    def erasing(self) -> ErasingTable:
        """What names an address."""
        return ErasingTable(self.connection)

    @property
    def kept_answers(self) -> KeptTable:
        """Answers to programs that may ask again."""
        return KeptTable(self.connection)

    @property
    def policies(self) -> PolicyTable:
        """Choices of policy."""
        return PolicyTable(self.connection)

    @property
    def redatings(self) -> RedatingTable:
        """Orders to move the days of what waits."""
        return RedatingTable(self.connection)

    @property
    def bringings(self) -> BringingTable:
        """Files of entries that are being saved."""
        return BringingTable(self.connection)

    @property
    def expecting(self) -> ExpectingTable:
        """Mail that people expect."""
        return ExpectingTable(self.connection)

    @property
    def sent(self) -> SentTable:
        """Mail that people sent to the outside."""
        return SentTable(self.connection)

    @property
    def digests(self) -> DigestTable:
        """What people were told of."""
        return DigestTable(self.connection)

    @property
    def notices(self) -> NoticeTable:
        """Mail that people are told of at once."""
        return NoticeTable(self.connection)

    @property
    def releases(self) -> ReleaseTable:
        """Requests of release."""
        return ReleaseTable(self.connection)

    @property
    def texts(self) -> TextTable:
        """The challenge's words."""
        return TextTable(self.connection, challenge_text)

    @property
    def notice_texts(self) -> TextTable:
        """The words of notices."""
        return TextTable(self.connection, notice_text)

    @property
    def tallies(self) -> TallyTable:
        """Numbers by the hour."""
        return TallyTable(self.connection)

    @property
    def overview(self) -> OverviewTable:
        """How things stand."""
        return OverviewTable(self.connection)

    @property
    def journal(self) -> JournalTable:
        """Who did what."""
        return JournalTable(self.connection)

    @property
    def webhook(self) -> WebhookTable:
        """Events for another program."""
        return WebhookTable(self.connection)
