"""Lists of very many domains: searched, and page by page."""

from __future__ import annotations

import re

import pytest

from challenge_web.console.overview import OverviewPages
from challenge_web.console.texts import TextPages
from gateway.domain.policy import Policy
from gateway.flow.moderate import Moderator
from gateway.flow.overview import Overview
from gateway.flow.overview_ports import HopState
from gateway.flow.text_ports import TextKind
from gateway.flow.texts import TextDesk, TextEditor
from gateway.store.store import Store
from tests.unit.flow.test_overview import Hops
from tests.unit.flow.test_texts import Workshop
from tests.unit.web.conftest import MakeClient
from tests.unit.web.console.desk import Desk, open_desk

NAMES = [f"d{number:03}.example" for number in range(250)]


async def _not_sent(*_: object) -> bool:
    return False


def _ignored() -> None:
    """Nobody works."""


@pytest.fixture
async def desk(make_client: MakeClient, store: Store) -> Desk:
    editor = TextEditor(store, Workshop(), Policy(), domains=NAMES, now=lambda: 0.0)
    hops = Hops(HopState("mail.example:25", (), True))

    def overview(now: float) -> Overview:
        return Overview(store, hops, domains=NAMES, max_per_hour=1, now=lambda: now, wake_challenges=_ignored)

    moderator = Moderator(store, now=lambda: 0.0, wake_deliveries=_ignored)
    return await open_desk(
        make_client,
        store,
        lambda pages, now: [
            OverviewPages(overview(now()), moderator, pages),
            TextPages({TextKind.CHALLENGE: TextDesk(editor, _not_sent, ())}, pages),
        ],
    )


def shown(page: str) -> list[str]:
    """Return the domains that stand in a table."""
    return list(dict.fromkeys(re.findall(r">(d\d+\.example)<", page)))


@pytest.mark.parametrize("path", ["domains", "templates"])
async def test_list_of_many_domains_is_paged_and_searched(desk: Desk, path: str) -> None:
    page, seen = await desk.get("root", f"/console/{path}"), list[str]()
    first, pages = page, 0
    while True:
        seen += shown(page)
        pages += 1
        further = re.search(r'rel="next" href="([^"]+)"', page)
        if further is None:
            break
        page = await desk.get("root", further[1].replace("&amp;", "&"))
    assert (seen, pages) == (NAMES, 3)
    assert "First page" in page
    assert "First page" not in first
    found = await desk.get("root", f"/console/{path}?words=D24")
    assert shown(found) == NAMES[240:]
    assert 'value="D24"' in found
    assert "pager" not in found
    assert "No domain here has this in its name." in await desk.get("root", f"/console/{path}?words=elm")
