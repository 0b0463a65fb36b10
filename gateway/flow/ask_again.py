"""Ask again: let the sender of a mail that waits be asked once more, by hand, within all that keeps us from bothering people.

What forbade to ask when the mail came forbids it now, and so do the policy of today and the caps: a person can use what
they leave, and no more. The new challenge counts like any other; the link in the older mail stays good.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.address import Address, normal_form
from gateway.domain.challenge import Asking, Caps, Silence, may_ask_again, within_caps
from gateway.domain.durations import DAY
from gateway.domain.lifecycle import Event, State
from gateway.domain.policy import Mode, Policy, narrowest
from gateway.domain.roles import Right, Viewer
from gateway.flow.policy_effects import policies_of
from gateway.flow.ports import Tx
from gateway.flow.read import Held
from gateway.flow.rows import NewChallenge, PendingRow
from gateway.flow.transactions import StoreOf
from gateway.log import event

_log = logging.getLogger("gateway.challenge")


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a sender may be asked once more."""

    why_not: Silence | None
    since: float | None = None
    """When it was last asked, where that alone is in the way."""
    from_: float | None = None
    """From when on it may be, where that alone is in the way."""
    challenge: int = 0
    """The challenge that was made; 0 where none was."""


class HistoryTable(Protocol):
    """Rows with all that is known of them."""

    def held(self, row_id: int) -> Held | None:
        """Return a row with all that is known of it; None where there is none."""

    def note(self, row_id: int, what: Event, actor: str, detail: str, now: float) -> bool:
        """Write into a row's history what leaves it in its state; False where there is no such row."""


class AskTx(Tx, Protocol):
    """What asking again needs of a transaction."""

    @property
    def reading(self) -> HistoryTable:
        """Rows with all that is known of them."""


AskStore = StoreOf[AskTx]


@dataclass(frozen=True, slots=True)
class _Case:
    """A mail that waits, and for whom its sender may be asked."""

    held: Held
    sender: Address
    rows: tuple[PendingRow, ...]
    """Its rows that wait."""
    policies: tuple[Policy, ...]
    """Of those rows."""


class AskAgain:
    """Asks senders once more for a person, within his reach."""

    def __init__(
        self,
        store: AskStore,
        policy: Policy,
        caps: Caps,
        *,
        now: Callable[[], float],
        wake_challenges: Callable[[], None],
    ) -> None:
        """policy: the configuration's."""
        self._store = store
        self._policy = policy
        self._caps = caps
        self._now = now
        self._wake_challenges = wake_challenges

    async def ruling(self, viewer: Viewer, row_id: int) -> Ruling | None:
        """Say whether it may be done. None for what is not there, not his, or waits no longer."""
        if not viewer.may(Right.MODERATE):
            return None
        now = self._now()

        def work(tx: AskTx) -> Ruling | None:
            case = self._case(tx, viewer, row_id, now)
            return None if case is None else self._ruling(tx, case, now)

        return await self._store.look(work)

    async def ask(self, viewer: Viewer, row_id: int) -> Ruling | None:
        """Do it, where it may be done. None as above. Raises StoreDown."""
        if not viewer.may(Right.MODERATE):
            return None
        now = self._now()

        def work(tx: AskTx) -> Ruling | None:
            case = self._case(tx, viewer, row_id, now)
            if case is None:
                return None
            ruling = self._ruling(tx, case, now)
            if ruling.why_not is not None:
                return ruling
            return Ruling(None, challenge=_made(tx, case, row_id, viewer.name, now))

        ruling = await self._store.transact(work)
        if ruling is not None and ruling.challenge:
            event(_log, "asked-again", pending=row_id, challenge=ruling.challenge, actor=viewer.name)
            self._wake_challenges()
        return ruling

    async def ask_for_challenge(self, viewer: Viewer, challenge_id: int) -> tuple[int, Ruling | None]:
        """Do it for the mail an earlier challenge was made for; return a row of it too, 0 where none waits."""

        def work(tx: AskTx) -> int:
            challenge = tx.challenges.get(challenge_id)
            rows = [] if challenge is None else tx.pending.of_message(challenge.message_id)
            mine = (row.id for row in rows if row.state is State.PENDING)
            return next(mine, 0)

        row_id = await self._store.look(work)
        return (row_id, await self.ask(viewer, row_id)) if row_id else (0, None)

    def _case(self, tx: AskTx, viewer: Viewer, row_id: int, now: float) -> _Case | None:
        held = tx.reading.held(row_id)
        waits = held is not None and held.state is State.PENDING and now < held.expires_at
        if held is None or not waits or not viewer.reach.covers_recipient(held.recipient_key):
            return None
        rows = tuple(row for row in tx.pending.of_message(held.message_id) if row.state is State.PENDING)
        policies = policies_of(self._policy, tx.policies.choices, {row.recipient.key for row in rows})
        sender = Address(held.sender, normal_form(held.sender))
        return _Case(held, sender, rows, tuple(policies[row.recipient.key] for row in rows))

    def _ruling(self, tx: AskTx, case: _Case, now: float) -> Ruling:
        held = case.held
        if case.sender.is_null:
            return Ruling(Silence.NULL_REVERSE_PATH)
        # Each recipient of the mail has a say: one challenge speaks for all of them.
        asking = Asking.AUTHENTICATED
        if any(policy.mode is not Mode.CHALLENGE or policy.asking is Asking.OFF for policy in case.policies):
            asking = Asking.OFF
        forbidden = may_ask_again(asking, _silence(held.silence), held.evidence)
        if forbidden is not None:
            return Ruling(forbidden)
        history = tx.challenges.history(case.sender, Address(held.recipient, held.recipient_key), now)
        forbidden = within_caps(self._caps, history, now)
        last = history.last_asked_at
        if forbidden is Silence.ASKED_RECENTLY and last is not None:
            return Ruling(forbidden, last, last + self._caps.per_sender_days * DAY)
        return Ruling(forbidden)


def _silence(text: str) -> Silence | None:
    """Read why it was not asked; a word of a newer program forbids it like a sender nobody vouches for."""
    if not text:
        return None
    return next((one for one in Silence if one.value == text), Silence.UNPROVEN)


def _made(tx: AskTx, case: _Case, row_id: int, actor: str, now: float) -> int:
    held = case.held
    challenge_id = tx.challenges.insert(
        NewChallenge(
            held.message_id,
            case.sender,
            Address(held.recipient, held.recipient_key),
            narrowest(policy.scope for policy in case.policies),
            now,
            held.expires_at,
        )
    )
    for row in case.rows:
        tx.pending.tie(row.id, challenge_id)
    # What kept us from asking once does so no longer.
    tx.pending.silence(challenge_id, "")
    tx.reading.note(row_id, Event.ASK_AGAIN, actor, f"challenge {challenge_id}", now)
    return challenge_id
