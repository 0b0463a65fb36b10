"""Fresh proof: whoever changes how people sign in shows once more that it is he.

A session's secret may have been stolen; what its owner knows, holds or reads was not stolen with it. So an account with
a second factor is asked for that, any other for what it signs in with. The session gets another secret with each proof:
a thief's copy is not proven along, but worth nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.challenge import token_hash
from gateway.domain.roles import Viewer
from gateway.domain.sign_in import TRIES_NEAR, TRIES_OF_CODE
from gateway.flow.account_ports import Account, AccountsStore, AccountsTx, Kind
from gateway.flow.codes import Codes, shown_code
from gateway.flow.passkey_ports import QUESTION_OCTETS, Keys, put_question, question_in
from gateway.flow.sessions import Arrival, Sessions
from gateway.flow.sign_in import Asked, Refused
from gateway.flow.tries import count_try, subject_of
from gateway.log import event, warning

_log = logging.getLogger("gateway.sign_in")


class SignIn(Protocol):
    """The ways to sign in; `gateway.flow.sign_in.SignIn`."""

    @property
    def sends_links(self) -> bool:
        """True where links are sent by mail."""

    def takes_password_of(self, account: Account) -> bool:
        """True where this account may have a password that can be checked."""

    async def is_password_of(self, account: Account, password: str) -> bool:
        """Say whether it is. Raises CheckDown."""

    async def ask_link(self, text: str, wanted: str, arrival: Arrival) -> Asked:
        """Let a link be sent to an address."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How somebody can show that it is he."""

    name: str
    codes: bool = False
    """By a code of an app."""
    recovery: int = 0
    """Recovery codes that are left."""
    question: str = ""
    """For his passkeys, as JSON; "" where he has none."""
    password: bool = False
    address: str = ""
    """To which a link can be sent; "" is none."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Who is signed in has shown that it is he."""

    secret: str
    """The session's new one, for the cookie."""


class FreshProof:
    """Asks for a proof, and judges it."""

    def __init__(
        self,
        store: AccountsStore,
        sessions: Sessions,
        sign_in: SignIn,
        codes: Codes,
        keys: Keys,
        *,
        now: Callable[[], float],
        random_octets: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._sign_in = sign_in
        self._codes = codes
        self._keys = keys
        self._now = now
        self._random_octets = random_octets

    async def ways(self, viewer: Viewer, host: str) -> Ways | None:
        """Return how the viewer can show who he is, with a fresh question for his passkeys; None: the account is gone."""
        account = await self._account(viewer)
        if account is None:
            return None
        if account.has_second_factor:
            question = await self._asked(account, viewer, host) if account.passkeys else ""
            return Ways(account.name, bool(account.totp_secret), account.recovery_codes, question)
        address = _mailbox(account) if self._sign_in.sends_links else ""
        return Ways(account.name, password=self._sign_in.takes_password_of(account), address=address)

    async def _account(self, viewer: Viewer) -> Account | None:
        return await self._store.look(lambda tx: tx.accounts.get(viewer.account))

    async def _asked(self, account: Account, viewer: Viewer, host: str) -> str:
        question = self._random_octets(QUESTION_OCTETS)
        known = await self._store.transact(lambda tx: put_question(tx, account.id, viewer.session, question))
        return await self._keys.ask(host, question, known)

    async def by_code(self, viewer: Viewer, code: str, arrival: Arrival) -> Proven | Refused:
        """Show a code of the app, or a recovery code."""
        account = await self._account(viewer)
        if account is None or not account.has_second_factor:
            return Refused()
        shown = shown_code(self._codes, account, code, self._now())
        return await self._counted(viewer, shown.use, shown.factor, arrival)

    async def by_passkey(
        self, viewer: Viewer, cookie_secret: str, host: str, answer: str, arrival: Arrival
    ) -> Proven | Refused:
        """Show a passkey's answer."""
        session = await self._store.look(lambda tx: tx.sessions.find(token_hash(cookie_secret)))
        question = question_in(session) if session is not None else b""
        known = await self._store.look(lambda tx: tx.accounts.passkeys(viewer.account))
        right = await self._keys.answered(host, question, answer, known) if question else None
        now = self._now()

        def used(tx: AccountsTx) -> bool:
            if right is not None:
                tx.accounts.use_passkey(right[0].id, right[1], now)
            return right is not None

        return await self._counted(viewer, used, "passkey", arrival)

    async def by_password(self, viewer: Viewer, password: str, arrival: Arrival) -> Proven | Refused:
        """Show the password; never enough for an account with a second factor. Raises CheckDown."""
        account, now = await self._account(viewer), self._now()
        if account is None or account.has_second_factor or not self._sign_in.takes_password_of(account):
            return Refused()
        limits = (("password", subject_of(f"#{account.id}"), TRIES_NEAR),)
        # Counted before it is looked at: of many tries at once, none slips through.
        wait = await self._store.transact(lambda tx: count_try(tx, limits, now))
        if wait:
            return self._told(Refused(wait), viewer, "password", arrival)
        right = await self._sign_in.is_password_of(account, password)
        secret = self._sessions.secret()

        def work(tx: AccountsTx) -> Proven | Refused:
            # A second factor that was set up meanwhile counts.
            there = tx.accounts.get(account.id)
            if not right or there is None or there.has_second_factor:
                return Refused()
            tx.sessions.forgive(limits[0][0], limits[0][1])
            tx.sessions.proven(viewer.session, token_hash(secret), now)
            return Proven(secret)

        return self._told(await self._store.transact(work), viewer, "password", arrival)

    async def by_link(self, viewer: Viewer, wanted: str, arrival: Arrival) -> Asked | None:
        """Let a link be sent that signs the viewer in anew; None where he has no address for it.

        wanted: where it leads.
        """
        account = await self._account(viewer)
        address = _mailbox(account) if account is not None and self._sign_in.sends_links else ""
        return await self._sign_in.ask_link(address, wanted, arrival) if address else None

    async def _counted(
        self, viewer: Viewer, used: Callable[[AccountsTx], bool], factor: str, arrival: Arrival
    ) -> Proven | Refused:
        limits = (("code", subject_of(f"#{viewer.account}"), TRIES_OF_CODE),)
        now, secret = self._now(), self._sessions.secret()

        def work(tx: AccountsTx) -> Proven | Refused:
            wait = count_try(tx, limits, now)
            if wait or not used(tx):
                return Refused(wait)
            tx.sessions.forgive(limits[0][0], limits[0][1])
            tx.sessions.proven(viewer.session, token_hash(secret), now)
            return Proven(secret)

        return self._told(await self._store.transact(work), viewer, factor, arrival)

    def _told(self, outcome: Proven | Refused, viewer: Viewer, factor: str, arrival: Arrival) -> Proven | Refused:
        if isinstance(outcome, Proven):
            event(_log, "proof-shown", account=viewer.name, factor=factor, client=arrival.client)
        else:
            warning(_log, "proof-refused", account=viewer.name, factor=factor, client=arrival.client,
                    wait=round(outcome.wait))  # fmt: skip
        return outcome


def _mailbox(account: Account) -> str:
    """Return where a link for an account goes: its own mailbox, an alias else; "" where it has neither."""
    theirs = [held for held in account.addresses if held.kind is not Kind.DELEGATED]
    return next((held.address for held in theirs if held.kind is Kind.OWN), theirs[0].address if theirs else "")
