"""The demo's accounts: Joe, and three for each kind of admin, who have no password and need none here."""

from __future__ import annotations

from gateway.demo.world import DOMAIN
from gateway.domain.roles import Role
from gateway.flow.account_ports import AccountsTx, Kind, NewAccount
from gateway.flow.sessions import Arrival
from gateway.flow.sign_in_ports import Identity
from gateway.service import Service

_WAY = "demo"
_JOE = Identity("joe@example.org", ("joe@example.org",), full_name="Joe", second_factor=True)
_OTHERS: dict[str, tuple[Role, tuple[str, ...], tuple[tuple[str, Kind], ...]]] = {
    "domain-admin": (Role.DOMAIN_ADMIN, (DOMAIN,), ((f"postmaster@{DOMAIN}", Kind.OWN),)),
    "auditor": (Role.AUDITOR, (), ()),
    "admin": (Role.SITE_ADMIN, (), ()),
}
"""Name of the account → what it is, the domains it is for, and its mailbox, to which requests of release go."""


class DemoAccounts:
    """Signs a newcomer in."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def enter(self, who: str, client: str, agent: str) -> str:
        """Sign somebody in and return the session's secret. who: "joe", or a key of `_OTHERS`."""
        identity = await self._account(who) if who in _OTHERS else _JOE
        entered = await self._service.entrance.sign_in.admit(identity, _WAY, "", Arrival(client, agent))
        if entered is None:
            raise RuntimeError(f"the demo's account of {who} was taken away")
        return entered.secret

    async def _account(self, who: str) -> Identity:
        role, domains, addresses = _OTHERS[who]
        now = self._service.clock.now()

        def work(tx: AccountsTx) -> int:
            known = tx.accounts.by_name(who)
            new = NewAccount(who, role, _WAY, now, domains=domains, addresses=addresses)
            return known.id if known else tx.accounts.add(new)

        return Identity(who, account=await self._service.store.transact(work), second_factor=True)
