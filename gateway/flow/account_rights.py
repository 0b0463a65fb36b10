"""Which accounts somebody may see and change, and what keeps a site from losing its last admin."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.phrase import phrase
from gateway.domain.roles import Right, Viewer
from gateway.flow.account_ports import Account, AccountsTx


class Wrong(Exception):
    """What was asked cannot be done; the phrase it is raised with says why, and what to do instead."""


def covers(viewer: Viewer, account: Account) -> bool:
    """True where an account is within reach: for a domain admin, users all of whose addresses are in his domains."""
    if viewer.reach.site:
        return True
    inside = [viewer.reach.covers_domain(held.address.rpartition("@")[2]) for held in account.addresses]
    return bool(inside) and all(inside) and not account.is_admin


def within(tx: AccountsTx, viewer: Viewer, account_id: int) -> Account | None:
    """Return an account that the viewer may see; None for any other."""
    account = tx.accounts.get(account_id) if viewer.may(Right.SEE_ACCOUNTS) else None
    return account if account is not None and covers(viewer, account) else None


def editable(tx: AccountsTx, viewer: Viewer, account_id: int) -> Account | None:
    """Return an account that the viewer may change; None for any other."""
    return within(tx, viewer, account_id) if viewer.may(Right.EDIT_ACCOUNTS) else None


def may_edit(viewer: Viewer, account: Account, addresses: Sequence[str]) -> None:
    """Refuse an account that would be beyond who makes it. Raises Wrong."""
    if not viewer.may(Right.EDIT_ACCOUNTS):
        raise Wrong(phrase("you may not change accounts"))
    if viewer.reach.site:
        return
    if account.is_admin:
        raise Wrong(phrase("only a site admin makes admins and auditors"))
    keys = [*addresses, *(held.address for held in account.addresses)]
    if not keys or not all(viewer.reach.covers_domain(key.rpartition("@")[2]) for key in keys):
        raise Wrong(phrase("an account needs an address, and all of them in your domains"))


def keep_one_admin(tx: AccountsTx, account: Account, *, stays: bool) -> None:
    """Refuse to lose the last site admin. Raises Wrong."""
    if not stays and not account.disabled and [admin.id for admin in tx.accounts.site_admins()] == [account.id]:
        raise Wrong(phrase("{name} is the last site admin; make another one first", name=account.name))
