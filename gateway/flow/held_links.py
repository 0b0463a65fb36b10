"""Held links: what the holder of a link out of a digest or notice may see and do, without signing in.

The secret of a link stands for one mail and one person. It counts while that mail waits, and only for who still has to
do with its recipient; whatever it does, it does for this recipient alone. Looking changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.domain.address import normal_form, without_tag
from gateway.domain.challenge import token_hash
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.lifecycle import State
from gateway.domain.notice import OFF as NO_NOTICES
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.domain.schedule import OFF
from gateway.flow.challenge_language import HeadTable
from gateway.flow.digest_people import Person, person_of, plan_of, wanted_by
from gateway.flow.digest_ports import AccountLook, DigestRules, DigestTable, RowLook
from gateway.flow.moderate import Action, Breadth, act_on_one
from gateway.flow.notice_ports import ChoiceTable, NoticeTable
from gateway.flow.notices import choice_of
from gateway.flow.ports import Tx
from gateway.flow.queue_ports import MACHINE, Row
from gateway.flow.transactions import StoreOf
from gateway.flow.user_rights import Withholding
from gateway.log import event

_log = logging.getLogger("gateway.held_links")

_RIGHT = {
    Action.DELIVER: Right.MODERATE,
    Action.DELETE: Right.MODERATE,
    Action.AUTHORIZE: Right.EDIT_LISTS,
    Action.BLACKLIST: Right.EDIT_LISTS,
}
_LET_GO = (State.RELEASED, State.DELIVERED)
_OUTCOMES: dict[Action, tuple[State, ...]] = {
    Action.DELIVER: _LET_GO,
    Action.AUTHORIZE: _LET_GO,
    Action.DELETE: (State.DELETED,),
    Action.BLACKLIST: (State.BLOCKED,),
}
AGAIN = 600.0
"""Seconds in which a button that is pressed again says the same as before."""


@dataclass(frozen=True, slots=True)
class HeldMail:
    """One mail, as the holder of its link may see it."""

    row: Row
    """Without subject and files, where the holder may not see them."""
    viewer: Viewer
    """The holder, as the services know people: his reach is this recipient."""
    time_zone: str

    def may(self, action: Action) -> bool:
        """True where the holder may do this himself."""
        return self.viewer.may(Right.MODERATE) and self.viewer.may(_RIGHT[action])


@dataclass(frozen=True, slots=True)
class Stopping:
    """Whose digests, or notices, a link stops."""

    mailbox: str
    on: bool
    """They go out; False: they are stopped already."""


class HeldLinksTx(Tx, Protocol):
    """What links need of a transaction."""

    @property
    def notices(self) -> NoticeTable:
        """Notices."""

    @property
    def policies(self) -> ChoiceTable:
        """Policies."""

    @property
    def reading(self) -> HeadTable:
        """Mail that waits."""

    @property
    def digests(self) -> DigestTable:
        """Digests."""

    @property
    def accounts(self) -> AccountLook:
        """Accounts."""

    @property
    def queue(self) -> RowLook:
        """The pending list."""


HeldLinksStore = StoreOf[HeldLinksTx]


def _opened_by(tx: HeldLinksTx, hashed: bytes) -> tuple[str, int | None]:
    """Return the mailbox that a secret was sent to, and the mail it opens; None where it opens none."""
    digest = tx.digests.bearer(hashed)
    if digest is not None:
        return digest.mailbox, digest.row
    notice = tx.notices.bearer(hashed)
    return ("", None) if notice is None or notice.stops else (notice.mailbox, notice.row)


class HeldLinks:
    """Everything that the pages behind the links of digests and notices can ask for."""

    def __init__(
        self,
        rules: DigestRules,
        store: HeldLinksStore,
        policies: Withholding,
        *,
        now: Callable[[], float],
        wake_deliveries: Callable[[], None],
    ) -> None:
        self._rules = rules
        self._store = store
        self._policies = policies
        self._now = now
        self._wake_deliveries = wake_deliveries

    async def look(self, secret: str) -> HeldMail | None:
        """Return the mail of a link, or None for a wrong, foreign or expired one alike."""
        hashed = token_hash(secret)
        found = await self._store.look(lambda tx: self._found(tx, hashed))
        if found is None or found[1].state is not State.PENDING:
            return None
        return await self._shown(*found)

    async def act(self, secret: str, action: Action) -> HeldMail | None:
        """Do it; None for a link that is not in use, and for what its holder may not do.

        The same done twice is done once, and told as done.
        """
        hashed, now = token_hash(secret), self._now()
        found = await self._store.look(lambda tx: self._found(tx, hashed))
        if found is None:
            return None
        mail = await self._shown(*found)
        if not mail.may(action):
            return None

        def work(tx: HeldLinksTx) -> bool:
            again = self._found(tx, hashed)
            if again is None:
                return False
            row = again[1]
            if row.state is not State.PENDING:
                same = row.state in _OUTCOMES[action] and abs(now - row.changed_at) < AGAIN
                if not same or action is not Action.AUTHORIZE:
                    return same
            breadth = Breadth.SOURCE if row.lane == MACHINE and tx.sources.origin(row.id) else Breadth.ADDRESS
            done = act_on_one(tx, action, row.id, mail.viewer.name, now, breadth)
            if done.problem and breadth is Breadth.SOURCE:
                # Nobody vouches for the source: then whoever wrote this one mail is meant.
                done = act_on_one(tx, action, row.id, mail.viewer.name, now)
            return not done.problem

        if not await self._store.transact(work):
            return None
        event(_log, "held-link", pending=mail.row.id, mailbox=mail.viewer.name, action=action.value)
        self._wake_deliveries()
        return mail

    async def stopping(self, secret: str) -> Stopping | None:
        """Return whose digests a link stops; None for a link that is none."""
        hashed = token_hash(secret)
        return await self._store.look(lambda tx: self._stopping(tx, hashed))

    async def stop(self, secret: str) -> Stopping | None:
        """Send no more digests to whom the link was sent; None for a link that is none."""
        hashed, now = token_hash(secret), self._now()

        def work(tx: HeldLinksTx) -> Stopping | None:
            found = self._stopping(tx, hashed)
            if found is not None and found.on:
                chosen = tx.digests.choice(found.mailbox)
                tx.digests.choose(found.mailbox, replace(chosen, schedule=OFF), found.mailbox, now)
            return found

        found = await self._store.transact(work)
        if found is not None and found.on:
            event(_log, "digests-stopped", mailbox=found.mailbox)
        return found

    async def stopping_notices(self, secret: str) -> Stopping | None:
        """Return whose notices a link stops; None for a link that is none."""
        hashed = token_hash(secret)
        found = await self._store.look(lambda tx: self._stopping_notices(tx, hashed))
        return None if found is None else found[0]

    async def stop_notices(self, secret: str) -> Stopping | None:
        """Send no more notices of mail for the address that the link's mail was for; None for a link that is none."""
        hashed, now = token_hash(secret), self._now()

        def work(tx: HeldLinksTx) -> Stopping | None:
            found = self._stopping_notices(tx, hashed)
            if found is None:
                return None
            stopping, owner = found
            if stopping.on:
                tx.policies.put(Choice(owner, PolicySetting.NOTICES, NO_NOTICES), stopping.mailbox, now)
            return stopping

        found = await self._store.transact(work)
        if found is not None and found.on:
            event(_log, "notices-stopped", mailbox=found.mailbox)
        return found

    # --- who is it ---

    def _found(self, tx: HeldLinksTx, hashed: bytes) -> tuple[Person, Row] | None:
        mailbox, row_id = _opened_by(tx, hashed)
        if row_id is None:
            return None
        person = person_of(tx, mailbox, self._rules.domains)
        row = tx.queue.one(row_id, 0)
        if person is None or row is None:
            return None
        waiting = tx.pending.get(row.id)
        # Whoever no longer has to do with an address has no link to its mail.
        mine = waiting is not None and without_tag(waiting.recipient.key) in person.owners
        return (person, row) if mine else None

    async def _shown(self, person: Person, row: Row) -> HeldMail:
        withheld = await self._policies.withheld(Reach(addresses=frozenset(person.owners)))
        viewer = Viewer(
            0,
            person.mailbox,
            Role.USER,
            Reach(addresses=frozenset({without_tag(normal_form(row.recipient))})),
            time_zone=person.time_zone,
            withheld=withheld,
        )
        zone = await self._store.look(
            lambda tx: plan_of(wanted_by(tx, self._rules.base, person.mailbox, person)).time_zone
        )
        return HeldMail(row if viewer.may(Right.READ_CONTENT) else replace(row, subject="", files=()), viewer, zone)

    def _stopping_notices(self, tx: HeldLinksTx, hashed: bytes) -> tuple[Stopping, str] | None:
        bearer = tx.notices.bearer(hashed)
        row = None if bearer is None or not bearer.stops else tx.pending.get(bearer.row)
        if bearer is None or row is None:
            return None
        owner = without_tag(row.recipient.key)
        person = person_of(tx, bearer.mailbox, self._rules.domains)
        if person is None or owner not in person.owners:
            return None
        return Stopping(bearer.mailbox, choice_of(tx, owner) != NO_NOTICES), owner

    def _stopping(self, tx: HeldLinksTx, hashed: bytes) -> Stopping | None:
        bearer = tx.digests.bearer(hashed)
        if bearer is None or bearer.row is not None:
            return None
        person = person_of(tx, bearer.mailbox, self._rules.domains)
        plan = plan_of(wanted_by(tx, self._rules.base, bearer.mailbox, person))
        return Stopping(bearer.mailbox, plan.schedule is not None)
