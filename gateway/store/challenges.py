"""Challenges, their tokens, and used puzzles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.domain.address import Address
from gateway.domain.challenge import AskHistory
from gateway.domain.durations import DAY, HOUR
from gateway.domain.evidence import Proof
from gateway.domain.lifecycle import OPEN, ChallengeState
from gateway.domain.policy import Scope
from gateway.flow.rows import ChallengeRow, NewChallenge
from gateway.store.prepared import Prepared
from gateway.store.states import is_in, is_one_of
from gateway.store.tables import challenge, disowned, inserted_id, message, page_use, spent_puzzle, token

_OPEN = [state.value for state in OPEN]
_INDEXED = (ChallengeState.QUEUED, ChallengeState.SENT)
"""Those that are open, as the index of their expiry names them."""
# A withheld challenge was never sent: it uses up nobody's share.
BOUNCED = "bounced"
"""Reason of a challenge that came back after a server had taken it; its state stays as it is."""
_counted = challenge.c.state != literal_column(f"'{ChallengeState.WITHHELD.value}'")

_recent = select(func.count()).where(_counted, challenge.c.created_at > bindparam("since"))
_history = Prepared(
    select(
        select(func.max(challenge.c.created_at))
        .where(_counted, challenge.c.sender_key == bindparam("sender_key"))
        .scalar_subquery(),
        select(disowned.c.until).where(disowned.c.sender_key == bindparam("sender_key")).scalar_subquery(),
        _recent.where(challenge.c.sender_domain == bindparam("sender_domain")).scalar_subquery(),
        _recent.where(challenge.c.recipient_key == bindparam("recipient_key")).scalar_subquery(),
        _recent.scalar_subquery(),
    )
)
_select = select(
    challenge, message.c.received_at, message.c.subject, message.c.message_id.label("cited_id"),
    message.c.reference_ids, message.c.proofs, message.c.network,
).join(message, message.c.id == challenge.c.message_id)  # fmt: skip


class ChallengeTable:
    """Implements `flow.ports.ChallengeTx`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def history(self, sender: Address, recipient: Address, now: float) -> AskHistory:
        """Return what the caps need to know."""
        ((last, until, to_domain, for_recipient, in_total),) = _history.rows(
            self._connection,
            {
                "sender_key": sender.key,
                "sender_domain": sender.domain,
                "recipient_key": recipient.key,
                "since": now - HOUR,
            },
        )
        return AskHistory(last, until, to_domain, for_recipient, in_total)

    def insert(self, new: NewChallenge) -> int:
        """Queue a challenge; return its id."""
        result = self._connection.execute(
            insert(challenge),
            {
                "message_id": new.message_id,
                "sender": new.sender.text,
                "sender_key": new.sender.key,
                "sender_domain": new.sender.domain,
                "recipient": new.recipient.text,
                "recipient_key": new.recipient.key,
                "recipient_domain": new.recipient.domain,
                "scope": new.scope.value,
                "state": ChallengeState.QUEUED.value,
                "reason": "",
                "created_at": new.created_at,
                "expires_at": new.expires_at,
                "changed_at": new.created_at,
                "sent_at": None,
                "attempts": 0,
                "due_at": new.created_at,
                "lease": None,
                "lease_until": None,
                "last_reply": "",
                "mail_id": "",
                "wrong_answers": 0,
                "paused_until": None,
                "solved_puzzle": None,
                "how": "",
                "status_hash": None,
            },
        )
        return inserted_id(result)

    def get(self, challenge_id: int) -> ChallengeRow | None:
        """Return one challenge."""
        row = self._connection.execute(_select.where(challenge.c.id == challenge_id)).first()
        return None if row is None else _challenge_row(row)

    def by_token(self, token_hash: bytes) -> ChallengeRow | None:
        """Return the challenge a token belongs to, whatever its state."""
        query = _select.join(token, token.c.challenge_id == challenge.c.id).where(token.c.hash == token_hash)
        row = self._connection.execute(query).first()
        return None if row is None else _challenge_row(row)

    def by_status(self, status_hash: bytes) -> ChallengeRow | None:
        """Return the answered challenge a status token belongs to."""
        row = self._connection.execute(_select.where(challenge.c.status_hash == status_hash)).first()
        return None if row is None else _challenge_row(row)

    def move(self, challenge_id: int, to: ChallengeState, now: float, reason: str) -> None:
        """Save a new state."""
        self._connection.execute(
            update(challenge)
            .where(challenge.c.id == challenge_id)
            .values(state=to.value, changed_at=now, reason=reason, lease=None, lease_until=None)
        )

    def bounced(self, mail_ids: Sequence[str]) -> list[tuple[int, str]]:
        """Note that these came back; return number and recipient's domain of those of which it was not known."""
        # The state as it is written in the index, which else is not used.
        sent = challenge.c.state == literal_column(f"'{ChallengeState.SENT.value}'")
        mine = (sent, challenge.c.mail_id.in_(mail_ids), challenge.c.reason == "")
        query = select(challenge.c.id, challenge.c.recipient_domain).where(*mine)
        found = [(number, domain) for number, domain in self._connection.execute(query)]
        if found:
            numbers = [number for number, _ in found]
            self._connection.execute(update(challenge).where(challenge.c.id.in_(numbers)).values(reason=BOUNCED))
        return found

    def answered(self, challenge_id: int, puzzle_id: bytes, status_hash: bytes, how: str, now: float) -> None:
        """Save that it was solved, by which puzzle."""
        self._connection.execute(
            update(challenge)
            .where(challenge.c.id == challenge_id)
            .values(
                state=ChallengeState.ANSWERED.value,
                solved_puzzle=puzzle_id,
                status_hash=status_hash,
                how=how,
                changed_at=now,
                lease=None,
                lease_until=None,
            )
        )

    def wrong(self, challenge_id: int, wrong_answers: int, paused_until: float | None) -> None:
        """Save the count of wrong answers."""
        self._connection.execute(
            update(challenge)
            .where(challenge.c.id == challenge_id)
            .values(wrong_answers=wrong_answers, paused_until=paused_until)
        )

    def spend(self, puzzle_id: bytes, now: float) -> bool:
        """Use up a puzzle; False when it was used before."""
        statement = insert_or(spent_puzzle).values(id=puzzle_id, spent_at=now).on_conflict_do_nothing()
        return self._connection.execute(statement).rowcount == 1

    def used(self, challenge_id: int, now: float) -> None:
        """Note that an answer came from its page, right or wrong."""
        statement = insert_or(page_use).values(challenge_id=challenge_id, first_at=now, times=1)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["challenge_id"], set_={"times": page_use.c.times + 1})
        )

    def forget_puzzles(self, before: float) -> None:
        """Drop puzzles used before then: their time is over anyway."""
        self._connection.execute(delete(spent_puzzle).where(spent_puzzle.c.spent_at < before))

    def expire(self, now: float, most: int) -> int:
        """Close challenges nobody answered; return how many."""
        over = (
            select(challenge.c.id)
            .where(is_one_of(challenge.c.state, _INDEXED), challenge.c.expires_at <= now)
            .limit(most)
        )
        statement = (
            update(challenge)
            .where(challenge.c.id.in_(over))
            .values(state=ChallengeState.EXPIRED.value, changed_at=now, lease=None, lease_until=None)
        )
        return self._connection.execute(statement).rowcount

    def disown(self, sender_key: str, until: float) -> None:
        """Stop challenges to an address until then, and count it."""
        statement = insert_or(disowned).values(sender_key=sender_key, until=until, times=1)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["sender_key"], set_={"until": until, "times": disowned.c.times + 1}
            )
        )

    # --- leases of the challenge worker ---

    def claim(self, now: float, most: int, lease: int, lease_until: float, latest_due: float) -> list[ChallengeRow]:
        """Take queued challenges that are due for this worker."""
        free = or_(
            challenge.c.lease_until.is_(None),
            challenge.c.lease_until < now,
            challenge.c.lease_until > latest_due + DAY,
        )
        due = or_(challenge.c.due_at <= now, challenge.c.due_at > latest_due)
        query = _select.where(is_in(challenge.c.state, ChallengeState.QUEUED), due, free)
        rows = [_challenge_row(row) for row in self._connection.execute(query.order_by(challenge.c.due_at).limit(most))]
        if rows:
            self._connection.execute(
                update(challenge)
                .where(challenge.c.id.in_([row.id for row in rows]))
                .values(lease=lease, lease_until=lease_until)
            )
        return rows

    def mint(self, challenge_id: int, lease: int, token_hash: bytes) -> bool:
        """Keep the hash of one more token before it is sent; False when the lease is lost."""
        mine = select(challenge.c.id).where(challenge.c.id == challenge_id, challenge.c.lease == lease)
        if self._connection.execute(mine).first() is None:
            return False
        self._connection.execute(insert(token), {"hash": token_hash, "challenge_id": challenge_id})
        return True

    def finish(
        self,
        challenge_id: int,
        lease: int,
        to: ChallengeState,
        reply: str,
        due_at: float | None,
        mail_id: str,
        now: float,
    ) -> bool:
        """Save the outcome of an attempt to send; False when the lease is lost (as when it was answered meanwhile)."""
        statement = (
            update(challenge)
            .where(challenge.c.id == challenge_id, challenge.c.lease == lease)
            .values(
                state=to.value,
                changed_at=now,
                sent_at=now if to is ChallengeState.SENT else None,
                attempts=challenge.c.attempts + 1,
                due_at=due_at,
                last_reply=reply,
                mail_id=mail_id,
                lease=None,
                lease_until=None,
            )
        )
        return self._connection.execute(statement).rowcount == 1


def _challenge_row(row: Row[Any]) -> ChallengeRow:
    return ChallengeRow(
        id=row.id,
        message_id=row.message_id,
        sender=Address(row.sender, row.sender_key),
        recipient=Address(row.recipient, row.recipient_key),
        scope=Scope(row.scope),
        state=ChallengeState(row.state),
        created_at=row.created_at,
        expires_at=row.expires_at,
        attempts=row.attempts,
        wrong_answers=row.wrong_answers,
        paused_until=row.paused_until,
        solved_puzzle=row.solved_puzzle,
        received_at=row.received_at,
        subject=row.subject,
        mail_id=row.cited_id,
        references=tuple(row.reference_ids.split()),
        proofs=tuple(Proof.parse(text) for text in row.proofs.split()),
        network=row.network,
    )
