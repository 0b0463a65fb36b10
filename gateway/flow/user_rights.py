"""User rights: who is signed in, without the rights that the policy of the user's address takes away."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.tokens import Token


class Sessions(Protocol):
    """Knows who a session's secret belongs to."""

    async def viewer(self, secret: str, client: str) -> Viewer | None:
        """Return who it is, or None. Raises StoreDown."""


class Withholding(Protocol):
    """Knows what a policy takes away."""

    async def withheld(self, reach: Reach) -> frozenset[Right]:
        """Return the rights that a user with these addresses has not. Raises StoreDown."""


class TokenHolders(Protocol):
    """Knows who a program's token speaks for."""

    async def viewer(self, secret: str, client: str) -> tuple[Viewer, Token] | None:
        """Return who it is, and the token; or None. Raises StoreDown."""


class LimitedSessions:
    """Sessions whose users have the rights that admins leave them, at each request anew."""

    def __init__(self, sessions: Sessions, policies: Withholding) -> None:
        self._sessions = sessions
        self._policies = policies

    async def viewer(self, secret: str, client: str) -> Viewer | None:
        """Return who it is, or None. Raises StoreDown."""
        viewer = await self._sessions.viewer(secret, client)
        return None if viewer is None else await _limited(viewer, self._policies)


class LimitedTokens:
    """The same for programs."""

    def __init__(self, tokens: TokenHolders, policies: Withholding) -> None:
        self._tokens = tokens
        self._policies = policies

    async def viewer(self, secret: str, client: str) -> tuple[Viewer, Token] | None:
        """Return who a token speaks for, or None. Raises StoreDown."""
        found = await self._tokens.viewer(secret, client)
        return None if found is None else (await _limited(found[0], self._policies), found[1])


async def _limited(viewer: Viewer, policies: Withholding) -> Viewer:
    if viewer.role is not Role.USER:
        return viewer
    return replace(viewer, withheld=viewer.withheld | await policies.withheld(viewer.reach))
