"""The demo's accounts: Joe, and an admin who has no password and needs none here."""

from __future__ import annotations

from gateway.domain.roles import Role
from gateway.flow.account_ports import AccountsTx, NewAccount
from gateway.flow.sessions import Arrival
from gateway.flow.sign_in import Identity
from gateway.service import Service

_WAY = "demo"
_JOE = Identity("joe@example.org", ("joe@example.org",), full_name="Joe", second_factor=True)


class Desks:
    """Lets a newcomer sit down."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def enter(self, who: str, client: str, agent: str) -> str:
        """Sign somebody in and return the session's secret. who: "joe" or "admin"."""
        identity = await self._admin() if who == "admin" else _JOE
        entered = await self._service.entrance.sign_in.admit(identity, _WAY, "", Arrival(client, agent))
        if entered is None:
            raise RuntimeError(f"the demo's account of {who} was taken away")
        return entered.secret

    async def _admin(self) -> Identity:
        now = self._service.clock.now()

        def work(tx: AccountsTx) -> int:
            known = tx.accounts.by_name("admin")
            return known.id if known else tx.accounts.add(NewAccount("admin", Role.SITE_ADMIN, _WAY, now))

        return Identity("admin", account=await self._service.store.transact(work), second_factor=True)
