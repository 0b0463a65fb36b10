"""Whose entries a person sees, and which of them he may change."""

from __future__ import annotations

from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.list_ports import EntryView, Part

_ADMINS = frozenset({Role.DOMAIN_ADMIN, Role.SITE_ADMIN})


def parts_in_reach(reach: Reach) -> list[Part]:
    """Return the entries that are his own to look after."""
    if reach.site:
        return [Part()]
    return [
        *(Part(domain=domain) for domain in sorted(reach.domains)),
        *(
            Part(owner=address)
            for address in sorted(reach.addresses)
            if not reach.covers_domain(address.rpartition("@")[2])
        ),
    ]


def parts_that_act(reach: Reach) -> list[Part]:
    """Return the entries of others that also act on his mail: of his domain, and of the site."""
    if reach.site:
        return []
    domains = {address.rpartition("@")[2] for address in reach.addresses} - reach.domains
    return [*(Part(owner="@" + domain) for domain in sorted(domains)), Part(owner="")]


def acts_on(reach: Reach, scope: str) -> bool:
    """True for an entry of this scope that he may see."""
    if not scope or reach.covers_scope(scope):
        return True
    return scope.startswith("@") and any(address.endswith(scope) for address in reach.addresses)


def may_change(viewer: Viewer, entry: EntryView) -> bool:
    """True where an entry is his to change."""
    return viewer.may(Right.EDIT_LISTS) and viewer.reach.covers_scope(entry.scope)


def may_be_unproven(viewer: Viewer) -> bool:
    """True for who may let a sender in without any proof: a forger gets in too, so a user may not."""
    return viewer.role in _ADMINS
