"""Second factor: codes of an app, passkeys, and recovery codes for the day when both are lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.domain.challenge import token_hash, token_text
from gateway.domain.roles import Viewer
from gateway.domain.sign_in import TRIES_OF_CODE
from gateway.flow.account_ports import Account, AccountsStore, AccountsTx, Passkey, Taken
from gateway.flow.codes import Codes, recovery_hash, shown_code
from gateway.flow.passkey_ports import QUESTION_OCTETS, Keys, put_question, question_in
from gateway.flow.session_ports import Session, Stage
from gateway.flow.sessions import Arrival, Entered, Sessions
from gateway.flow.sign_in import Refused
from gateway.flow.tries import count_try, subject_of
from gateway.log import event, warning

_log = logging.getLogger("gateway.sign_in")

RECOVERY_CODES = 10
_RECOVERY_OCTETS = 10
"""80 bits: not to be guessed even by who has read the hashes."""
MOST_PASSKEYS = 20
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Half:
    """Somebody who is half-way in."""

    account: Account
    stage: Stage
    question: str = ""
    """For his passkeys, as JSON; "" where he has none."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret that an app has to learn, before its first code was seen."""

    secret: str
    picture: str
    """Its QR code as SVG."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A second factor was set up."""

    codes: tuple[str, ...] = ()
    """New recovery codes, to be shown once; () where there were some."""
    entered: Entered | None = None
    """The whole session, where it was asked for at sign-in."""


class SecondFactor:
    """Shows, asks for and sets up second factors."""

    def __init__(
        self,
        store: AccountsStore,
        sessions: Sessions,
        codes: Codes,
        keys: Keys,
        *,
        now: Callable[[], float],
        random_octets: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._codes = codes
        self._keys = keys
        self._now = now
        self._random_octets = random_octets

    # --- at sign-in ---

    async def half(self, secret: str, host: str) -> Half | None:
        """Return who is half-way in, with a fresh question for his passkeys; None for anybody else."""
        found = await self._sessions.half(secret)
        if found is None:
            return None
        account, session = found
        if session.stage is not Stage.SECOND or not account.passkeys:
            return Half(account, session.stage)
        return Half(account, session.stage, await self._asked(account, session, host))

    async def _asked(self, account: Account, session: Session, host: str) -> str:
        question = self._random_octets(QUESTION_OCTETS)
        known = await self._store.transact(lambda tx: put_question(tx, account.id, session.id, question))
        return await self._keys.ask(host, question, known)

    async def enter_by_code(self, secret: str, code: str, arrival: Arrival) -> Entered | Refused | None:
        """Show a code of the app, or a recovery code. None: nobody is half-way in with this secret."""
        found = await self._sessions.half(secret)
        if found is None or found[1].stage is not Stage.SECOND:
            return None
        account, session = found
        now, fresh = self._now(), self._sessions.secret()
        shown = shown_code(self._codes, account, code, now)
        limits = (("code", subject_of(f"#{account.id}"), TRIES_OF_CODE),)

        def work(tx: AccountsTx) -> Entered | Refused:
            wait = count_try(tx, limits, now)
            if wait:
                return Refused(wait)
            entered = self._sessions.complete(tx, session, fresh, arrival) if shown.use(tx) else None
            if entered is None:
                return Refused()
            tx.sessions.forgive(limits[0][0], limits[0][1])
            return entered

        return self._told(await self._store.transact(work), account, shown.factor, arrival)

    async def enter_by_passkey(self, secret: str, host: str, answer: str, arrival: Arrival) -> Entered | Refused | None:
        """Show a passkey's answer. None: nobody is half-way in with this secret."""
        found = await self._sessions.half(secret)
        if found is None or found[1].stage is not Stage.SECOND:
            return None
        account, session = found
        question, fresh, now = question_in(session), self._sessions.secret(), self._now()
        known = await self._store.look(lambda tx: tx.accounts.passkeys(account.id))
        right = await self._keys.answered(host, question, answer, known) if question else None

        def work(tx: AccountsTx) -> Entered | Refused:
            if right is None:
                return Refused()
            tx.accounts.use_passkey(right[0].id, right[1], now)
            return self._sessions.complete(tx, session, fresh, arrival) or Refused()

        return self._told(await self._store.transact(work), account, "passkey", arrival)

    def _told(self, outcome: Entered | Refused, account: Account, factor: str, arrival: Arrival) -> Entered | Refused:
        if isinstance(outcome, Entered):
            event(_log, "second-factor", account=account.name, factor=factor, client=arrival.client)
        else:
            warning(_log, "second-factor-refused", account=account.name, factor=factor, client=arrival.client,
                    wait=round(outcome.wait))  # fmt: skip
        return outcome

    # --- setting up ---

    async def begin_codes(self, session: int, account: Account) -> Enrolment:
        """Return a secret for an app. It is in use once a code of it was seen."""
        secret = self._codes.fresh()
        await self._store.transact(lambda tx: tx.sessions.remember(session, f"totp:{secret}"))
        return Enrolment(secret, self._codes.picture(secret, account.name))

    async def enrolling(self, cookie_secret: str) -> tuple[Account, Enrolment] | None:
        """Return what somebody sees who must set up a second factor before he is in; None for anybody else."""
        found = await self._sessions.half(cookie_secret)
        if found is None or found[1].stage is not Stage.ENROL:
            return None
        account, session = found
        return account, await self._again_or_begin(account, session)

    async def own_codes(self, viewer: Viewer, cookie_secret: str) -> Enrolment | None:
        """Return a secret for an app of the viewer's; the same one until it is confirmed."""

        def work(tx: AccountsTx) -> tuple[Account | None, Session | None]:
            return tx.accounts.get(viewer.account), tx.sessions.find(token_hash(cookie_secret))

        account, session = await self._store.look(work)
        if account is None or session is None or session.account != account.id:
            return None
        return await self._again_or_begin(account, session)

    async def _again_or_begin(self, account: Account, session: Session) -> Enrolment:
        secret = session.scratch.removeprefix("totp:") if session.scratch.startswith("totp:") else ""
        if secret:
            return Enrolment(secret, self._codes.picture(secret, account.name))
        return await self.begin_codes(session.id, account)

    async def confirm_codes(self, cookie_secret: str, code: str, arrival: Arrival) -> Enrolled | Refused | None:
        """Take the app's secret into use, now that it shows right codes. None: there is no session."""
        now, fresh, recovery = self._now(), self._sessions.secret(), self._fresh_recovery()
        hashed = token_hash(cookie_secret)
        session = await self._store.look(lambda tx: tx.sessions.find(hashed))
        if session is None or not session.scratch.startswith("totp:"):
            return None
        if await self._sessions.half(cookie_secret) is None and await self._sessions.viewer(cookie_secret, arrival.client) is None:  # fmt: skip
            return None
        secret = session.scratch.removeprefix("totp:")
        step = self._codes.step_of(secret, code, now)
        limits = (("code", subject_of(f"#{session.account}"), TRIES_OF_CODE),)

        def work(tx: AccountsTx) -> Enrolled | Refused | None:
            wait = count_try(tx, limits, now)
            if wait or step is None:
                return Refused(wait)
            account = tx.accounts.get(session.account)
            if account is None or session.stage is Stage.SECOND:
                return None
            tx.sessions.forgive(limits[0][0], limits[0][1])
            tx.accounts.set_totp(account.id, secret, step)
            tx.sessions.remember(session.id, "")
            codes = self._recovery_where_none(tx, account, recovery)
            if session.stage is Stage.ENROL:
                return Enrolled(codes, self._sessions.complete(tx, session, fresh, arrival))
            return Enrolled(codes)

        done = await self._store.transact(work)
        if isinstance(done, Enrolled):
            event(_log, "second-factor-added", account=str(session.account), factor="code")
        return done

    async def remove_codes(self, viewer: Viewer) -> None:
        """Forget the app's secret."""

        def work(tx: AccountsTx) -> None:
            tx.accounts.set_totp(viewer.account, "", 0)
            self._tidy(tx, viewer.account)

        await self._store.transact(work)
        event(_log, "second-factor-removed", account=viewer.name, factor="code")

    async def fresh_recovery(self, viewer: Viewer) -> tuple[str, ...]:
        """Return new recovery codes; those from before no longer count. () where there is no second factor."""
        codes = self._fresh_recovery()

        def work(tx: AccountsTx) -> bool:
            account = tx.accounts.get(viewer.account)
            if account is None or not account.has_second_factor:
                return False
            tx.accounts.set_recovery(viewer.account, [recovery_hash(code) for code in codes])
            return True

        return codes if await self._store.transact(work) else ()

    # --- passkeys of one's own ---

    async def passkeys(self, viewer: Viewer) -> Sequence[Passkey]:
        """Return the viewer's passkeys."""
        return await self._store.look(lambda tx: tx.accounts.passkeys(viewer.account))

    async def ask_for_passkey(self, viewer: Viewer, host: str) -> str:
        """Return what the browser is told to make one, as JSON."""
        question = self._random_octets(QUESTION_OCTETS)
        known = await self._store.transact(lambda tx: put_question(tx, viewer.account, viewer.session, question))
        return await self._keys.ask_to_make(host, viewer.account, viewer.name, question, known)

    async def add_passkey(
        self, viewer: Viewer, cookie_secret: str, host: str, answer: str, name: str
    ) -> Enrolled | None:
        """Keep a key that the browser just made; None where its answer does not fit."""
        session = await self._store.look(lambda tx: tx.sessions.find(token_hash(cookie_secret)))
        question = question_in(session) if session is not None else b""
        made = await self._keys.made(host, question, answer) if question else None
        if made is None:
            return None
        name = " ".join(name.split())[:_LONGEST_NAME] or "Passkey"
        now, recovery = self._now(), self._fresh_recovery()

        def work(tx: AccountsTx) -> Enrolled | None:
            account = tx.accounts.get(viewer.account)
            if account is None or account.passkeys >= MOST_PASSKEYS:
                return None
            tx.sessions.remember(viewer.session, "")
            tx.accounts.add_passkey(account.id, made.credential, made.public_key, made.counter, name, now)
            return Enrolled(self._recovery_where_none(tx, account, recovery))

        try:
            done = await self._store.transact(work)
        except Taken:
            return None
        if done is not None:
            event(_log, "second-factor-added", account=viewer.name, factor="passkey")
        return done

    async def remove_passkey(self, viewer: Viewer, passkey_id: int) -> bool:
        """Forget one; False where the viewer has none such."""

        def work(tx: AccountsTx) -> bool:
            done = tx.accounts.remove_passkey(viewer.account, passkey_id)
            self._tidy(tx, viewer.account)
            return done

        done = await self._store.transact(work)
        if done:
            event(_log, "second-factor-removed", account=viewer.name, factor="passkey")
        return done

    def _fresh_recovery(self) -> tuple[str, ...]:
        texts = (token_text(self._random_octets(_RECOVERY_OCTETS)) for _ in range(RECOVERY_CODES))
        return tuple("-".join(text[at : at + 4] for at in range(0, len(text), 4)) for text in texts)

    @staticmethod
    def _recovery_where_none(tx: AccountsTx, account: Account, codes: tuple[str, ...]) -> tuple[str, ...]:
        if account.recovery_codes:
            return ()
        tx.accounts.set_recovery(account.id, [recovery_hash(code) for code in codes])
        return codes

    @staticmethod
    def _tidy(tx: AccountsTx, account_id: int) -> None:
        """Recovery codes without anything to recover would be a key under the mat."""
        account = tx.accounts.get(account_id)
        if account is not None and not account.has_second_factor:
            tx.accounts.set_recovery(account_id, ())
