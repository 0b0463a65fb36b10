"""Sessions in the store, the links that lead to them, and the tries that are counted."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from gateway.flow.session_ports import Link, LinkRequest, NewSession, Session, Stage
from gateway.store.tables import inserted_id
from gateway.store.tables.accounts import session, sign_in_link, sign_in_order, sign_in_try


class SessionTable:
    """Implements `flow.account_ports.SessionTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, new: NewSession) -> int:
        """Keep a new session; return its id."""
        values = {
            "hash": new.hash,
            "account_id": new.account,
            "stage": new.stage.value,
            "way": new.way,
            "second_factor": new.second_factor,
            "created_at": new.created_at,
            "used_at": new.created_at,
            "ends_at": new.ends_at,
            "client": new.client,
            "browser": new.browser,
            "wanted": new.wanted,
            "scratch": "",
            "looks_as": "",
            "proven_at": new.created_at,
        }
        return inserted_id(self._connection.execute(insert(session), values))

    def find(self, hashed: bytes) -> Session | None:
        """Return the session of a secret's hash, whatever its age."""
        found = self._sessions(session.c.hash == hashed)
        return found[0] if found else None

    def of_account(self, account_id: int) -> list[Session]:
        """Return an account's full sessions, the last used first."""
        return self._sessions(and_(session.c.account_id == account_id, session.c.stage == Stage.FULL.value))

    def touch(self, session_id: int, now: float, client: str) -> None:
        """Note that it is used."""
        self._connection.execute(update(session).where(session.c.id == session_id).values(used_at=now, client=client))

    def renew(self, session_id: int, hashed: bytes) -> None:
        """Give it another secret."""
        self._connection.execute(update(session).where(session.c.id == session_id).values(hash=hashed))

    def proven(self, session_id: int, hashed: bytes, now: float) -> None:
        """Note that its owner showed to be who he is, under another secret; a step under way is forgotten."""
        values = {"hash": hashed, "proven_at": now, "scratch": ""}
        self._connection.execute(update(session).where(session.c.id == session_id).values(values))

    def look_as(self, session_id: int, address: str) -> None:
        """Save whose pages it looks at; "" for its own."""
        self._connection.execute(update(session).where(session.c.id == session_id).values(looks_as=address))

    def remember(self, session_id: int, scratch: str) -> None:
        """Save what a step under way has to know."""
        self._connection.execute(update(session).where(session.c.id == session_id).values(scratch=scratch))

    def end(self, account_id: int, session_id: int) -> bool:
        """End one session of this account; False where it has none such."""
        mine = and_(session.c.id == session_id, session.c.account_id == account_id)
        return self._connection.execute(delete(session).where(mine)).rowcount == 1

    def end_all(self, account_id: int, but: int = 0) -> int:
        """End every session of an account but one, half-way ones too, and its links; return how many sessions."""
        self._connection.execute(delete(sign_in_link).where(sign_in_link.c.account_id == account_id))
        others = and_(session.c.account_id == account_id, session.c.id != but)
        return self._connection.execute(delete(session).where(others)).rowcount

    def add_link(self, hashed: bytes, link: Link) -> None:
        """Keep the hash of a link's token."""
        values = {
            "hash": hashed,
            "address_key": link.address,
            "account_id": link.account,
            "wanted": link.wanted,
            "ends_at": link.ends_at,
        }
        self._connection.execute(insert(sign_in_link), values)

    def link(self, hashed: bytes) -> Link | None:
        """Return what a token stands for, whatever its age."""
        row = self._connection.execute(select(sign_in_link).where(sign_in_link.c.hash == hashed)).mappings().first()
        if row is None:
            return None
        return Link(row["address_key"], row["account_id"], row["wanted"], row["ends_at"])

    def use_link(self, hashed: bytes) -> bool:
        """Use up a token; False where it was used before."""
        return self._connection.execute(delete(sign_in_link).where(sign_in_link.c.hash == hashed)).rowcount == 1

    def forget_links(self, address: str) -> None:
        """Drop every link that was sent to an address."""
        self._connection.execute(delete(sign_in_link).where(sign_in_link.c.address_key == address))

    def request_link(self, address: str, wanted: str, client: str, language: str, now: float) -> None:
        """Let a link be sent. language: of the browser."""
        values = {
            "address_key": address,
            "wanted": wanted,
            "client": client,
            "language": language,
            "asked_at": now,
            "due_at": now,
            "attempts": 0,
        }
        self._connection.execute(insert(sign_in_order), values)

    def link_requests(self, now: float, most: int) -> list[LinkRequest]:
        """Return requests for links that are due, the eldest first."""
        due = select(sign_in_order).where(sign_in_order.c.due_at <= now).order_by(sign_in_order.c.due_at).limit(most)
        return [
            LinkRequest(
                row["id"], row["address_key"], row["wanted"], row["client"], row["asked_at"], row["attempts"],
                row["language"],
            )
            for row in self._connection.execute(due).mappings()
        ]  # fmt: skip

    def put_off(self, request_id: int, due_at: float) -> None:
        """Try again then."""
        later = {"due_at": due_at, "attempts": sign_in_order.c.attempts + 1}
        self._connection.execute(update(sign_in_order).where(sign_in_order.c.id == request_id).values(later))

    def drop_link_request(self, request_id: int) -> None:
        """Forget a request for a link: it is done."""
        self._connection.execute(delete(sign_in_order).where(sign_in_order.c.id == request_id))

    def tries(self, kind: str, subject: bytes, since: float, most: int) -> tuple[int, list[float]]:
        """Return how many tries there were since then, and the times of the newest ones."""
        these = and_(sign_in_try.c.kind == kind, sign_in_try.c.subject == subject, sign_in_try.c.at > since)
        count = self._connection.execute(select(func.count()).select_from(sign_in_try).where(these)).scalar_one()
        newest = select(sign_in_try.c.at).where(these).order_by(sign_in_try.c.at.desc()).limit(most)
        return count, list(self._connection.execute(newest).scalars())

    def tried(self, kind: str, subject: bytes, now: float) -> None:
        """Note a try of one kind."""
        self._connection.execute(insert(sign_in_try), {"kind": kind, "subject": subject, "at": now})

    def forgive(self, kind: str, subject: bytes) -> None:
        """Forget the tries of a subject."""
        self._connection.execute(
            delete(sign_in_try).where(sign_in_try.c.kind == kind, sign_in_try.c.subject == subject)
        )

    def sweep(self, now: float, idle_before: float, tries_before: float) -> int:
        """Drop sessions and links whose time is over, and old tries; return how many."""
        over = or_(session.c.ends_at <= now, session.c.used_at <= idle_before)
        gone = self._connection.execute(delete(session).where(over)).rowcount
        gone += self._connection.execute(delete(sign_in_link).where(sign_in_link.c.ends_at <= now)).rowcount
        return gone + self._connection.execute(delete(sign_in_try).where(sign_in_try.c.at <= tries_before)).rowcount

    def _sessions(self, which: ColumnElement[bool]) -> list[Session]:
        query = select(session).where(which).order_by(session.c.used_at.desc(), session.c.id.desc())
        return [
            Session(
                id=row["id"],
                account=row["account_id"],
                stage=Stage(row["stage"]),
                way=row["way"],
                second_factor=row["second_factor"],
                created_at=row["created_at"],
                used_at=row["used_at"],
                ends_at=row["ends_at"],
                client=row["client"],
                browser=row["browser"],
                wanted=row["wanted"],
                scratch=row["scratch"],
                looks_as=row["looks_as"],
                proven_at=row["proven_at"],
            )
            for row in self._connection.execute(query).mappings()
        ]
