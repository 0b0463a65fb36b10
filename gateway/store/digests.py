"""Digests in the store: choices, mailboxes, what was shown to whom, and the hashes of secrets."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.domain.lifecycle import OPEN, State
from gateway.flow.account_ports import Kind
from gateway.flow.digest_ports import Bearer, Mailbox, Queued, Sent, Stuck, Wanted
from gateway.store import counters
from gateway.store.naming import in_domains
from gateway.store.queue_sql import rows_of
from gateway.store.tables import challenge, inserted_id, message, pending
from gateway.store.tables.accounts import account_address
from gateway.store.tables.digests import digest, digest_choice, digest_item, digest_mailbox, digest_secret

QUEUED, DELIVERED, REFUSED, VOID = "queued", "delivered", "refused", "void"
_NEVER_SHOWN = (
    " AND NOT EXISTS (SELECT 1 FROM digest_item i CROSS JOIN digest d ON d.id = i.digest_id"
    " WHERE i.pending_id = q.id AND d.mailbox = ? AND d.state = 'delivered')"
)
# A digest of ours that comes back and waits is never shown in the next one: they would breed.
_ROWS = (
    "FROM queue q INDEXED BY queue_place CROSS JOIN pending p ON p.id = q.id"
    " CROSS JOIN message m ON m.id = p.message_id"
    " WHERE q.listed = 1 AND q.lane = ? AND q.domain = ? AND q.owner = ?"
    " AND NOT EXISTS (SELECT 1 FROM digest o WHERE o.mail_id = m.message_id AND m.message_id <> '')"
)
_wanted_columns = (
    digest_choice.c.schedule,
    digest_choice.c.kinds,
    digest_choice.c.time_zone,
    digest_choice.c.language,
    digest_choice.c.subject,
    digest_choice.c.phrase,
)
_AT_ONCE = func.min(digest_mailbox.c.look_at, 0.0) - 1.0
"""Less each time, so that who is just looking at a mailbox sees that more was wanted meanwhile."""
_mailbox_columns = (
    digest_mailbox.c.mailbox,
    digest_mailbox.c.slot,
    digest_mailbox.c.asked,
    digest_mailbox.c.sent_at,
    digest_mailbox.c.stuck_since,
    digest_mailbox.c.stuck_reply,
    digest_mailbox.c.look_at,
)


class DigestTable:
    """Implements `flow.digest_ports.DigestTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- choices ---

    def choice(self, scope: str) -> Wanted:
        """Return what one level has chosen."""
        row = self._connection.execute(select(*_wanted_columns).where(digest_choice.c.scope == scope)).first()
        return Wanted() if row is None else Wanted(*row)

    def choose(self, scope: str, wanted: Wanted, actor: str, now: float) -> None:
        """Save what a level chooses, and let the mailboxes in it be looked at again.

        An hour that was chosen just now is not one that was missed before.
        """
        before = self.choice(scope)
        moved = (before.schedule, before.time_zone) != (wanted.schedule, wanted.time_zone)
        values = {
            "schedule": wanted.schedule,
            "kinds": wanted.kinds,
            "time_zone": wanted.time_zone,
            "language": wanted.language,
            "subject": wanted.subject,
            "phrase": wanted.phrase,
            "changed_by": actor,
            "changed_at": now,
        }
        statement = insert_or(digest_choice).values(scope=scope, **values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["scope"], set_=values))
        seen_to = {"slot": _slot_after(scope, now)} if moved else {}
        within = update(digest_mailbox).values(look_at=_AT_ONCE, **seen_to)
        if scope.startswith("@"):
            within = within.where(digest_mailbox.c.mailbox.endswith(scope, autoescape=True))
        elif scope:
            within = within.where(digest_mailbox.c.mailbox == scope)
        self._connection.execute(within)

    # --- mailboxes ---

    def newcomers(self, after: int, most: int) -> tuple[int, list[str]]:
        """Return the last of up to `most` listed rows behind this one, and whose they are, without sub-addresses."""
        rows = rows_of(self._connection, "SELECT id, owner FROM queue WHERE id > ? ORDER BY id LIMIT ?", (after, most))
        return (rows[-1][0] if rows else after), list(dict.fromkeys(owner for _, owner in rows))

    def cursor(self) -> int:
        """Return the row up to which newcomers were looked for."""
        return counters.cursor(self._connection, counters.DIGEST_ROWS)

    def set_cursor(self, row: int) -> None:
        """Save up to which row newcomers were looked for."""
        counters.set_cursor(self._connection, counters.DIGEST_ROWS, row)

    def deputies(self, owner: str) -> list[int]:
        """Return the accounts that see to this address of somebody else's."""
        mine = and_(account_address.c.address_key == owner, account_address.c.kind == Kind.DELEGATED.value)
        return list(self._connection.execute(select(account_address.c.account_id).where(mine)).scalars())

    def meet(self, mailboxes: Collection[str], look_at: float) -> None:
        """Remember mailboxes; those that are known stay as they are."""
        for mailbox in mailboxes:
            values = {"mailbox": mailbox, "slot": None, "look_at": look_at, "asked": "", "stuck_reply": ""}
            self._connection.execute(insert_or(digest_mailbox).values(values).on_conflict_do_nothing())

    def mailbox(self, key: str) -> Mailbox | None:
        """Return what is known of a mailbox; None where it was never met."""
        row = self._connection.execute(select(*_mailbox_columns).where(digest_mailbox.c.mailbox == key)).first()
        return None if row is None else Mailbox(*row)

    def due(self, now: float, latest: float, most: int) -> list[Mailbox]:
        """Return mailboxes to look at; those to be looked at later than `latest` count as due."""
        due = or_(digest_mailbox.c.look_at <= now, digest_mailbox.c.look_at > latest)
        query = select(*_mailbox_columns).where(due).order_by(digest_mailbox.c.look_at).limit(most)
        return [Mailbox(*row) for row in self._connection.execute(query)]

    def seen_to(self, known: Mailbox, slot: float | None, look_at: float) -> None:
        """Note that a mailbox was looked at; what was asked or chosen for it meanwhile is still to be seen to."""
        own = digest_mailbox.c
        mine = update(digest_mailbox).where(own.mailbox == known.key)
        self._connection.execute(mine.values(slot=slot))
        self._connection.execute(mine.where(own.look_at == known.look_at).values(look_at=look_at, asked=""))

    def ask(self, key: str, what: str, now: float) -> None:
        """Let a mailbox have one as soon as may be."""
        self.meet([key], now)
        asked = update(digest_mailbox).where(digest_mailbox.c.mailbox == key).values(asked=what, look_at=_AT_ONCE)
        self._connection.execute(asked)

    def drop_mailbox(self, key: str) -> None:
        """Forget a mailbox."""
        self._connection.execute(delete(digest_mailbox).where(digest_mailbox.c.mailbox == key))

    def mailboxes(self, domain: str, after: str, most: int) -> list[str]:
        """Return mailboxes in their order, from behind `after`; domain: "" is all."""
        query = select(digest_mailbox.c.mailbox).where(digest_mailbox.c.mailbox > after)
        if domain:
            query = query.where(digest_mailbox.c.mailbox.endswith(f"@{domain}", autoescape=True))
        return list(self._connection.execute(query.order_by(digest_mailbox.c.mailbox).limit(most)).scalars())

    def look_at_all(self, now: float) -> None:
        """Look at each mailbox anew: schedules may have changed."""
        self._connection.execute(update(digest_mailbox).values(look_at=now))

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
    ) -> list[int]:
        """Return rows that wait for these owners, the newest first."""
        found: list[int] = []
        for owner in owners:
            for lane in ("people", "machine"):
                values: list[str | int | float] = [lane, owner.rpartition("@")[2], owner]
                query = f"SELECT q.id {_ROWS}"
                if proven:
                    query += " AND m.proofs <> ''"
                if before:
                    query += " AND p.expires_at < ?"
                    values.append(before)
                elif not everything:
                    query += _NEVER_SHOWN
                    values.append(mailbox)
                rows = rows_of(self._connection, f"{query} ORDER BY q.age LIMIT ?", (*values, most))
                found += [row[0] for row in rows]
        return sorted(found, reverse=True)[:most]

    def count(self, owners: Collection[str], most: int) -> int:
        """Return how many rows wait for these owners, counting to `most` + 1."""
        total = 0
        for owner in owners:
            for lane in ("people", "machine"):
                values = (lane, owner.rpartition("@")[2], owner, most + 1 - total)
                total += rows_of(self._connection, f"SELECT count(*) FROM (SELECT 1 {_ROWS} LIMIT ?)", values)[0][0]  # noqa: S608 names of our own
        return total

    # --- digests ---

    def open_digest(self, mailbox: str) -> bool:
        """True where one is still to be sent."""
        mine = and_(digest.c.mailbox == mailbox, digest.c.state == QUEUED)
        return self._connection.execute(select(digest.c.id).where(mine).limit(1)).first() is not None

    def add(self, mailbox: str, total: int, items: Sequence[tuple[int, int]], now: float, due_at: float) -> int:
        """Keep a new digest with the rows it shows, each with the place of its line; return its id."""
        values = {
            "mailbox": mailbox, "state": QUEUED, "created_at": now, "changed_at": now, "due_at": due_at, "attempts": 0,
            "total": total, "last_reply": "", "mail_id": "",
        }  # fmt: skip
        made = inserted_id(self._connection.execute(insert(digest), values))
        rows = [{"digest_id": made, "pending_id": row, "place": place} for row, place in items]
        self._connection.execute(insert(digest_item), rows)
        return made

    def items(self, digest_id: int) -> list[tuple[int, int]]:
        """Return what it shows: rows, each with the place of its line."""
        query = select(digest_item.c.pending_id, digest_item.c.place).where(digest_item.c.digest_id == digest_id)
        rows = self._connection.execute(query.order_by(digest_item.c.place, digest_item.c.pending_id.desc()))
        return [(row, place) for row, place in rows]

    def mint(self, digest_id: int, secrets: Sequence[tuple[bytes, int | None]], mail_id: str) -> None:
        """Keep hashes of secrets, each with its row, before the mail that bears them is sent."""
        rows = [{"hash": hashed, "digest_id": digest_id, "pending_id": row} for hashed, row in secrets]
        self._connection.execute(insert(digest_secret), rows)
        self._connection.execute(update(digest).where(digest.c.id == digest_id).values(mail_id=mail_id))

    def queued(self, now: float, latest: float, most: int) -> list[Queued]:
        """Return digests whose next attempt is due; those due later than `latest` count as due."""
        columns = (digest.c.id, digest.c.mailbox, digest.c.created_at, digest.c.attempts)
        query = select(*columns).where(digest.c.state == QUEUED, _due(now, latest)).order_by(digest.c.due_at)
        return [Queued(*row) for row in self._connection.execute(query.limit(most))]

    def take(self, digest_id: int, now: float, latest: float, until: float) -> bool:
        """Take one in hand; False where somebody else has it."""
        free = and_(digest.c.id == digest_id, digest.c.state == QUEUED, _due(now, latest))
        return self._connection.execute(update(digest).where(free).values(due_at=until)).rowcount == 1

    def put_off(self, digest_id: int, reply: str, due_at: float, now: float) -> None:
        """Note an attempt, and when the next one is."""
        values = {"attempts": digest.c.attempts + 1, "last_reply": reply, "due_at": due_at, "changed_at": now}
        self._connection.execute(update(digest).where(digest.c.id == digest_id).values(values))

    def finish(self, digest_id: int, state: str, reply: str, now: float) -> list[int]:
        """Note how it ended, with its mailbox; return the rows it shows."""
        values = {"state": state, "attempts": digest.c.attempts + 1, "last_reply": reply, "due_at": None}
        done = update(digest).where(digest.c.id == digest_id, digest.c.state == QUEUED)
        row = self._connection.execute(done.values({**values, "changed_at": now}).returning(digest.c.mailbox)).first()
        if row is None:
            return []
        mine = update(digest_mailbox).where(digest_mailbox.c.mailbox == row.mailbox)
        if state == DELIVERED:
            self._connection.execute(mine.values(sent_at=now, stuck_since=None, stuck_reply=""))
        elif state == REFUSED:
            since = func.coalesce(digest_mailbox.c.stuck_since, now)
            self._connection.execute(mine.values(stuck_since=since, stuck_reply=reply))
        return [row_id for row_id, _ in self.items(digest_id)]

    def sent(self, mailbox: str, most: int) -> list[Sent]:
        """Return digests of a mailbox, the newest first."""
        shown = select(func.count()).where(digest_item.c.digest_id == digest.c.id).scalar_subquery()
        columns = (
            digest.c.id, digest.c.mailbox, digest.c.state, digest.c.created_at, digest.c.changed_at, digest.c.total,
            shown, digest.c.last_reply,
        )  # fmt: skip
        query = select(*columns).where(digest.c.mailbox == mailbox).order_by(digest.c.id.desc()).limit(most)
        return [Sent(*row) for row in self._connection.execute(query)]

    def stuck(self, domains: Collection[str] | None, after: str, most: int) -> list[Stuck]:
        """Return mailboxes whose digests cannot be delivered, in their order; domains: None is all."""
        columns = (digest_mailbox.c.mailbox, digest_mailbox.c.stuck_since, digest_mailbox.c.stuck_reply)
        query = select(*columns).where(digest_mailbox.c.stuck_since.is_not(None), digest_mailbox.c.mailbox > after)
        if domains is not None:
            query = query.where(in_domains(digest_mailbox.c.mailbox, domains))
        return [Stuck(*row) for row in self._connection.execute(query.order_by(digest_mailbox.c.mailbox).limit(most))]

    def bearer(self, hashed: bytes) -> Bearer | None:
        """Return what a secret stands for."""
        query = select(digest.c.mailbox, digest_secret.c.pending_id).join(
            digest, digest.c.id == digest_secret.c.digest_id
        )
        row = self._connection.execute(query.where(digest_secret.c.hash == hashed)).first()
        return None if row is None else Bearer(*row)

    def shown(self, rows: Collection[int]) -> frozenset[int]:
        """Return those rows that were in a digest that was delivered."""
        query = select(digest_item.c.pending_id).join(digest, digest.c.id == digest_item.c.digest_id)
        mine = and_(digest_item.c.pending_id.in_(bindparam("rows", expanding=True)), digest.c.state == DELIVERED)
        return frozenset(self._connection.execute(query.where(mine), {"rows": list(rows)}).scalars())

    def own(self, rows: Collection[int]) -> frozenset[int]:
        """Return those rows that are digests of ours, which no digest tells of."""
        query = (
            select(pending.c.id)
            .join(message, message.c.id == pending.c.message_id)
            .join(digest, digest.c.mail_id == message.c.message_id)
            .where(pending.c.id.in_(bindparam("rows", expanding=True)), message.c.message_id != "")
        )
        return frozenset(self._connection.execute(query, {"rows": list(rows)}).scalars())

    def delay(self, rows: Collection[int], until: float) -> None:
        """Let rows that wait do so until then at least, and keep their challenges open as long."""
        named = {"rows": list(rows)}
        mine = and_(
            pending.c.id.in_(bindparam("rows", expanding=True)),
            pending.c.state == State.PENDING.value,
            pending.c.expires_at < until,
        )
        asked = select(pending.c.challenge_id).where(mine, pending.c.challenge_id.is_not(None))
        open_ = and_(challenge.c.state.in_([state.value for state in OPEN]), challenge.c.expires_at < until)
        self._connection.execute(
            update(challenge).where(challenge.c.id.in_(asked), open_).values(expires_at=until), named
        )
        self._connection.execute(update(pending).where(mine).values(expires_at=until), named)

    def forget(self, before: float, most: int) -> int:
        """Drop digests that ended before then, and show no row that still waits; return how many."""
        waits = (
            select(digest_item.c.pending_id)
            .join(pending, pending.c.id == digest_item.c.pending_id)
            .where(digest_item.c.digest_id == digest.c.id, pending.c.state == State.PENDING.value)
        )
        old = select(digest.c.id).where(digest.c.changed_at < before, digest.c.state != QUEUED, ~waits.exists())
        ids = list(self._connection.execute(old.order_by(digest.c.changed_at).limit(most)).scalars())
        for table in (digest_secret, digest_item):
            self._connection.execute(delete(table).where(table.c.digest_id.in_(ids)))
        self._connection.execute(delete(digest).where(digest.c.id.in_(ids)))
        return len(ids)


def _slot_after(scope: str, now: float) -> ColumnElement[float]:
    """Return the slot of a mailbox after its schedule was chosen anew; what a nearer level has chosen goes on as it was."""
    own, box = digest_choice.alias(), digest_mailbox.c.mailbox
    nearer = [box] if scope.startswith("@") else [] if scope else [box, func.substr(box, func.instr(box, "@"))]
    kept = select(own.c.scope).where(own.c.scope.in_(nearer), own.c.schedule.is_not(None))
    # Of a mailbox that nobody has looked at, it stays null.
    return case((kept.exists(), digest_mailbox.c.slot), else_=func.max(digest_mailbox.c.slot, now))


def _due(now: float, latest: float) -> ColumnElement[bool]:
    # A clock set back would leave attempts due in a far future: no wait is ever longer than that.
    return or_(digest.c.due_at <= now, digest.c.due_at > latest)
