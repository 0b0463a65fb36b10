"""What the overview reads: how things stand, and what is stuck."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, or_, select, update

from gateway.domain.lifecycle import ChallengeState, State
from gateway.flow.overview import LOOKED_AT, MOST_COUNTED, TOP, Frequent, Standing, Stuck
from gateway.flow.overview_charts import score_bands
from gateway.flow.release_ports import RequestState
from gateway.store.tables import challenge, digest_mailbox, message, pending, release_request

_HOUR = 3600.0
_UNSENT = (ChallengeState.QUEUED.value, ChallengeState.FAILED.value)


class OverviewTable:
    """Implements `flow.overview.OverviewTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def standing(self, domains: Collection[str] | None, now: float) -> Standing:
        """Return how things stand for these domains; None is all."""
        waiting = _within(domains, pending.c.state == State.PENDING.value)
        newest = (
            select(message.c.reverse_path, pending.c.recipient, pending.c.reason, message.c.score)
            .join(message, message.c.id == pending.c.message_id)
            .where(waiting)
            .order_by(pending.c.id.desc())
            .limit(LOOKED_AT)
        )
        senders: dict[str, int] = {}
        sender_domains: dict[str, int] = {}
        recipients: dict[str, int] = {}
        reasons: dict[str, int] = {}
        scores: list[float] = []
        for sender, recipient, reason, score in self._connection.execute(newest):
            for name, names in (
                (sender, senders),
                (sender.rpartition("@")[2].lower(), sender_domains),
                (recipient, recipients),
                (reason, reasons),
            ):
                names[name] = names.get(name, 0) + 1
            if score is not None:
                scores.append(score)
        first = select(pending.c.held_at).where(waiting).order_by(pending.c.id).limit(1)
        asked = select(challenge.c.id).where(
            challenge.c.sent_at > now - _HOUR, challenge.c.created_at > now - 2 * _HOUR
        )
        return Standing(
            waiting=self._count(select(pending.c.id).where(waiting)),
            oldest=self._connection.execute(first).scalar(),
            on_the_way=self._count(
                select(pending.c.id).where(_within(domains, pending.c.state == State.RELEASED.value))
            ),
            refused=self._count(select(pending.c.id).where(_within(domains, pending.c.state == State.REFUSED.value))),
            challenges_unsent=self._count(_challenges(domains).where(challenge.c.state.in_(_UNSENT))),
            asked_last_hour=self._count(asked),
            untold=self._count(_untold(domains)),
            senders=_most(senders),
            sender_domains=_most(sender_domains),
            recipients=_most(recipients),
            reasons=_most(reasons),
            asked_for=self._count(_asked_for(domains)),
            scores=score_bands(scores),
        )

    def _count(self, query: Select[Any]) -> int:
        """Count, but not beyond what a person can tell apart: a count of a million rows takes seconds."""
        return int(
            self._connection.execute(
                select(func.count()).select_from(query.limit(MOST_COUNTED).subquery())
            ).scalar_one()
        )

    def stuck(self, domains: Collection[str] | None, most: int) -> list[Stuck]:
        """Return what has not gone out, the longest first."""
        rows = (
            select(pending, message.c.reverse_path, message.c.subject)
            .join(message, message.c.id == pending.c.message_id)
            .where(
                _within(
                    domains,
                    or_(
                        pending.c.state == State.REFUSED.value,
                        and_(pending.c.state == State.RELEASED.value, pending.c.attempts > 0),
                    ),
                )
            )
            .order_by(pending.c.changed_at)
            .limit(most)
        )
        mails = [
            Stuck("mail", row.id, row.state, row.reverse_path, row.recipient, row.subject,
                  row.due_since or row.changed_at, row.attempts, row.due_at, row.last_reply)
            for row in self._connection.execute(rows)
        ]  # fmt: skip
        unsent = (
            select(challenge, message.c.subject)
            .join(message, message.c.id == challenge.c.message_id)
            .where(
                or_(
                    challenge.c.state == ChallengeState.FAILED.value,
                    and_(challenge.c.state == ChallengeState.QUEUED.value, challenge.c.attempts > 0),
                )
            )
            .order_by(challenge.c.created_at)
            .limit(most)
        )
        if domains is not None:
            unsent = unsent.where(challenge.c.recipient_domain.in_(domains))
        asked = [
            Stuck("challenge", row.id, row.state, row.recipient, row.sender, row.subject,
                  row.created_at, row.attempts, row.due_at, row.last_reply)
            for row in self._connection.execute(unsent)
        ]  # fmt: skip
        return sorted([*mails, *asked], key=lambda stuck: stuck.since)[:most]

    def hasten_challenge(self, challenge_id: int, domains: Collection[str] | None, now: float) -> bool:
        """Let a challenge that waits for its next attempt be tried now; False where there is none."""
        where = and_(
            challenge.c.id == challenge_id,
            challenge.c.state == ChallengeState.QUEUED.value,
            challenge.c.lease.is_(None),
        )
        if domains is not None:
            where = and_(where, challenge.c.recipient_domain.in_(domains))
        hastened = update(challenge).where(where).values(due_at=now)
        return self._connection.execute(hastened).rowcount == 1


def _within(domains: Collection[str] | None, where: ColumnElement[bool]) -> ColumnElement[bool]:
    return where if domains is None else and_(where, pending.c.recipient_domain.in_(domains))


def _challenges(domains: Collection[str] | None) -> Select[tuple[int]]:
    query = select(challenge.c.id)
    return query if domains is None else query.where(challenge.c.recipient_domain.in_(domains))


def _untold(domains: Collection[str] | None) -> Select[tuple[str]]:
    query = select(digest_mailbox.c.mailbox).where(digest_mailbox.c.stuck_since.is_not(None))
    if domains is None:
        return query
    ends = [digest_mailbox.c.mailbox.endswith(f"@{name}", autoescape=True) for name in sorted(domains)]
    return query.where(or_(*ends, false()))


def _asked_for(domains: Collection[str] | None) -> Select[tuple[int]]:
    query = select(release_request.c.id).where(release_request.c.state == RequestState.OPEN.value)
    return query if domains is None else query.where(release_request.c.recipient_domain.in_(domains))


def _most(counts: dict[str, int]) -> tuple[Frequent, ...]:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return tuple(Frequent(name, times) for name, times in most)
