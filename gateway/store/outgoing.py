"""Mail that our users sent to the outside: what it taught, and by what replies are known."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, delete, false, insert, or_, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.domain.lists import Entry
from gateway.flow.list_ports import WRITTEN_TO
from gateway.flow.outgoing_ports import Departure, Sent
from gateway.store.entries import WORTH_SAYING
from gateway.store.lists import ListTable, values_of
from gateway.store.tables import departure, list_entry, sent_mail

_same = select(list_entry.c.id, list_entry.c.expires_at, list_entry.c.origin).where(
    list_entry.c.pattern == bindparam("pattern"),
    list_entry.c.scope == bindparam("scope"),
    list_entry.c.verdict == bindparam("verdict"),
)
_answered = select(sent_mail.c.mail_id, sent_mail.c.owner, sent_mail.c.domain).where(
    sent_mail.c.mail_id.in_(bindparam("mail_ids", expanding=True)),
    sent_mail.c.owner.in_(bindparam("owners", expanding=True)),
    sent_mail.c.sent_at >= bindparam("since"),
)


class SentTable:
    """Implements `flow.outgoing_ports.SentTx`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def learn(self, entry: Entry, by: str, mail: str, lives: float, now: float) -> bool:
        """Keep an allow entry that nobody made by hand, or let it live on; True where it is new."""
        named = {"pattern": entry.pattern, "scope": entry.scope, "verdict": entry.verdict.value}
        row = self._connection.execute(_same, named).first()
        until = now + lives
        if row is not None:
            entry_id, expires_at, origin = row
            if expires_at is not None and expires_at <= now:
                # Its time was over, whoever made it: there is none that holds.
                self._connection.execute(delete(list_entry).where(list_entry.c.id == entry_id))
            else:
                if origin and expires_at is not None and expires_at < now + lives * WORTH_SAYING:
                    longer = update(list_entry).where(list_entry.c.id == entry_id)
                    self._connection.execute(longer.values(expires_at=until, lives=lives))
                    ListTable(self._connection).changed()
                return False
        values = values_of(entry, "", by, None, now)
        values |= {"expires_at": until, "origin": WRITTEN_TO, "origin_mail": mail, "lives": lives}
        self._connection.execute(insert(list_entry), values)
        ListTable(self._connection).changed()
        return True

    def remember(self, sent: Collection[Sent], now: float) -> None:
        """Keep by what replies will know a mail."""
        if sent:
            again = insert_or(sent_mail).on_conflict_do_update(
                index_elements=["mail_id", "owner", "domain"], set_={"sent_at": now}
            )
            self._connection.execute(again, [{**one._asdict(), "sent_at": now} for one in sent])

    def answered(self, mail_ids: Collection[bytes], owners: Collection[str], since: float) -> list[Sent]:
        """Return what is known of these mails, sent since then, to whom replies may come."""
        wanted = {"mail_ids": list(mail_ids), "owners": list(owners), "since": since}
        return [Sent(*row) for row in self._connection.execute(_answered, wanted)]

    def depart(self, departures: Sequence[Departure]) -> None:
        """Keep the facts of some mails."""
        if departures:
            self._connection.execute(insert(departure), [one._asdict() for one in departures])

    def forget(self, before: float, most: int, piece: int) -> int:
        """Drop mails sent before then, and the oldest beyond so many, up to `piece` of them; return how many."""
        newest = select(sent_mail.c.sent_at).order_by(sent_mail.c.sent_at.desc())
        beyond = self._connection.execute(newest.offset(most).limit(1)).scalar()
        key = tuple_(*sent_mail.primary_key.columns)
        old = or_(sent_mail.c.sent_at < before, false() if beyond is None else sent_mail.c.sent_at <= beyond)
        oldest = select(*sent_mail.primary_key.columns).where(old).order_by(sent_mail.c.sent_at).limit(piece)
        return self._connection.execute(delete(sent_mail).where(key.in_(oldest))).rowcount

    def forget_entries(self, before: float) -> int:
        """Drop learned entries that ended before then; return how many."""
        over = delete(list_entry).where(list_entry.c.origin == WRITTEN_TO, list_entry.c.expires_at < before)
        gone = self._connection.execute(over).rowcount
        if gone:
            ListTable(self._connection).changed()
        return gone
