"""Sessions: who is signed in, for how long, and in which browsers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gateway.domain.challenge import token_hash, token_text
from gateway.domain.durations import DAY
from gateway.domain.roles import Reach, Right, Viewer
from gateway.domain.sign_in import REMEMBERED, browser_words
from gateway.flow.account_ports import Account, AccountsStore, AccountsTx, viewer_from
from gateway.flow.session_ports import NewSession, Session, Stage
from gateway.log import event

_log = logging.getLogger("gateway.sign_in")

SECRET_OCTETS = 30
"""240 bits: nothing to be guessed, whatever number of sessions there is."""
HALF_SECONDS = 600.0
"""How long a session waits for its second factor."""
_TOUCH = 60.0
"""Seconds between two notes that a session is used."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where somebody comes from."""

    client: str
    """IP address."""
    agent: str = ""
    """What the browser says of itself."""
    language: str = ""
    """Tag of the language that the page was in."""


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody came in, or half-way in."""

    secret: str
    """For the cookie; the store knows its hash only."""
    stage: Stage
    wanted: str
    """Path to go on to; "" is the first page."""
    account: int
    name: str


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long sessions last, in seconds."""

    idle: float = DAY
    longest: float = 14 * DAY
    proof: float = 600.0
    """How long a proof of who one is counts for what changes how people sign in."""


class Sessions:
    """Begins sessions, knows them again, ends them."""

    def __init__(
        self,
        store: AccountsStore,
        lifetimes: Lifetimes,
        *,
        now: Callable[[], float],
        random_octets: Callable[[int], bytes],
        admins_need_second_factor: bool = False,
    ) -> None:
        self._store = store
        self.lifetimes = lifetimes
        self._now = now
        self._random_octets = random_octets
        self._admins_need = admins_need_second_factor

    def secret(self) -> str:
        """Return a fresh secret for a session's cookie."""
        return token_text(self._random_octets(SECRET_OCTETS))

    # --- who is it ---

    async def viewer(self, secret: str, client: str) -> Viewer | None:
        """Return who it is, or None for a secret that is wrong, old, or was revoked. Raises StoreDown."""
        now = self._now()
        found = await self._store.look(lambda tx: self._find(tx, secret, now))
        if found is None or found[1].stage is not Stage.FULL:
            return None
        account, session = found
        if abs(now - session.used_at) >= _TOUCH or session.client != client:
            await self._store.transact(lambda tx: tx.sessions.touch(session.id, now, client))
        # A proof of the future is none: the clock was put back.
        fresh = 0 <= now - session.proven_at < self.lifetimes.proof
        viewer = replace(viewer_from(account, session.id, session.second_factor), fresh=fresh)
        if not session.looks_as or not _may_look(viewer, session.looks_as):
            return viewer
        return replace(viewer, reach=Reach(addresses=frozenset({session.looks_as})), looks_as=session.looks_as)

    async def half(self, secret: str) -> tuple[Account, Session] | None:
        """Return who is half-way in; None for anybody else."""
        now = self._now()
        found = await self._store.look(lambda tx: self._find(tx, secret, now))
        return None if found is None or found[1].stage is Stage.FULL else found

    def _find(self, tx: AccountsTx, secret: str, now: float) -> tuple[Account, Session] | None:
        session = tx.sessions.find(token_hash(secret))
        if session is None or now >= session.ends_at or now >= session.used_at + self.lifetimes.idle:
            return None
        account = tx.accounts.get(session.account)
        return None if account is None or account.disabled else (account, session)

    # --- beginning ---

    def begin(
        self, tx: AccountsTx, account: Account, secret: str, way: str, wanted: str, arrival: Arrival, proven: bool
    ) -> Entered:
        """Begin a session within a transaction: a whole one, or one that waits for the second factor.

        secret: a fresh one; never one that the browser brought. proven: a second factor was shown already.
        """
        now = self._now()
        stage = Stage.FULL
        if not proven and account.has_second_factor:
            stage = Stage.SECOND
        elif not proven and self._admins_need and account.is_admin:
            stage = Stage.ENROL
        whole = stage is Stage.FULL
        tx.sessions.begin(
            NewSession(
                hash=token_hash(secret),
                account=account.id,
                stage=stage,
                way=way,
                second_factor=proven,
                created_at=now,
                ends_at=now + (self.lifetimes.longest if whole else HALF_SECONDS),
                client=arrival.client,
                browser=str(browser_words(arrival.agent)),
                wanted=wanted,
            )
        )
        if whole:
            tx.accounts.signed_in(account.id, now)
        return Entered(secret, stage, wanted, account.id, account.name)

    def complete(self, tx: AccountsTx, half: Session, secret: str, arrival: Arrival) -> Entered | None:
        """Make a whole session of one that waited, under a new secret; None where it is gone."""
        account = tx.accounts.get(half.account)
        if account is None or not tx.sessions.end(half.account, half.id):
            return None
        return self.begin(tx, account, secret, half.way, half.wanted, arrival, proven=True)

    # --- as somebody else ---

    async def look_as(self, viewer: Viewer, address: str) -> bool:
        """Let an admin see the pages of one of his users, read-only; False beyond his reach."""
        if not _may_look(viewer, address):
            return False
        await self._store.transact(lambda tx: tx.sessions.look_as(viewer.session, address))
        event(_log, "looks-as", account=viewer.name, user=address)
        return True

    async def look_back(self, viewer: Viewer) -> None:
        """Let an admin see his own pages again."""
        await self._store.transact(lambda tx: tx.sessions.look_as(viewer.session, ""))
        event(_log, "looks-back", account=viewer.name, user=viewer.looks_as)

    # --- one's own ---

    async def of(self, viewer: Viewer) -> Sequence[Session]:
        """Return where the viewer is signed in."""
        now = self._now()
        sessions = await self._store.look(lambda tx: tx.sessions.of_account(viewer.account))
        return [one for one in sessions if now < one.ends_at and now < one.used_at + self.lifetimes.idle]

    async def end(self, viewer: Viewer, session_id: int) -> bool:
        """Sign out one browser of the viewer's own; False where it has none such."""
        done = await self._store.transact(lambda tx: tx.sessions.end(viewer.account, session_id))
        if done:
            event(_log, "signed-out", account=viewer.name, sessions=1)
        return done

    async def end_all(self, viewer: Viewer, *, but_this: bool) -> int:
        """Sign out everywhere; return how many sessions ended."""
        spared = viewer.session if but_this else 0
        count = await self._store.transact(lambda tx: tx.sessions.end_all(viewer.account, spared))
        event(_log, "signed-out", account=viewer.name, sessions=count)
        return count

    async def sign_out(self, secret: str) -> None:
        """End the session of this secret, a half one too."""
        hashed = token_hash(secret)

        def work(tx: AccountsTx) -> None:
            session = tx.sessions.find(hashed)
            if session is not None:
                tx.sessions.end(session.account, session.id)

        await self._store.transact(work)

    async def sweep(self) -> int:
        """Drop what is over. Returns how many."""
        now = self._now()
        return await self._store.transact(
            lambda tx: tx.sessions.sweep(now, now - self.lifetimes.idle, now - REMEMBERED)
        )


def _may_look(viewer: Viewer, address: str) -> bool:
    return bool(address) and viewer.may(Right.LOOK_AS_USER) and viewer.reach.covers_recipient(address)
