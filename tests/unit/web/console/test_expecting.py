"""The page of expected mail, with the real service and a real store behind it."""

from __future__ import annotations

import re

import pytest

from challenge_web.console.expecting import ExpectingPages
from gateway.domain.expecting import Window
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.policy import Policy
from gateway.flow.arrangements import Use
from gateway.flow.expecting import Expecting
from gateway.store.store import Store
from tests.unit.web.conftest import MakeClient
from tests.unit.web.console.desk import NOW, Desk, open_desk

PAGE = "/console/expecting"
HOSTILE = "\"'<script>{{7*7}}\u202e"


@pytest.fixture(params=["+"])
async def desk(make_client: MakeClient, store: Store, request: pytest.FixtureRequest) -> Desk:
    return await open_desk(
        make_client,
        store,
        lambda pages, now: [
            ExpectingPages(
                Expecting(store, Policy(), frozenset({"example.org"}), request.param, now=now, random_octets=bytes),
                pages,
                now=now,
            )
        ],
    )


async def windows(desk: Desk, address: str = "joe@example.org") -> list[Window]:
    return list(await desk.store.look(lambda tx: tx.expecting.of_address(address)))


async def start(desk: Desk, who: str = "joe", status: int = 303, /, **fields: str) -> str:
    known = {"kind": "window", "address": "joe@example.org", "minutes": "30", "days": "7", "from": ""}
    return await desk.post(who, PAGE, status, **(known | fields))


async def test_page_of_nothing_says_so_and_offers_both_forms(desk: Desk) -> None:
    page = await desk.get("joe", PAGE)
    assert "Nothing is open" in page
    assert "Open my address" in page
    assert "Make an address to give away" in page


async def test_started_window_is_shown_with_its_time_and_what_came_until_it_is_stopped(desk: Desk) -> None:
    assert (await start(desk)).endswith("console/expecting?said=expecting-started")
    (window,) = await windows(desk)
    assert window.ends_at == NOW + 1800
    mail = Use(window.id, b"k" * 32, NOW, "joe@example.org", HOSTILE, HOSTILE)
    await desk.store.transact(lambda tx: tx.expecting.use(mail))
    page = await desk.get("joe", PAGE + "?said=expecting-started")
    assert "30 minutes left" in page
    assert "1 mail came in" in page
    assert "<script>{{" not in page
    assert "\u202e" not in page
    desk.clock[0] += 60
    assert (await desk.post("joe", f"{PAGE}/{window.id}/stop")).endswith("said=expecting-stopped")
    page = await desk.get("joe", PAGE)
    assert "Was open until" in page
    assert "Stop" not in re.sub("(?s)<h2>Open now.*?<ul", "", page.partition("Open now")[0])
    assert [deed[:2] for deed in desk.journal.deeds] == [
        ("joe@example.org", "expecting"),
        ("joe@example.org", "expecting-stop"),
    ]


async def test_tagged_address_can_be_copied_and_lasts_for_days(desk: Desk) -> None:
    await start(desk, kind="tag", once="1", from_="Shop.example")
    (window,) = await windows(desk)
    assert (window.opens, window.once, window.domain) == ("joe+aaaaaaaa@example.org", True, "shop.example")
    page = await desk.get("joe", PAGE)
    assert f'id="opens-{window.id}">joe+aaaaaaaa@example.org<' in page
    assert re.search(f'type="button" data-copy="opens-{window.id}"[^>]* hidden', page)
    assert "7 days left" in page
    desk.clock[0] += 6 * 86_400 - 60
    assert "24 hours left" in await desk.get("joe", PAGE)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"minutes": "121"}, "15 to 120 minutes"),
        ({"minutes": HOSTILE}, "15 to 120 minutes"),
        ({"kind": "tag", "days": "0"}, "1 to 365 days"),
        ({"from": HOSTILE}, "is not a domain"),
    ],
)
async def test_wrong_wish_is_told_with_what_was_typed(desk: Desk, fields: dict[str, str], says: str) -> None:
    page = await start(desk, "joe", 400, **fields)
    assert says in page
    assert "<script>{{" not in page
    assert await windows(desk) == []


async def test_too_many_windows_are_told(desk: Desk) -> None:
    for _ in range(3):
        await start(desk)
    assert "stop one first" in await start(desk, "joe", 400)


async def test_window_beyond_reach_is_not_there(desk: Desk) -> None:
    await start(desk, "joe", 404, address="kim@example.org")
    await start(desk)
    (window,) = await windows(desk)
    await desk.post("none", f"{PAGE}/{window.id}/stop", 404)
    await desk.post("joe", f"{PAGE}/999/stop", 404)
    assert "joe@example.org" not in await desk.get("none", PAGE)
    assert f"opens-{window.id}" in await desk.get("dora", PAGE)


async def test_who_has_more_addresses_chooses_one_and_an_admin_types_it(desk: Desk) -> None:
    page = await desk.get("two", PAGE)
    assert page.count('<option value="kim@example.org"') == 2
    await start(desk, "two", address="kim@example.org")
    assert len(await windows(desk, "kim@example.org")) == 1
    assert 'name="address" type="text" inputmode="email"' in await desk.get("dora", PAGE)
    await start(desk, "dora", address="anybody@example.org")


async def test_auditor_looks_only(desk: Desk) -> None:
    await start(desk)
    page = await desk.get("audit", PAGE)
    assert "joe@example.org" in page
    assert '<form class="panel' not in page
    await start(desk, "audit", 403)


async def test_policy_that_forbids_it_is_told(desk: Desk) -> None:
    no = Choice("kim@example.org"[3:], PolicySetting.EXPECTING, "no")
    await desk.store.transact(lambda tx: tx.policies.put(no, "root", NOW))
    page = await desk.get("joe", PAGE)
    assert "does not allow this" in page
    assert "Open my address" not in page
    assert "policy for this address forbids" in await start(desk, "joe", 400)
    assert "No address belongs to your account" in await desk.get("none", PAGE)


@pytest.mark.parametrize("desk", [""], indirect=True)
async def test_site_without_sub_addresses_says_so(desk: Desk) -> None:
    assert "knows no addresses with a tag" in await desk.get("joe", PAGE)
    assert "takes no tagged addresses" in await start(desk, "joe", 400, kind="tag")
