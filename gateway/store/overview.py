"""What the overview reads: how things stand, and what is stuck."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, update

from gateway.domain.address import normal_form, without_tag
from gateway.domain.durations import HOUR
from gateway.domain.lifecycle import ChallengeState, State
from gateway.flow.overview_charts import score_bands
from gateway.flow.overview_ports import LOOKED_AT, MOST_COUNTED, TOP, Frequent, Standing, Stuck
from gateway.flow.release_ports import RequestState
from gateway.store.naming import in_domains
from gateway.store.standing import RowsInState
from gateway.store.states import is_in
from gateway.store.tables import challenge, digest_mailbox, message, pending, release_request
from gateway.store.tables.accounts import account, account_address

_LOOKED_FOR = 500
"""Recipients whose accounts are looked for."""


class OverviewTable:
    """Implements `flow.overview_ports.OverviewTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def standing(self, domains: Collection[str] | None, now: float) -> Standing:
        """Return how things stand for these domains; None is all."""
        waiting = RowsInState(self._connection, State.PENDING, domains)
        senders: dict[str, int] = {}
        sender_domains: dict[str, int] = {}
        recipients: dict[str, int] = {}
        reasons: dict[str, int] = {}
        scores: list[float] = []
        for sender, recipient, reason, score in waiting.facts(waiting.newest(LOOKED_AT)):
            for name, names in (
                (sender, senders),
                (sender.rpartition("@")[2].lower(), sender_domains),
                (recipient, recipients),
                (reason, reasons),
            ):
                names[name] = names.get(name, 0) + 1
            if score is not None:
                scores.append(score)
        asked = select(challenge.c.id).where(challenge.c.sent_at > now - HOUR, challenge.c.created_at > now - 2 * HOUR)
        return Standing(
            waiting=waiting.count(MOST_COUNTED),
            oldest=waiting.first_held_at(),
            on_the_way=RowsInState(self._connection, State.RELEASED, domains).count(MOST_COUNTED),
            refused=RowsInState(self._connection, State.REFUSED, domains).count(MOST_COUNTED),
            challenges_unsent=min(
                self._count(_challenges(domains, ChallengeState.QUEUED))
                + self._count(_challenges(domains, ChallengeState.FAILED)),
                MOST_COUNTED,
            ),
            asked_last_hour=self._count(asked),
            untold=self._count(_untold(domains)),
            senders=_most(senders),
            sender_domains=_most(sender_domains),
            recipients=_most(recipients),
            absent=self._absent(recipients),
            reasons=_most(reasons),
            asked_for=self._count(_asked_for(domains)),
            scores=score_bands(scores),
        )

    def _absent(self, recipients: dict[str, int]) -> tuple[Frequent, ...]:
        """Return of those for whom most waits who has never signed in, nor anybody who sees to his mail."""
        mailboxes: dict[str, int] = {}
        for recipient, times in recipients.items():
            key = without_tag(normal_form(recipient))
            mailboxes[key] = mailboxes.get(key, 0) + times
        most = sorted(mailboxes, key=lambda key: (-mailboxes[key], key))[:_LOOKED_FOR]
        there = (
            select(account_address.c.address_key)
            .join(account, account.c.id == account_address.c.account_id)
            .where(account_address.c.address_key.in_(most), account.c.signed_in_at.is_not(None))
        )
        known = set(self._connection.execute(there).scalars())
        return _most({key: mailboxes[key] for key in most if key not in known})

    def _count(self, query: Select[Any]) -> int:
        """Count, but not beyond what a person can tell apart: a count of a million rows takes seconds."""
        return int(
            self._connection.execute(
                select(func.count()).select_from(query.limit(MOST_COUNTED).subquery())
            ).scalar_one()
        )

    def stuck(self, domains: Collection[str] | None, most: int) -> list[Stuck]:
        """Return what has not gone out, the longest first."""
        late = or_(
            pending.c.state == State.REFUSED.value,
            and_(pending.c.state == State.RELEASED.value, pending.c.attempts > 0),
        )
        # Their numbers alone: there may be very many to be sorted.
        first = select(pending.c.id).where(_within(domains, late)).order_by(pending.c.changed_at).limit(most)
        rows = (
            select(pending, message.c.reverse_path, message.c.subject)
            .join(message, message.c.id == pending.c.message_id)
            .where(pending.c.id.in_(first))
            .order_by(pending.c.changed_at, pending.c.id)
        )
        mails = [
            Stuck("mail", row.id, row.state, row.reverse_path, row.recipient, row.subject,
                  row.due_since or row.changed_at, row.attempts, row.due_at, row.last_reply)
            for row in self._connection.execute(rows)
        ]  # fmt: skip
        made_at = challenge.c.created_at
        unsent = (
            _challenges(domains, ChallengeState.FAILED).order_by(made_at),
            # Not by the plain column: SQLite would rather go through all challenges in their order.
            _challenges(domains, ChallengeState.QUEUED).where(challenge.c.attempts > 0).order_by(made_at + 0.0),
        )
        columns = (*challenge.c, message.c.subject)
        asked = [
            Stuck("challenge", row.id, row.state, row.recipient, row.sender, row.subject,
                  row.created_at, row.attempts, row.due_at, row.last_reply)
            for some in unsent
            for row in self._connection.execute(
                some.join(message, message.c.id == challenge.c.message_id).with_only_columns(*columns).limit(most)
            )
        ]  # fmt: skip
        # Of the same second in the order they were made, whatever became of them.
        asked.sort(key=lambda stuck: stuck.id)
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


def _challenges(domains: Collection[str] | None, state: ChallengeState) -> Select[Any]:
    """Select ids of challenges in one of the states that have an index of their own."""
    query = select(challenge.c.id).where(is_in(challenge.c.state, state))
    return query if domains is None else query.where(challenge.c.recipient_domain.in_(domains))


def _untold(domains: Collection[str] | None) -> Select[tuple[str]]:
    query = select(digest_mailbox.c.mailbox).where(digest_mailbox.c.stuck_since.is_not(None))
    return query if domains is None else query.where(in_domains(digest_mailbox.c.mailbox, domains))


def _asked_for(domains: Collection[str] | None) -> Select[tuple[int]]:
    query = select(release_request.c.id).where(release_request.c.state == RequestState.OPEN.value)
    return query if domains is None else query.where(release_request.c.recipient_domain.in_(domains))


def _most(counts: dict[str, int]) -> tuple[Frequent, ...]:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return tuple(Frequent(name, times) for name, times in most)
