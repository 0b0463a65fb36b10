"""Lists from files and into them."""

from __future__ import annotations

import asyncio
import csv
import io
import re

import pytest
from aiohttp import FormData

from challenge_web.console.gate import CSRF_FIELD, csrf_token
from gateway.domain.lists import Verdict
from gateway.flow.list_import import PIECE, Saved
from gateway.flow.list_preview import SHOWN
from gateway.flow.list_work import Bringer
from tests.unit.web.console.lists_desk import ListsDesk
from tests.unit.web.console.markup import faults


async def brought(desk: ListsDesk, who: str, text: str, form: str = "csv", whose: str = "") -> str:
    to = await desk.post(who, "/console/lists/import", form=form, text=text, for_=whose)
    return "/" + to.lstrip("./")


async def test_import_shows_what_would_change_and_saves_it_all(desk: ListsDesk) -> None:
    await desk.put("old@oak.example", "joe@example.org")
    await desk.put("same@oak.example", "joe@example.org")
    text = (
        "verdict,pattern,for,proof,note,expires\n"
        "allow,new@oak.example,,,hello,2027-06-01\n"
        "allow,old@oak.example,,,now with a note,\n"
        "allow,same@oak.example,,,,\n"
        "allow,kim@oak.example,kim@example.org,,,\n"
        "allow,free@oak.example,,none,,\n"
        "nonsense,x@oak.example,,,,\n"
        "deny,new@oak.example,,,,\n"
        "deny,new@oak.example,,,,\n"
    )
    path = await brought(desk, "joe", text, whose="joe@example.org")
    page = await desk.get("joe", path)
    assert re.findall(r"<b>(\d+)</b>", page) == ["2", "1", "2", "3"]
    assert "2 Jun 2027" in page
    for words in ("Line 5: kim@example.org is not yours", "Line 6: only an admin", "Line 7: &#39;nonsense&#39;"):
        assert words in page
    assert len(await desk.patterns()) == 2
    await desk.get("kim", path, 404)
    await desk.post("kim", path, 404)
    assert "list-imported" in await desk.post("joe", path)
    assert sorted(await desk.patterns()) == sorted(
        ["old@oak.example", "same@oak.example", "new@oak.example", "new@oak.example"]
    )
    assert "now with a note" in await desk.get("joe", "/console/lists")
    await desk.post("joe", path, 404)  # A second click.
    assert desk.journal.deeds[-1][3] == "2 new, 1 changed, 2 known, 3 left out"


async def test_import_looks_again_when_it_saves(desk: ListsDesk) -> None:
    path = await brought(desk, "joe", "verdict,pattern\ndeny,oak.example\n", whose="joe@example.org")
    await desk.put("@oak.example", "joe@example.org", Verdict.DENY)
    assert "list-imported" in await desk.post("joe", path)
    assert await desk.patterns() == ["@oak.example"]


async def test_import_of_plain_lines_takes_notes_and_an_uploaded_file(desk: ListsDesk) -> None:
    form = FormData({CSRF_FIELD: csrf_token("joe"), "form": "deny", "for": "joe@example.org", "text": ""})
    octets = "# my list\r\n\r\nElm.example  # sells watches\r\na#b@oak.example\r\nno pattern\r\n".encode("utf-8-sig")
    form.add_field("file", octets, filename="list.txt", content_type="text/plain")
    answer = await desk.client.post(
        "/console/lists/import", data=form, cookies={"session": "joe"}, allow_redirects=False
    )
    assert answer.status == 303
    path = "/" + answer.headers["Location"].lstrip("./")
    page = await desk.get("joe", path)
    assert "Line 5: a pattern is an address or a domain" in page
    await desk.post("joe", path)
    assert await desk.patterns() == ["@elm.example", "a#b@oak.example"]
    assert "sells watches" in await desk.get("joe", "/console/lists")


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "There is nothing in it"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a\0b", "not a text file"),
        (b"a" * 8_000_001, "8 MB"),
    ],
    ids=["empty", "not-utf-8", "binary", "large"],
)
async def test_import_of_what_is_no_list_says_why(desk: ListsDesk, octets: bytes, words: str) -> None:
    form = FormData({CSRF_FIELD: csrf_token("joe"), "form": "csv", "for": "joe@example.org"})
    form.add_field("file", io.BytesIO(octets), filename="list.csv", content_type="text/csv")
    answer = await desk.client.post("/console/lists/import", data=form, cookies={"session": "joe"})
    assert answer.status == 422
    page = await answer.text()
    assert words in page
    assert faults(page) == []


async def test_import_for_another_or_by_an_auditor_is_refused(desk: ListsDesk) -> None:
    assert "not yours" in await desk.post("joe", "/console/lists/import", 422, form="deny", text="a@b.example", for_="")
    await desk.post("audit", "/console/lists/import", 403, form="deny", text="a@b.example")


async def test_export_holds_what_is_his_and_no_formula(desk: ListsDesk) -> None:
    await desk.put("=cmd@oak.example", "joe@example.org", note="=1+1")
    await desk.put("@oak.example", "joe@example.org", note="@x")
    await desk.put("x@oak.example", "kim@example.org")
    await desk.put("y@oak.example", "")
    text = await (await desk.client.get("/console/lists/export.csv", cookies={"session": "joe"})).text()
    rows = list(csv.reader(io.StringIO(text)))
    assert [row[1] for row in rows] == ["pattern", "'=cmd@oak.example", "oak.example"]
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t") for row in rows for cell in row)
    path = await brought(desk, "joe", text, whose="joe@example.org")
    assert re.findall(r"<b>(\d+)</b>", await desk.get("joe", path)) == ["0", "0", "2", "0"]


LONG = 2 * PIECE + 5
"""Lines of three pieces."""


async def brought_long(desk: ListsDesk, who: str = "joe") -> str:
    text = "".join(f"u{number}@oak.example\n" for number in range(LONG)) + "u1@oak.example\nno pattern\n"
    return await brought(desk, who, text, "deny", f"{who}@example.org")


async def test_preview_of_a_long_file_comes_when_it_is_read_and_a_page_tells_so_before(desk: ListsDesk) -> None:
    path = await brought_long(desk)
    desk.hold_up()
    page = await desk.get("joe", path)
    assert "The file is being read." in page
    assert "<progress" in page
    assert re.search(r"static/reading\.\w+\.js", page)
    watched = await desk.client.get(f"{path}?watch=1", cookies={"session": "joe"})
    assert watched.headers["Refresh"] == "3"
    desk.let_go()
    await desk.get("kim", path, 404)
    ready = await desk.client.get(f"{path}?watch=1", cookies={"session": "joe"})
    assert "Refresh" not in ready.headers
    page = await ready.text()
    assert faults(page) == []
    assert re.findall(r"<b>([\d,]+)</b>", page) == [str(LONG), "0", "1", "1"]
    assert f"and {LONG - SHOWN:,} more" in page
    assert page.count("oak.example") < 3 * SHOWN
    assert await desk.patterns() == []
    # What it would do now, and not what it would have done then.
    await desk.put("u1@oak.example", "joe@example.org", Verdict.DENY)
    assert re.findall(r"<b>([\d,]+)</b>", await desk.get("joe", path)) == [str(LONG - 1), "0", "2", "1"]


async def test_files_of_several_are_read_one_after_the_other_and_each_is_shown_to_its_own(desk: ListsDesk) -> None:
    paths = {who: await brought_long(desk, who) for who in ("joe", "kim")}
    desk.hold_up()
    for who, path in paths.items():
        assert "The file is being read." in await desk.get(who, path)
    desk.let_go()
    for who, path in reversed(paths.items()):
        assert re.findall(r"<b>([\d,]+)</b>", await desk.get(who, path)) == [str(LONG), "0", "1", "1"]


async def test_import_of_many_lines_goes_on_behind_a_page_that_tells_how_far_it_is(desk: ListsDesk) -> None:
    path = await brought_long(desk)
    assert (await desk.post("joe", path)).endswith(f"{path}/work")
    assert desk.journal.deeds[-1][3] == "begun"
    assert await desk.patterns() == []
    page = await desk.get("joe", f"{path}/work")
    assert "The file is being read." in page
    assert "data-state=" in page
    watched = await desk.client.get(f"{path}/work?watch=1", cookies={"session": "joe"})
    assert watched.headers["Refresh"] == "3"
    await desk.worker().run_once()
    await desk.worker().run_once()  # Another program, which goes on where the first was cut off.
    page = await desk.get("joe", f"{path}/work")
    assert f"{PIECE:,} of {LONG + 1:,} lines saved." in page
    assert f"{PIECE:,} new, 0 changed, 0 there already, 1 left out" in page
    assert len(await desk.patterns()) == PIECE
    worker = desk.worker()
    while await worker.run_once():
        pass
    state = await desk.client.get(f"{path}/work-state", cookies={"session": "joe"})
    told = await state.json()
    assert (told["open"], told["done"], told["most"], told["button"]) == (False, LONG + 1, LONG + 1, "")
    assert told["more"] == f"{LONG:,} new, 0 changed, 1 there already, 1 left out"
    assert len(set(await desk.patterns())) == LONG
    assert "The file is saved." in await desk.get("joe", f"{path}/work")
    await desk.post("joe", path, 404)


async def test_import_that_is_stopped_keeps_what_was_saved_and_can_be_taken_up_again(desk: ListsDesk) -> None:
    path = await brought_long(desk)
    await desk.post("joe", path)
    worker = desk.worker()
    await worker.run_once()
    await worker.run_once()
    assert "list-import-stopped" in await desk.post("joe", f"{path}/work")
    assert not await worker.run_once()
    page = await desk.get("joe", f"{path}/work")
    assert "Stopped:" in page
    assert "Look again" not in page
    assert "list-import-ended" in await desk.post("joe", f"{path}/work")
    assert re.findall(r"<b>(\d+)</b>", await desk.get("joe", path)) == [str(LONG - PIECE), "0", str(PIECE + 1), "1"]
    await desk.post("joe", path)
    while await worker.run_once():
        pass
    assert len(set(await desk.patterns())) == LONG


async def test_import_of_somebody_else_tells_nothing_and_cannot_be_stopped(desk: ListsDesk) -> None:
    path = await brought_long(desk)
    await desk.get("joe", f"{path}/work", 404)  # Not ordered yet.
    await desk.post("joe", path)
    await desk.get("kim", f"{path}/work", 404)
    await desk.get("root", f"{path}/work", 404)
    await desk.post("kim", f"{path}/work", 404)
    answer = await desk.client.get(f"{path}/work-state", cookies={"session": "kim"})
    assert answer.status == 404


async def test_import_by_two_programs_at_once_saves_each_piece_once(desk: ListsDesk) -> None:
    path = await brought_long(desk)
    await desk.post("joe", path)
    order_id = await desk.store.look(lambda tx: tx.orders.due(desk.clock[0], desk.clock[0]))
    assert order_id is not None
    bringers = [Bringer(desk.store, now=lambda: 0.0) for _ in range(2)]
    while any(await asyncio.gather(*(one.step(order_id.id) for one in bringers))):
        pass
    order = await desk.store.look(lambda tx: tx.bringings.get(order_id.id))
    assert order is not None
    assert order.saved == Saved(LONG, 0, 1, 1)


async def test_import_whose_file_is_gone_ends_as_far_as_it_came(desk: ListsDesk) -> None:
    path = await brought_long(desk)
    await desk.post("joe", path)
    await desk.worker().run_once()
    await desk.store.transact(lambda tx: tx.entries.drop_draft(int(path.rpartition("/")[2])))
    worker = desk.worker()
    await worker.run_once()
    assert not await worker.run_once()
    assert "Stopped: 0 of" in await desk.get("joe", f"{path}/work")
