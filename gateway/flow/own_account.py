"""One's own account: name, time zone and language as one wants them, and the password."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from zoneinfo import available_timezones

from gateway.domain.challenge import token_hash
from gateway.domain.phrase import phrase, phrases
from gateway.domain.roles import Viewer
from gateway.domain.sign_in import TRIES_NEAR
from gateway.flow.account_ports import Account, AccountsStore, AccountsTx
from gateway.flow.account_rights import Wrong
from gateway.flow.new_password import Hashing, check_new_password
from gateway.flow.sessions import Sessions
from gateway.flow.tries import count_try, subject_of
from gateway.log import event

_log = logging.getLogger("gateway.sign_in")

_LONGEST_NAME = 100


class OwnAccount:
    """What everybody who is signed in may change of himself."""

    def __init__(
        self,
        store: AccountsStore,
        sessions: Sessions,
        hashing: Hashing,
        *,
        now: Callable[[], float],
        least_password: int = 12,
    ) -> None:
        """least_password: characters of the shortest one."""
        self._store = store
        self._sessions = sessions
        self._hashing = hashing
        self._now = now
        self.least_password = least_password

    async def own(self, viewer: Viewer) -> Account | None:
        """Return the viewer's account."""
        return await self._store.look(lambda tx: tx.accounts.get(viewer.account))

    async def set_person(self, viewer: Viewer, full_name: str, time_zone: str, language: str) -> None:
        """Save what one chooses for oneself. Raises Wrong."""
        full_name = " ".join(full_name.split())
        if len(full_name) > _LONGEST_NAME or not full_name.isprintable():
            raise Wrong(phrase("A name has at most {most} characters, and no control characters.", most=_LONGEST_NAME))
        if time_zone and time_zone not in available_timezones():
            raise Wrong(phrase("Choose a time zone of the list."))
        if not re.fullmatch(r"(?:[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8})?)?", language):
            raise Wrong(phrase("Choose a language of the list."))
        await self._store.transact(lambda tx: tx.accounts.set_person(viewer.account, full_name, time_zone, language))

    async def set_password(self, viewer: Viewer, old: str, new: str) -> str:
        """Change one's own password, and sign out every other browser; return this session's new secret. Raises Wrong.

        old: the password in use; without meaning where there is none yet.
        """
        account = await self.own(viewer)
        if account is None:
            raise Wrong(phrase("This account is gone."))
        if account.password:
            now = self._now()
            limits = (("password", subject_of(f"#{account.id}"), TRIES_NEAR),)
            wait = await self._store.transact(lambda tx: count_try(tx, limits, now))
            if wait:
                raise Wrong(
                    phrases(
                        max(1, round(wait)),
                        "Too many wrong passwords. Wait {n} second, then try again.",
                        "Too many wrong passwords. Wait {n} seconds, then try again.",
                    )
                )
            if not await self._hashing.matches(account.password, old):
                raise Wrong(phrase("The password in use is another one."))
            await self._store.transact(lambda tx: tx.sessions.forgive(limits[0][0], limits[0][1]))
        check_new_password(
            new, self.least_password, (account.name, account.full_name, *(held.address for held in account.addresses))
        )
        hashed, secret = await self._hashing.make(new), self._sessions.secret()

        def work(tx: AccountsTx) -> None:
            tx.accounts.set_password(account.id, hashed)
            tx.sessions.end_all(account.id, viewer.session)
            tx.sessions.renew(viewer.session, token_hash(secret))

        await self._store.transact(work)
        event(_log, "password-changed", account=account.name, actor=viewer.name)
        return secret
