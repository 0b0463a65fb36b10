"""Requests of release: who may not let a mail go himself asks who may; each sees who decided what, and why.

    open → released, refused; ended, where the mail ended before anybody decided

There is one open request for each mail and recipient, and no second one after a refusal. A request is decided in the
transaction that lets the mail go, so that two admins cannot decide twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from prometheus_client import Counter

from gateway.domain.address import without_tag
from gateway.domain.durations import DAY
from gateway.domain.lifecycle import Event, State
from gateway.domain.mail_number import LONGEST, mail_number, row_of
from gateway.domain.roles import Right, Role, Viewer
from gateway.flow.digest_people import mailbox_of, mailboxes_for
from gateway.flow.moderate import Action, act_on_one
from gateway.flow.release_ports import (
    LONGEST_WORDS,
    Case,
    NewRequest,
    ReleaseRequest,
    ReleaseStore,
    ReleaseTx,
    RequestLetterKind,
    RequestState,
)
from gateway.log import event

_log = logging.getLogger("gateway.releases")
_requests = Counter("gateway_release_requests_total", "Requests of release, made and decided.", ["result"])

MOST_OPEN = 20
"""Open requests of one recipient."""
MOST_A_DAY = 50
"""Requests that one recipient makes in a day."""
MOST_KNOCKS = 1000
"""Numbers that wait to be looked at; more are dropped."""
PAGE = 50
_PIECE = 100
"""Knocks, or requests that end, in one transaction."""


class Asked(Enum):
    """What became of asking."""

    SENT = "sent"
    AGAIN = "again"  # It was asked before, and nobody has decided yet.
    REFUSED = "refused"  # It was asked before, and the answer was no.
    LIMITED = "limited"  # Too many at once.


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision."""

    request: ReleaseRequest
    done: bool
    """False: somebody else decided before, or the mail has ended."""


class Releases:
    """Everything about requests, each within the viewer's reach. What is beyond it is None, as if it were not there."""

    def __init__(
        self,
        store: ReleaseStore,
        *,
        number_key: bytes,
        now: Callable[[], float],
        wake_letters: Callable[[], None],
        wake_deliveries: Callable[[], None],
    ) -> None:
        """number_key: of the site, for the numbers of mails."""
        self._store = store
        self._number_key = number_key
        self._now = now
        self._wake_letters = wake_letters
        self._wake_deliveries = wake_deliveries

    # --- who asks ---

    def number(self, row_id: int) -> str:
        """Return the number of a mail as people pass it on."""
        return mail_number(self._number_key, row_id)

    async def ask(self, viewer: Viewer, row_id: int, words: str = "") -> Asked | None:
        """Ask the people in charge to let a mail go.

        None where there is none that waits within reach, and for who may let it go himself: he needs to ask nobody.
        """
        if viewer.may(Right.MODERATE) or not viewer.may(Right.ASK_RELEASE):
            return None
        return await self._ask(viewer, row_id, words)

    async def ask_for(self, viewer: Viewer, row_id: int, words: str = "") -> Asked | None:
        """Ask on behalf of a mail's recipient, who gets the answer: for who takes requests by telephone."""
        return await self._ask(viewer, row_id, words) if viewer.may(Right.DECIDE_RELEASE) else None

    async def _ask(self, viewer: Viewer, row_id: int, words: str) -> Asked | None:
        now = self._now()

        def work(tx: ReleaseTx) -> tuple[Asked | None, int]:
            row = tx.pending.get(row_id)
            if row is None or not viewer.reach.covers_recipient(row.recipient.key):
                return None, 0
            return self._made(tx, row_id, viewer.name, _answer_to(tx, viewer, row.recipient.key), words, now)

        asked, request_id = await self._store.transact(work)
        self._tell(asked, request_id, row_id, viewer.name)
        return asked

    async def knock(self, text: str) -> None:
        """Take a mail's number from somebody who shows nothing else. Whatever it is, the same is done now."""
        now = self._now()
        await self._store.transact(lambda tx: tx.releases.knock(text.strip()[:LONGEST], now, MOST_KNOCKS))
        self._wake_letters()

    async def take_knocks(self) -> int:
        """Make requests of the numbers that came; return how many there were."""
        now = self._now()
        if not await self._store.look(lambda tx: tx.releases.waiting_knocks()):
            return 0

        def work(tx: ReleaseTx) -> list[tuple[Asked | None, int, int]]:
            made = []
            for text in tx.releases.knocks(_PIECE):
                row_id = row_of(self._number_key, text)
                row = None if row_id is None else tx.pending.get(row_id)
                if row is not None:
                    to = next(iter(mailboxes_for(tx, without_tag(row.recipient.key))), "")
                    made.append((*self._made(tx, row.id, "", to, "", now), row.id))
                else:
                    made.append((None, 0, 0))
            return made

        made = await self._store.transact(work)
        for asked, request_id, row_id in made:
            self._tell(asked, request_id, row_id, "")
        return len(made)

    def _made(
        self, tx: ReleaseTx, row_id: int, asked_by: str, answer_to: str, words: str, now: float
    ) -> tuple[Asked | None, int]:
        row = tx.pending.get(row_id)
        if row is None or row.state is not State.PENDING:
            return None, 0
        known = tx.releases.latest(row_id)
        if known is not None:
            return (Asked.AGAIN if known.state is RequestState.OPEN else Asked.REFUSED), known.id
        owner, domain = without_tag(row.recipient.key), row.recipient.domain
        still_open, today = tx.releases.load(owner, now - DAY)
        if still_open >= MOST_OPEN or today >= MOST_A_DAY:
            return Asked.LIMITED, 0
        made = tx.releases.add(NewRequest(row_id, owner, domain, asked_by, answer_to, _line(words)), now)
        tx.reading.note(row_id, Event.ASK_RELEASE, asked_by, "", now)
        for mailbox in in_charge(tx, domain):
            tx.releases.write(made, row_id, RequestLetterKind.ASK, mailbox, now)
        return Asked.SENT, made

    def _tell(self, asked: Asked | None, request_id: int, row_id: int, actor: str) -> None:
        if asked is None:
            return
        event(_log, "release-asked", request=request_id, pending=row_id, actor=actor, result=asked.value)
        _requests.labels("asked" if asked is Asked.SENT else asked.value).inc()
        self._wake_letters()

    # --- who sees ---

    async def sees(self, viewer: Viewer, row_id: int) -> bool:
        """True for a mail within reach."""
        row = await self._store.look(lambda tx: tx.pending.get(row_id))
        return row is not None and viewer.may(Right.SEE_PENDING) and viewer.reach.covers_recipient(row.recipient.key)

    async def of_mail(self, viewer: Viewer, row_id: int) -> ReleaseRequest | None:
        """Return the newest request for a mail within reach."""
        if not viewer.may(Right.SEE_PENDING):
            return None
        found = await self._store.look(lambda tx: tx.releases.latest(row_id))
        return found if found is not None and viewer.reach.covers_recipient(found.recipient_key) else None

    async def page(
        self, viewer: Viewer, state: RequestState | None = RequestState.OPEN, before: int = 0, size: int = PAGE
    ) -> tuple[Sequence[Case], int] | None:
        """Return requests, the newest first, and behind which number there are more, or 0."""
        if not viewer.may(Right.SEE_OVERVIEW):
            return None
        domains = None if viewer.reach.site else viewer.reach.domains

        def work(tx: ReleaseTx) -> tuple[list[Case], int]:
            found = tx.releases.page(domains, state, before, size + 1)
            cases = [_case(tx, viewer, one) for one in found[:size]]
            return cases, found[size - 1].id if len(found) > size else 0

        return await self._store.look(work)

    async def one(self, viewer: Viewer, request_id: int) -> Case | None:
        """Return a request within the viewer's reach; None for any other."""
        if not viewer.may(Right.SEE_OVERVIEW):
            return None

        def work(tx: ReleaseTx) -> Case | None:
            found = tx.releases.get(request_id)
            return _case(tx, viewer, found) if found is not None and _within(viewer, found) else None

        return await self._store.look(work)

    async def open_by_domain(self) -> Mapping[str, int]:
        """Return how many are open, by the recipient's domain: for who keeps watch."""
        return await self._store.look(lambda tx: tx.releases.open_by_domain())

    # --- who decides ---

    async def release(self, viewer: Viewer, request_id: int, why: str = "") -> Decided | None:
        """Let the mail go to its recipient, and to nobody else."""
        return await self._decide(viewer, request_id, RequestState.RELEASED, why)

    async def refuse(self, viewer: Viewer, request_id: int, why: str = "") -> Decided | None:
        """Say no. The mail stays where it is."""
        return await self._decide(viewer, request_id, RequestState.REFUSED, why)

    async def _decide(self, viewer: Viewer, request_id: int, to: RequestState, why: str) -> Decided | None:
        if not viewer.may(Right.DECIDE_RELEASE):
            return None
        now, said = self._now(), _line(why)

        def work(tx: ReleaseTx) -> Decided | None:
            request = tx.releases.get(request_id)
            if request is None or not _within(viewer, request):
                return None
            row = tx.pending.get(request.row)
            if request.state is not RequestState.OPEN or row is None or row.state is not State.PENDING:
                return Decided(request, done=False)
            if to is RequestState.RELEASED:
                if act_on_one(tx, Action.DELIVER, row.id, viewer.name, now).problem:
                    return Decided(request, done=False)
            else:
                tx.reading.note(row.id, Event.REFUSE_RELEASE, viewer.name, said, now)
            end(tx, request, to, viewer.name, said, now)
            return Decided(replace(request, state=to, decided_by=viewer.name, why=said, changed_at=now), done=True)

        decided = await self._store.transact(work)
        if decided is not None and decided.done:
            event(_log, "release-decided", request=request_id, pending=decided.request.row, actor=viewer.name,
                  state=to.value)  # fmt: skip
            _requests.labels(to.value).inc()
            self._wake_letters()
            self._wake_deliveries()
        return decided

    async def inspected(self, viewer: Viewer, request_id: int) -> None:
        """Note that a copy went to who decides; nothing is noted of who may not decide about this mail."""
        if not viewer.may(Right.DECIDE_RELEASE):
            return
        now = self._now()

        def work(tx: ReleaseTx) -> None:
            request = tx.releases.get(request_id)
            if request is not None and _within(viewer, request):
                tx.releases.inspected(request_id, viewer.name, now)

        await self._store.transact(work)

    async def own_mailbox(self, viewer: Viewer) -> str:
        """Return where a copy for inspection goes: the viewer's own mailbox; "" where the account has none."""
        account = await self._store.look(lambda tx: tx.accounts.get(viewer.account))
        return "" if account is None else mailbox_of(account)

    # --- what ends by itself ---

    async def settle(self) -> int:
        """End requests whose mail waits no longer: somebody else let it go, or its time is over; return how many."""
        now = self._now()
        if not await self._store.look(lambda tx: tx.releases.settled(1)):
            return 0

        def work(tx: ReleaseTx) -> list[tuple[ReleaseRequest, RequestState, str]]:
            ended = []
            for request, state, actor in tx.releases.settled(_PIECE):
                gone = State(state) in (State.RELEASED, State.DELIVERED, State.REFUSED)
                to = RequestState.RELEASED if gone else RequestState.ENDED
                end(tx, request, to, actor, "", now)
                ended.append((request, to, actor))
            return ended

        ended = await self._store.transact(work)
        for request, to, actor in ended:
            event(_log, "release-decided", request=request.id, pending=request.row, actor=actor, state=to.value)
            _requests.labels(to.value).inc()
        return len(ended)


def end(tx: ReleaseTx, request: ReleaseRequest, to: RequestState, by: str, why: str, now: float) -> None:
    """Save how a request ended, and let its asker be told."""
    tx.releases.decide(request.id, to, by, why, now)
    if request.answer_to:
        tx.releases.write(request.id, request.row, RequestLetterKind.ANSWER, request.answer_to, now)


def in_charge(tx: ReleaseTx, domain: str) -> list[str]:
    """Return the mailboxes of who decides for a domain: its admins', or the site's where none of them has one."""
    for admins in (tx.accounts.domain_admins(domain), tx.accounts.site_admins()):
        found = [mailbox for admin in admins if (mailbox := mailbox_of(admin))]
        if found:
            return list(dict.fromkeys(found))
    return []


def _answer_to(tx: ReleaseTx, viewer: Viewer, recipient_key: str) -> str:
    """Return where the answer goes: to who asked; else to whose mail it is."""
    if viewer.role is Role.USER and not viewer.account:
        return viewer.name  # The holder of a link that was sent there.
    account = tx.accounts.get(viewer.account) if viewer.role is Role.USER else None
    mine = "" if account is None else mailbox_of(account)
    return mine or next(iter(mailboxes_for(tx, without_tag(recipient_key))), "")


def _within(viewer: Viewer, request: ReleaseRequest) -> bool:
    return viewer.reach.covers_domain(request.domain)


def _case(tx: ReleaseTx, viewer: Viewer, request: ReleaseRequest) -> Case:
    row = tx.queue.one(request.row, viewer.account)
    if row is not None and not viewer.may(Right.READ_CONTENT):
        row = replace(row, subject="", files=())
    return Case(request, row, tuple(tx.releases.told(request.id)))


def _line(words: str) -> str:
    """Return what somebody says as one line, not endless."""
    return " ".join(words.split())[:LONGEST_WORDS]
