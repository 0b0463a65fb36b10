"""The lists page."""

from __future__ import annotations

import re

import pytest
from aiohttp import FormData

from challenge_web.console.gate import CSRF_FIELD, csrf_token
from gateway.domain.lists import ALIGNED, Entry, Verdict
from gateway.flow.describe import Describer
from gateway.store.transaction import Transaction
from tests.store.letters import keep, message, row
from tests.unit.web.console.lists_desk import DAY, HOSTILE, NOW, VIEWERS, ListsDesk
from tests.unit.web.console.markup import faults


async def test_lists_of_nothing_says_so(desk: ListsDesk) -> None:
    assert "Nobody is on a list yet" in await desk.get("joe", "/console/lists")
    assert "Nothing found" in await desk.get("joe", "/console/lists?words=oak")


async def test_list_shows_own_entries_and_those_of_domain_and_site_that_act_too(desk: ListsDesk) -> None:
    own = await desk.put("anna@oak.example", "joe@example.org", note="a friend")
    tagged = await desk.put("list:news.elm.example", "joe+shop@example.org")
    domain = await desk.put("@ash.example", "@example.org", Verdict.DENY)
    site = await desk.put("signed:fir.example")
    foreign = await desk.put("bo@yew.example", "kim@example.org")
    page = await desk.get("joe", "/console/lists")
    for entry_id in (own, tagged):
        assert f'value="{entry_id}"' in page
    for entry_id in (domain, site):
        assert f"console/lists/{entry_id}" in page
        assert f'value="{entry_id}"' not in page
    assert "yew.example" not in page
    assert "a friend" in page
    assert f"console/lists/{foreign}" in await desk.get("dora", "/console/lists")
    everything = await desk.get("root", "/console/lists")
    assert everything.count('data-label="Who"') == 5
    seen = await desk.get("audit", "/console/lists")
    assert seen.count('data-label="Who"') == 5
    assert "checkbox" not in seen


async def test_written_to_has_a_tab_and_tells_who_wrote_when_and_until_when(desk: ListsDesk) -> None:
    assert "Nobody was written to yet" in await desk.get("joe", "/console/lists?origin=written-to")
    made = await desk.put("bo@elm.example", "joe@example.org")
    entry = Entry(Verdict.ALLOW, "anna@oak.example", "joe@example.org")
    await desk.store.transact(lambda tx: tx.sent.learn(entry, "joe@example.org", "0a1b2c", 90 * DAY, NOW))
    learned = made + 1
    for path in ("origin=written-to", "origin=written-to&words=oak", "origin=written-to&verdict=allow"):
        page = await desk.get("joe", f"/console/lists?{path}")
        assert f'value="{learned}"' in page, path
        assert f'value="{made}"' not in page, path
        assert "later with each use" in page
    assert "Nothing found" in await desk.get("joe", "/console/lists?origin=written-to&words=elm")
    page = await desk.get("joe", f"/console/lists/{learned}")
    assert "joe@example.org wrote to this address." in page
    assert 'console/history?address=anna%40oak.example"' in page
    assert "0a1b2c" in page
    await desk.post("joe", f"/console/lists/{learned}", note="a friend", expires="")
    assert "wrote to this address" not in await desk.get("joe", f"/console/lists/{learned}")
    assert "for good" in await desk.get("joe", "/console/lists?words=oak")
    assert "yet" in await desk.get("joe", "/console/lists?origin=written-to")


async def test_list_says_which_entry_goes_first(desk: ListsDesk) -> None:
    site = await desk.put("@oak.example", "")
    own = await desk.put("@oak.example", "joe@example.org", Verdict.DENY)
    page = await desk.get("joe", "/console/lists?verdict=allow")
    assert f'For joe@example.org <a href="../console/lists/{own}">another entry</a> goes first: blocked.' in page
    assert "another entry</a> goes first" not in await desk.get("kim", f"/console/lists/{site}")
    assert "another entry</a> goes first" not in await desk.get("joe", "/console/lists?verdict=deny")


async def test_search_for_an_address_tells_which_entry_decides(desk: ListsDesk) -> None:
    await desk.put("@oak.example", "", Verdict.DENY)
    own = await desk.put("anna@oak.example", "joe@example.org")
    page = await desk.get("joe", "/console/lists?words=anna@oak.example")
    assert "It is let through" in page
    first = page.index(f'<li><a href="../console/lists/{own}">')
    assert first < page.index("everybody at oak.example</a>", first)
    assert "It is refused" in await desk.get("kim", "/console/lists?words=bo@oak.example")
    assert "No entry names this sender" in await desk.get("kim", "/console/lists?words=bo@elm.example")
    assert "It is let through" in await desk.get("root", "/console/lists?words=anna@oak.example&to=joe@example.org")
    # Whom an entry of another's protects is not told.
    assert "It is let through" not in await desk.get("kim", "/console/lists?words=anna@oak.example&to=joe@example.org")


async def test_pages_by_key_go_to_the_end_and_back_without_loss(desk: ListsDesk) -> None:
    def fill(tx: Transaction) -> None:
        entries = [(Entry(Verdict.ALLOW, f"n{number}@oak.example", ""), "") for number in range(120)]
        tx.lists.add_new(entries, "cli", NOW)

    await desk.store.transact(fill)
    for who in ("root", "joe"):
        seen: list[str] = []
        path, pages = "/console/lists", []
        while path:
            page = await desk.get(who, path)
            pages.append(page)
            seen += re.findall(r">(n\d+)@oak.example</a>", page)
            link = re.search(r'rel="next" href="\.\./([^"]*)"', page)
            path = "/" + link[1].replace("&amp;", "&") if link else ""
        assert seen == [f"n{number}" for number in reversed(range(120))]
        back = re.search(r'rel="prev" href="\.\./([^"]*)"', pages[-1])
        assert back is not None
        page = await desk.get(who, "/" + back[1].replace("&amp;", "&"))
        assert re.findall(r">(n\d+)@oak.example</a>", page) == [f"n{number}" for number in range(69, 19, -1)]
        assert 'rel="prev"' in page
        assert 'rel="prev"' not in pages[0]


@pytest.mark.parametrize("who", ["joe", "root"])
async def test_add_makes_an_entry_and_says_by_whom(desk: ListsDesk, who: str) -> None:
    whose = {"for": "joe@example.org"}
    to = await desk.post(
        who, "/console/lists/new", verdict="allow", pattern="Anna@Oak.example", note="a friend", **whose
    )
    assert "said=list-added" in to
    page = await desk.get(who, "/console/lists")
    assert "anna@oak.example" in page
    assert VIEWERS[who].name in page
    again = await desk.post(who, "/console/lists/new", verdict="allow", pattern="anna@oak.example", **whose)
    assert "said=list-there" in again
    assert [deed for _, deed, _, _ in desk.journal.deeds] == ["list-new", "list-new"]


@pytest.mark.parametrize(
    ("who", "fields", "words"),
    [
        ("joe", {"pattern": "*"}, "too wide"),
        ("joe", {"pattern": "x@oak.example", "for": "kim@example.org"}, "not yours"),
        ("joe", {"pattern": "x@oak.example", "for": ""}, "not yours"),
        ("joe", {"pattern": "x@oak.example", "for": "@example.org"}, "not yours"),
        ("dora", {"pattern": "x@oak.example", "for": "elm.example"}, "not yours"),
        ("joe", {"pattern": "x@oak.example", "proof": "none"}, "Only an admin"),
        ("joe", {"pattern": "x@oak.example", "proof": "dkim:evil.example"}, "Choose what mail must prove"),
        ("joe", {"pattern": "x@oak.example", "expires": "tomorrow"}, "no date"),
        ("joe", {"pattern": "x@oak.example", "expires": "2001-01-01"}, "That day is over"),
        ("joe", {"pattern": "x@oak.example", "expires": "9999-12-31"}, "no date"),
        ("joe", {"pattern": "x@oak.example", "verdict": "maybe"}, "Choose whether"),
        ("joe", {"pattern": "x@oak.example", "note": "two\nlines"}, "one line"),
        ("joe", {"pattern": HOSTILE}, "not a domain"),
    ],
)  # fmt: skip
async def test_add_of_what_cannot_be_says_why_and_keeps_what_was_typed(
    desk: ListsDesk, who: str, fields: dict[str, str], words: str
) -> None:
    typed_in = {"verdict": "allow", "for": "joe@example.org", "note": "my note", **fields}
    page = await desk.post(who, "/console/lists/new", 422, **typed_in)
    assert faults(page) == []
    assert words in page
    assert "<script>alert" not in page
    assert await desk.patterns() == []


async def test_admin_may_add_an_entry_without_proof_and_is_warned(desk: ListsDesk) -> None:
    assert "forgers too" in await desk.get("dora", "/console/lists/new")
    assert "forgers too" not in await desk.get("joe", "/console/lists/new")
    await desk.post(
        "dora", "/console/lists/new", verdict="allow", pattern="x@oak.example", for_="example.org", proof="none"
    )
    assert "whoever forges this sender gets in too" in await desk.get("dora", "/console/lists")


async def test_entry_that_ends_counts_to_the_end_of_the_day_in_the_reader_s_zone(desk: ListsDesk) -> None:
    to = await desk.post(
        "joe", "/console/lists/new", verdict="allow", pattern="x@oak.example", for_="joe@example.org", expires="2027-01-31"
    )  # fmt: skip
    assert "list-added" in to
    (entry,) = await desk.store.entries(("x@oak.example",))
    assert entry.expires_at == 1801407600.0  # 2027-02-01 00:00 in Tokyo.
    assert 'value="2027-01-31"' in await desk.get("joe", f"/console/lists/{entry.id}")
    desk.clock[0] = entry.expires_at
    assert "Its time is over" in await desk.get("joe", f"/console/lists/{entry.id}")
    assert ">ended</span>" in await desk.get("joe", "/console/lists")


async def test_note_and_end_can_be_changed_and_nothing_else(desk: ListsDesk) -> None:
    own = await desk.put("anna@oak.example", "joe@example.org")
    await desk.post(
        "joe", f"/console/lists/{own}", note=HOSTILE, expires="2027-06-01", pattern="@evil.example", proof="none"
    )
    (entry,) = await desk.store.entries(("anna@oak.example",))
    assert (entry.proof, entry.expires_at) == (ALIGNED, 1811862000.0)
    page = await desk.get("joe", f"/console/lists/{own}")
    assert "&lt;script&gt;alert" in page
    assert "no date" in await desk.post("joe", f"/console/lists/{own}", 422, note="n", expires="x")
    await desk.post("joe", f"/console/lists/{own}", note="", expires="")
    (entry,) = await desk.store.entries(("anna@oak.example",))
    assert entry.expires_at is None


async def test_foreign_entry_is_as_if_it_were_not_there(desk: ListsDesk) -> None:
    foreign = await desk.put("anna@oak.example", "kim@example.org")
    site = await desk.put("bo@oak.example", "")
    for who in ("joe",):
        await desk.get(who, f"/console/lists/{foreign}", 404)
        await desk.get(who, "/console/lists/999999", 404)
        await desk.post(who, f"/console/lists/{foreign}", 404, note="x", expires="")
        await desk.post(who, f"/console/lists/{foreign}/remove", 404)
        await desk.post(who, "/console/lists/remove", 404, id=str(foreign))
        # Seen, for it acts on his mail, and not his to change.
        assert "not yours to change" in await desk.get(who, f"/console/lists/{site}")
        await desk.post(who, f"/console/lists/{site}", 404, note="x", expires="")
        await desk.post(who, f"/console/lists/{site}/remove", 404)
    await desk.post("audit", f"/console/lists/{site}/remove", 403)
    assert len(await desk.patterns()) == 2


async def test_removed_entry_comes_back_as_it_was(desk: ListsDesk) -> None:
    own = await desk.put("anna@oak.example", "joe@example.org", note="a friend")
    to = await desk.post("joe", f"/console/lists/{own}/remove")
    assert await desk.store.entries(("anna@oak.example",)) == ()
    removal = re.search(r"removal=(\d+)", to)
    assert removal is not None
    assert f"removals/{removal[1]}/undo" in await desk.get("joe", "/" + to.lstrip("./"))
    await desk.post("kim", f"/console/lists/removals/{removal[1]}/undo", 404)
    await desk.post("joe", "/console/lists/removals/99/undo", 404)
    assert "list-undone" in await desk.post("joe", f"/console/lists/removals/{removal[1]}/undo")
    (entry,) = await desk.store.entries(("anna@oak.example",))
    assert entry.id == own
    page = await desk.get("joe", f"/console/lists/{own}")
    assert "a friend" in page
    assert "cli:admin" in page
    # A second click.
    assert "list-undone" in await desk.post("joe", f"/console/lists/removals/{removal[1]}/undo")


async def test_removal_cannot_be_taken_back_when_its_time_is_over(desk: ListsDesk) -> None:
    own = await desk.put("anna@oak.example", "joe@example.org")
    to = await desk.post("joe", f"/console/lists/{own}/remove")
    desk.clock[0] += 16
    assert "too-late" in await desk.post("joe", f"/console/lists/removals/{to.rpartition('=')[2]}/undo")
    assert await desk.patterns() == []


async def test_ticked_entries_go_together_and_an_entry_made_meanwhile_stays(desk: ListsDesk) -> None:
    ids = [await desk.put(f"n{number}@oak.example", "joe@example.org") for number in range(3)]
    foreign = await desk.put("x@oak.example", "kim@example.org")
    form = FormData([(CSRF_FIELD, csrf_token("joe")), *(("id", str(one)) for one in (*ids, foreign, "x"))])
    answer = await desk.client.post(
        "/console/lists/remove", data=form, cookies={"session": "joe"}, allow_redirects=False
    )
    assert answer.status == 303
    assert await desk.patterns() == ["x@oak.example"]
    again = await desk.put("n1@oak.example", "joe@example.org")
    assert again > max(ids)
    removal = answer.headers["Location"].rpartition("=")[2]
    assert "partly-undone" in await desk.post("joe", f"/console/lists/removals/{removal}/undo")
    assert await desk.patterns() == ["n0@oak.example", "n2@oak.example", "x@oak.example", "n1@oak.example"]
    assert "list-nothing" in await desk.post("joe", "/console/lists/remove")


async def test_pages_of_hostile_words_break_nothing(desk: ListsDesk) -> None:
    own = await desk.put(f'"{HOSTILE}"@oak.example', "joe@example.org", note=HOSTILE)
    for path in (
        "/console/lists",
        f"/console/lists/{own}",
        f"/console/lists/new?pattern={HOSTILE}",
        "/console/lists?for=%00&before=9&after=x",
    ):
        page = await desk.get("joe", path)
        assert "<script>alert" not in page


async def test_block_offers_to_delete_what_waits_from_there_and_leads_to_its_undo(desk: ListsDesk) -> None:
    for subject in ("one", "two"):
        await keep(desk.store, message(subject), row())
    while await Describer(desk.store).run_once():
        pass
    fields = {"verdict": "deny", "pattern": "anna@oak.example", "for_": "joe@example.org", "nonce": "n"}
    page = await desk.post("joe", "/console/lists/new", 200, do="count", **fields)
    assert "also delete what waits from there: 2" in page
    assert await desk.patterns() == []
    assert "what waits from there: 2" in await desk.get(
        "joe", "/console/lists/new?verdict=deny&pattern=anna@oak.example&for=joe@example.org"
    )
    assert (await desk.post("joe", "/console/lists/new", **fields)).endswith("console/lists?said=list-added")
    there = await desk.post("joe", "/console/lists/new", waiting="1", **fields)
    assert re.search(r"console/pending/order/\d+\?said=list-there$", there)
    again = await desk.post("joe", "/console/lists/new", waiting="1", **fields)
    assert again == there  # A form that is sent twice makes one order.
    allow = {**fields, "verdict": "allow", "waiting": "1"}
    assert (await desk.post("joe", "/console/lists/new", **allow)).endswith("console/lists?said=list-added")
    assert "Count what waits" not in await desk.get("audit", "/console/lists/new", 403)
