"""The history page: its words, and the days that are looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from challenge_web.console.history import TEACHINGS
from gateway.domain.outgoing import TAUGHT, Untaught
from gateway.domain.roles import Role
from tests.store.letters import NOW
from tests.unit.web.console.house import House
from tests.unit.web.console.markup import faults


def test_every_reason_why_a_mail_to_the_outside_lets_in_nobody_has_words() -> None:
    assert set(TEACHINGS) == {TAUGHT, *(why.value for why in Untaught)}


async def _page(house: House, query: str) -> str:
    answer = await house.client.get(
        f"/console/history?{query}", headers={"Cookie": f"session={house.secrets[Role.SITE_ADMIN]}"}
    )
    assert answer.status == 200
    return await answer.text()


async def test_history_is_searched_by_days(house: House) -> None:
    day = datetime.fromtimestamp(NOW, UTC).date()
    before, behind = day - timedelta(days=1), day + timedelta(days=1)
    for query in (f"first={day}&last={day}", f"first={before}", f"last={behind}"):
        page = await _page(house, query)
        assert "joe@example.org" in page, query
        assert not faults(page)
    for query in (f"first={behind}", f"last={before}", f"first={behind}&last={before}"):
        assert "No mail fits what you look for." in await _page(house, query), query
    page = await _page(house, f"first={before}&last={behind}")
    assert f'value="{before}"' in page
    assert f'value="{behind}"' in page


async def test_history_by_a_day_that_is_none_or_far_off_is_a_page(house: House, subtests: pytest.Subtests) -> None:
    for day in ("2026-13-01", "x", "9999-12-31", "0001-01-01", "\0"):
        with subtests.test(day=day):
            await _page(house, urlencode({"first": day}))
            await _page(house, urlencode({"last": day}))
