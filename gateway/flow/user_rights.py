"""User rights: who is signed in, without the rights that the policy of the user's address takes away."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from gateway.domain.roles import Reach, Right, Role, Viewer


class Sessions(Protocol):
    """Knows who a session's secret belongs to."""

    async def viewer(self, secret: str, client: str) -> Viewer | None:
        """Return who it is, or None. Raises StoreDown."""


class Withholding(Protocol):
    """Knows what a policy takes away."""

    async def withheld(self, reach: Reach) -> frozenset[Right]:
        """Return the rights that a user with these addresses has not. Raises StoreDown."""


class LimitedSessions:
    """Sessions whose users have the rights that admins leave them, at each request anew."""

    def __init__(self, sessions: Sessions, policies: Withholding) -> None:
        self._sessions = sessions
        self._policies = policies

    async def viewer(self, secret: str, client: str) -> Viewer | None:
        """Return who it is, or None. Raises StoreDown."""
        viewer = await self._sessions.viewer(secret, client)
        if viewer is None or viewer.role is not Role.USER:
            return viewer
        return replace(viewer, withheld=viewer.withheld | await self._policies.withheld(viewer.reach))
