"""What a policy takes from users, and from users only."""

from __future__ import annotations

import pytest

from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.user_rights import LimitedSessions

REACH = Reach(addresses=frozenset({"joe@example.org"}))


class Sessions:
    def __init__(self, viewer: Viewer | None) -> None:
        self._viewer = viewer

    async def viewer(self, secret: str, client: str) -> Viewer | None:
        return self._viewer if secret == "right" else None


class Policies:
    async def withheld(self, reach: Reach) -> frozenset[Right]:
        assert reach == REACH
        return frozenset({Right.MODERATE})


@pytest.mark.parametrize("role", Role)
async def test_policy_takes_rights_from_users_only(role: Role) -> None:
    viewer = Viewer(1, "joe", role, REACH, withheld=frozenset({Right.FORWARD}))
    found = await LimitedSessions(Sessions(viewer), Policies()).viewer("right", "192.0.2.1")
    assert found is not None
    taken = {Right.FORWARD, Right.MODERATE} if role is Role.USER else {Right.FORWARD}
    assert found.withheld == taken


async def test_stranger_stays_one() -> None:
    assert await LimitedSessions(Sessions(None), Policies()).viewer("wrong", "192.0.2.1") is None
