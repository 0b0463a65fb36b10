"""The pending page over a real store: what is listed to whom, what the buttons order, and the undo."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import pytest

from challenge_web.console.pending_words import some_files
from gateway.domain.address import Address
from gateway.domain.attachments import MOST_FILES
from gateway.domain.lifecycle import Event, State
from gateway.reading.reader import Reader
from gateway.store.store import Store
from tests.store.letters import DAY, KIM, NOW, message
from tests.unit.web.conftest import MakeClient
from tests.unit.web.console.pending_desk import Desk, open_pending, order_of, subjects


@pytest.fixture
async def desk(make_client: MakeClient, store: Store, reader: Reader) -> Desk:
    return await open_pending(make_client, store, reader)


async def test_list_s_script_may_ask_our_own_pages_and_no_others(desk: Desk) -> None:
    answer = await desk.client.get("/console/pending", cookies={"session": "joe"})
    assert answer.headers["Content-Security-Policy"].endswith("; connect-src 'self'")
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_list_of_nothing_says_so_in_each_lane(desk: Desk) -> None:
    assert "Nothing is waiting" in await desk.get("joe", "")
    assert "Nothing is waiting" in await desk.get("joe", "/machine")
    assert "Nothing found" in await desk.get("joe", "?q=roof")


async def test_list_shows_each_viewer_what_is_in_reach_the_newest_first(desk: Desk) -> None:
    await desk.hold("Roof", at=NOW - DAY)
    await desk.hold("Lamp")
    await desk.hold("Kim's", to=KIM)
    await desk.hold("Elsewhere", to=Address.of("bo@example.net"))
    page = await desk.get("joe", "")
    assert subjects(page) == ["Lamp", "Roof"]
    assert "Today" in page
    assert "Yesterday" in page
    assert "Signed by oak.example" in page
    assert "First mail from this address" in page
    assert re.search(r'<time datetime="[-\dT:]+Z" title="[-\d]+ [\d:]+ UTC">13 days left</time>', page)
    assert subjects(await desk.get("dora", "")) == ["Kim's", "Lamp", "Roof"]
    assert subjects(await desk.get("else", "")) == ["Elsewhere"]
    assert len(subjects(await desk.get("root", ""))) == 4


async def test_list_shows_an_auditor_no_subjects_and_finds_none_by_them(desk: Desk) -> None:
    await desk.hold("Secret plan")
    page = await desk.get("audit", "")
    assert "anna@oak.example" in page
    assert "Secret" not in page
    assert '<button class="button" name="one"' not in page
    assert "Nothing found" in await desk.get("audit", "?q=secret")
    assert "Your role does not show subjects" in await desk.get("audit", "?q=subject:secret")
    found = await desk.get("audit", "?q=anna")
    assert found.count("data-id=") == 1
    assert subjects(found) == []
    # What he cannot do is not offered: a form without a button, a sort by what he does not see.
    assert '<form id="pending"' not in found
    assert "sort=subject" not in found
    assert "subject:" not in page
    assert "sort=subject" in await desk.get("joe", "")


async def test_list_finds_by_beginnings_of_words_in_fields(desk: Desk) -> None:
    await desk.hold("Offer for the roof", "Lamps of the week")
    for box in ("roo", "offer+anna", "subject:roof", "from:oak", "%22the+roof%22", "to:joe+offer"):
        assert "Offer for the roof" in subjects(await desk.get("joe", f"?q={box}")), box
    for box in ("oof", "from:roof", "%22roof+the%22", "to:kim", "state:delivered"):
        assert "Nothing found" in await desk.get("joe", f"?q={box}"), box
    assert "There is no state x" in await desk.get("joe", "?q=state:x")


async def test_list_pages_hold_all_rows_once_in_both_directions(desk: Desk) -> None:
    await desk.hold(*(f"Mail {number:03}" for number in range(120)))
    page, found = await desk.get("joe", "?sort=subject"), []
    assert "Previous page" not in page
    pages = [page]
    while link := re.search(r'href="\.\./(console/pending[^"]*)">Next page', page):
        page = await desk.get("joe", unescape(link.group(1)).removeprefix("console/pending"))
        pages.append(page)
    found = [subject for one in pages for subject in subjects(one)]
    assert found == [f"Mail {number:03}" for number in range(120)]
    for one, told in zip(pages, ("1–50 of 120", "51–100 of 120", "101–120 of 120"), strict=True):
        assert f"{told} mails wait" in one
    link = re.search(r'href="\.\./(console/pending[^"]*)">Previous page', pages[2])
    assert link is not None
    assert subjects(await desk.get("joe", unescape(link.group(1)).removeprefix("console/pending"))) == subjects(
        pages[1]
    )


async def test_action_waits_for_its_undo_and_then_is_carried_out(desk: Desk) -> None:
    roof, lamp = await desk.hold("Roof", "Lamp")
    there = await desk.post("joe", {"one": f"deliver:{roof}", "shown": f"{lamp},{roof}", "back": "size=100"})
    assert there == "../console/pending?size=100"
    page = await desk.get("joe", "")
    assert subjects(page) == ["Lamp"]
    assert "Delivered: 1 mail." in page
    assert "10 s left" in page
    assert await desk.state(roof) is State.PENDING
    await desk.later()
    assert await desk.state(roof) is State.RELEASED
    assert await desk.state(lamp) is State.PENDING
    assert subjects(await desk.get("joe", "?q=state:released")) == ["Roof"]


async def test_undo_brings_rows_back_and_nothing_leaves(desk: Desk) -> None:
    roof, lamp = await desk.hold("Roof", "Lamp")
    await desk.post("joe", {"do": "blacklist", "id": [roof, lamp]})
    page = await desk.get("joe", "")
    assert "Nothing is waiting" in page
    await desk.post("joe", {}, f"/order/{order_of(page)}")
    page = await desk.get("joe", "")
    assert subjects(page) == ["Lamp", "Roof"]
    assert "Undone. 2 mails are back in the list." in page
    await desk.later()
    assert await desk.state(roof) is await desk.state(lamp) is State.PENDING
    assert await desk.store.look(lambda tx: tx.lists.entries(["anna@oak.example"])) == []


async def test_script_is_told_of_an_order_in_the_reader_s_language(desk: Desk) -> None:
    (roof,) = await desk.hold("Roof")
    await desk.post("joe", {"one": f"delete:{roof}"})
    path = f"/console/pending/order/{order_of(await desk.get('joe', ''))}/state"
    answer = await desk.client.get(path, cookies={"session": "joe"}, headers={"Accept-Language": "de"})
    told = await answer.json()
    assert (told["text"], told["button"]) == ("Gelöscht: 1 E-Mail.", "Rückgängig")


async def test_what_waits_for_its_undo_shows_no_progress_in_any_language(desk: Desk) -> None:
    (roof,) = await desk.hold("Roof")
    await desk.post("joe", {"one": f"delete:{roof}"})
    for tag, undo in (("en", "Undo"), ("de", "Rückgängig")):
        answer = await desk.client.get("/console/pending", cookies={"session": "joe"}, headers={"Accept-Language": tag})
        page = await answer.text()
        assert undo in page
        assert "<progress" not in page
        assert "/pending/order/" in page
        assert not re.search(r'<a href="[^"]*/pending/order/', page)


async def test_undo_that_comes_too_late_is_told(desk: Desk) -> None:
    (roof,) = await desk.hold("Roof")
    await desk.post("joe", {"one": f"delete:{roof}"})
    order = order_of(await desk.get("joe", ""))
    await desk.later()
    assert (await desk.post("joe", {}, f"/order/{order}")).endswith("?said=too-late")
    assert await desk.state(roof) is State.DELETED


async def test_foreign_rows_and_orders_are_as_if_they_were_not_there(desk: Desk) -> None:
    (roof,), (foreign,) = await desk.hold("Roof"), await desk.hold("Kim's", to=KIM)
    await desk.post("joe", {"do": "delete", "id": [roof, foreign, 4711]})
    page = await desk.get("joe", "")
    assert "2 could not be had" in page
    order = order_of(page)
    await desk.get("dora", f"/order/{order}", 404)
    await desk.get("root", f"/order/{order}/state", 404)
    await desk.post("root", {}, f"/order/{order}", 404)
    await desk.later()
    assert await desk.state(roof) is State.DELETED
    assert await desk.state(foreign) is State.PENDING


async def test_two_people_ordering_one_row_the_first_wins_and_the_second_is_told(desk: Desk) -> None:
    (roof,) = await desk.hold("Roof")
    await desk.post("joe", {"one": f"deliver:{roof}"})
    await desk.post("dora", {"one": f"delete:{roof}"})
    assert "1 could not be had" in await desk.get("dora", "")
    await desk.later()
    assert await desk.state(roof) is State.RELEASED


async def test_twenty_posts_of_one_form_at_once_make_one_order(desk: Desk) -> None:
    (roof,) = await desk.hold("Roof")
    form = {"one": f"deliver:{roof}", "nonce": "n1"}
    await asyncio.gather(*(desk.post("joe", form) for _ in range(20)))
    await desk.later()
    history = await desk.store.look(
        lambda tx: tx.connection.exec_driver_sql("SELECT event FROM event ORDER BY id").scalars().all()
    )
    assert history == [Event.HOLD.value, Event.DELIVER.value]
    assert (await desk.get("joe", "")).count("data-order=") == 1


async def test_all_that_match_go_by_one_order_beyond_the_page(desk: Desk) -> None:
    await desk.hold(*(f"Roof {number}" for number in range(230)), "Lamp")
    there = await desk.post("joe", {"do": "deliver", "all": "1", "back": "q=roof"})
    order = int(there.partition("?")[0].rpartition("/")[2])
    assert "At work" in await desk.get("joe", f"/order/{order}")
    await desk.later(0)
    assert "230 mails" in await desk.get("joe", f"/order/{order}")
    assert subjects(await desk.get("joe", "")) == ["Lamp"]
    await desk.later()
    assert "Delivered: 230 mails." in await desk.get("joe", f"/order/{order}")
    assert "Nothing found" in await desk.get("joe", "?q=roof")
    assert len(subjects(await desk.get("joe", "?q=roof+state:released&size=200"))) == 200


async def test_all_that_match_does_nothing_where_the_search_was_not_understood(desk: Desk) -> None:
    await desk.hold("Roof")
    await desk.post("joe", {"do": "delete", "all": "1", "back": "q=state:nonsense"})
    await desk.later()
    assert subjects(await desk.get("joe", "")) == ["Roof"]


async def test_order_tells_what_it_could_not_do(desk: Desk) -> None:
    roof, lamp = await desk.hold("Roof", "Lamp")
    await desk.post("joe", {"do": "delete", "id": [roof, lamp]})
    order = order_of(await desk.get("joe", ""))
    held = await desk.store.look(lambda tx: tx.pending.get(roof))
    assert held is not None
    await desk.store.transact(lambda tx: tx.pending.move(held, State.EXPIRED, Event.EXPIRE, "s", NOW, ""))
    await desk.later()
    page = await desk.get("joe", f"/order/{order}")
    assert "1 could not be moved any more" in page
    assert "the message is expired" in page


async def test_after_an_action_the_list_keeps_its_place(desk: Desk) -> None:
    ids = await desk.hold(*(f"Mail {number:03}" for number in range(60)))
    page = await desk.get("joe", "?sort=subject")
    link = re.search(r'href="\.\./console/pending\?([^"]*)">Next page', page)
    assert link is not None
    place = unescape(link.group(1))
    last = ids[50:]
    there = await desk.post("joe", {"one": f"delete:{last[3]}", "back": place, "shown": ",".join(map(str, last))})
    assert there == f"../console/pending?{place}#r{last[4]}"
    await desk.post("joe", {"do": "delete", "id": last, "back": place})
    assert subjects(await desk.get("joe", f"?{place}"))[-1] == "Mail 049"


async def test_row_tells_in_few_words_and_whole_on_hover(desk: Desk) -> None:
    await desk.hold("Roof")
    page = await desk.get("joe", "")
    assert re.search(r'<span title="The sender was not asked[^"]*\.">not asked', page)


def test_count_of_files_beyond_those_that_are_known_is_not_said_to_be_all() -> None:
    names = tuple(f"{number}.pdf" for number in range(MOST_FILES))
    assert some_files(names[:1]) == "0.pdf"
    assert some_files(names[:3]) == "0.pdf +2"
    assert some_files(names) == f"0.pdf +{MOST_FILES - 1} or more"
    assert some_files(()) == ""


async def test_look_alike_source_in_the_machine_lane_is_marked(desk: Desk) -> None:
    await desk.hold("Account", sender="no-reply@xn--80ak6aa92e.example")
    page = unescape(await desk.get("joe", "/machine"))
    assert "look like apple" in page


async def test_machine_lane_groups_by_source_and_accepts_with_one_tap(desk: Desk) -> None:
    await desk.hold("From a person")
    news = message("Week 47").content.replace(b"Subject:", b"List-Id: <news.shop.example>\r\nSubject:", 1)
    await desk.hold("Receipt", sender="no-reply@shop.example")
    page = await desk.get("joe", "/machine")
    assert news
    assert "Accept this source" in page
    assert "Receipt" in page
    assert "From a person" not in page
    assert subjects(await desk.get("joe", "")) == ["From a person"]
    source = re.search(r'name="source" value="([^"]*)"', page)
    assert source is not None
    assert subjects(await desk.get("joe", f"?source={source.group(1)}")) == ["Receipt"]
    assert (await desk.post("joe", {"do": "accept", "source": source.group(1)}, "/machine")).endswith("source-accepted")
    assert "Nothing is waiting" in await desk.get("joe", "/machine")
    assert (await desk.post("joe", {"do": "accept", "source": source.group(1)}, "/machine")).endswith("source-gone")
    assert [detail for *_, detail in desk.journal.deeds] == [f"accept: {source.group(1)}, 2", ""]


async def test_hostile_text_of_a_mail_stays_text(desk: Desk) -> None:
    await desk.hold('"><script>alert(1)</script>\u202egnp.exe', sender="a<b>'\"@oak.example")
    page = await desk.get("joe", "")
    assert "<script>alert" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    "query", ["?after=!!", "?after=W10", "?after=WyJhIiwxXQ", "?before=bnVsbA", "?size=7&sort=x", "?lane=q"]
)
async def test_address_that_makes_no_sense_shows_the_first_page(desk: Desk, query: str) -> None:
    await desk.hold("Roof")
    assert subjects(await desk.get("joe", query)) == ["Roof"]


async def test_nothing_chosen_is_told(desk: Desk) -> None:
    assert (await desk.post("joe", {"do": "delete"})).endswith("said=nothing-chosen")
    await desk.post("joe", {"do": "dance"}, status=400)
    await desk.post("audit", {"do": "delete", "id": "1"}, status=403)
