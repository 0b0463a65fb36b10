"""Which rows of how many, scores, what was not opened, and searches that are saved."""

from __future__ import annotations

import re

import pytest

from challenge_web.console.pending_range import range_words, rank_of, read_rank
from gateway.domain.lifecycle import State
from gateway.domain.query import Query
from gateway.domain.roles import Role
from gateway.flow.account_ports import Kind, NewAccount
from gateway.flow.queue import Page
from gateway.flow.queue_ports import Row
from gateway.reading.reader import Reader
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from tests.unit.web.conftest import MakeClient
from tests.unit.web.console.pending_desk import VIEWERS, Desk, open_pending, subjects


@pytest.fixture
async def desk(make_client: MakeClient, store: Store, reader: Reader) -> Desk:
    return await open_pending(make_client, store, reader)


@pytest.mark.parametrize(
    ("total", "rows", "said", "first", "last", "told"),
    [
        (37, 37, 0, True, True, "1–37 of 37"),
        (1204, 50, 50, False, False, "51–100 of 1,204"),
        (1204, 4, 7, False, True, "1,201–1,204 of 1,204"),
        (1204, 1, 0, False, True, "1,204 of 1,204"),
        (10_001, 50, 0, True, False, "1–50 of more than 10,000"),
        (10_001, 50, 20_000, False, False, "20,001–20,050 of more than 10,000"),
        (10_001, 50, 0, False, False, "more than 10,000"),
        (120, 50, 4711, False, False, "71–120 of 120"),
        (120, 50, 0, False, False, "120"),
        (0, 0, 0, True, True, "0"),
    ],
)
def test_range_of_a_page_is_told_as_far_as_it_is_known(
    total: int, rows: int, said: int, first: bool, last: bool, told: str
) -> None:
    row = Row(
        id=1, message_id=1, state=State.PENDING, author="", author_name="", sender="", recipient="", subject="",
        size=0, held_at=0, expires_at=0, changed_at=0, reason="", silence="", challenge="", proofs=(), files=(),
        lane="", source="", seen=False, last_reply="", key=(1,),
    )  # fmt: skip
    page = Page((row,) * rows, total, None if last else (1,), None if first else (1,), Query(), "arrival")
    assert range_words(page, rank_of(page, read_rank({"at": str(said)}))) == told


async def test_list_shows_scores_and_finds_and_sorts_by_them(desk: Desk) -> None:
    await desk.hold("Low", "None", "High")
    await desk.store.transact(
        lambda tx: tx.connection.exec_driver_sql(
            "UPDATE message SET score = CASE subject WHEN 'Low' THEN 1.5 WHEN 'High' THEN 12 END"
        )
    )
    await desk.store.transact(
        lambda tx: tx.connection.exec_driver_sql(
            "UPDATE queue SET score = coalesce((SELECT score FROM pending p JOIN message m ON m.id = p.message_id"
            " WHERE p.id = queue.id), -1e99)"
        )
    )
    page = await desk.get("joe", "")
    assert page.count("Score 1.5<") == page.count("Score 12<") == 1
    assert subjects(await desk.get("joe", "?sort=score&desc=1")) == ["High", "Low", "None"]
    assert subjects(await desk.get("joe", "?q=score:%3C2")) == ["Low"]
    page = await desk.get("joe", "?q=score:%3E=5")
    assert subjects(page) == ["High"]
    assert "Score at least 5" in page


async def test_list_of_what_was_not_opened_is_each_accounts_own(desk: Desk) -> None:
    roof, _ = await desk.hold("Roof", "Lamp")
    await desk.store.transact(lambda tx: tx.queue.see(VIEWERS["joe"].account, [roof]))
    assert subjects(await desk.get("joe", "?q=is:unseen")) == ["Lamp"]
    assert subjects(await desk.get("dora", "?q=is:unseen")) == ["Lamp", "Roof"]


async def told(desk: Desk, who: str, address: str) -> None:
    """Let a digest be delivered to somebody's mailbox."""
    new = NewAccount(who, Role.USER, "tests", 0.0, addresses=((address, Kind.OWN),))

    def work(tx: Transaction) -> None:
        assert tx.accounts.add(new) == VIEWERS[who].account
        made = tx.digests.add(address, 1, [(1, 1)], desk.clock[0], desk.clock[0])
        tx.digests.finish(made, "delivered", "250 OK", desk.clock[0])

    await desk.store.transact(work)


async def test_list_of_what_came_since_the_last_digest_is_filtered_and_marked(desk: Desk) -> None:
    await desk.hold("Old")
    page = await desk.get("joe", "?q=after:digest")
    assert "No digest has come to you yet" in page
    assert "New since your last digest" not in await desk.get("joe", "")
    desk.clock[0] += 60
    await told(desk, "joe", "joe@example.org")
    desk.clock[0] += 60
    await desk.hold("New", at=desk.clock[0])
    page = await desk.get("joe", "")
    assert subjects(page) == ["New", "Old"]
    assert page.count('title="New since your last digest"') == 1
    (link,) = re.findall(r'href="\.\./(console/pending[^"]*)">New since your last digest', page)
    assert subjects(await desk.get("joe", link.removeprefix("console/pending").replace("&amp;", "&"))) == ["New"]
    assert subjects(await desk.get("dora", "?q=after:digest")) == ["New", "Old"]


async def test_search_is_saved_under_a_name_and_removed(desk: Desk) -> None:
    await desk.hold("Roof", "Lamp")
    there = await desk.post("joe", {"name": " My  roofs ", "back": "q=roof&sort=size&after=x&at=50"}, "/saved")
    assert there.startswith("../../console/pending?q=roof&sort=size")
    page = await desk.get("joe", "?q=lamp")
    link = re.search(r'href="\.\./console/pending([^"]*)"><span class="unseen">Saved search: </span>My roofs', page)
    assert link is not None
    assert link.group(1) == "?q=roof&amp;sort=size"
    page = await desk.get("joe", "?q=roof&sort=size")
    assert 'aria-current="true"><span class="unseen">Saved search: </span>My roofs' in page
    assert "My roofs" not in await desk.get("dora", "")
    number = re.search(r'name="remove" value="(\d+)"', page)
    assert number is not None
    await desk.post("dora", {"remove": number.group(1)}, "/saved")
    assert "My roofs" in await desk.get("joe", "")
    await desk.post("joe", {"remove": number.group(1), "back": ""}, "/saved")
    assert "My roofs" not in await desk.get("joe", "")


async def test_search_that_cannot_be_saved_says_why(desk: Desk) -> None:
    for name, back in (("", "q=roof"), ("x" * 41, "q=roof"), ("all", "after=x"), ("long", "q=" + "%C3%A4" * 300)):
        await desk.post("joe", {"name": name, "back": back}, "/saved", 400)
    for number in range(20):
        await desk.post("joe", {"name": f"n{number}", "back": "q=roof"}, "/saved")
    await desk.post("joe", {"name": "one more", "back": "q=roof"}, "/saved", 400)
    await desk.post("joe", {"name": "n7", "back": "q=lamp"}, "/saved")
    await desk.post("dora", {"name": "one more", "back": "q=roof"}, "/saved")
    page = await desk.get("joe", "")
    assert page.count("Saved search: ") == 20
    assert 'href="../console/pending?q=lamp"' in page


async def test_search_that_is_not_utf_8_is_a_page_that_says_so(desk: Desk) -> None:
    for path in ("?q=%ff", "/order/1?back=%c3%28"):
        page = await desk.get("joe", path, 400)
        assert "This address cannot be read" in page
        assert "UTF-8" in page
    # Who is not signed in is told the same, and no address that cannot be read is kept for afterwards.
    assert (await desk.client.get("/console/pending?q=%ff")).status == 400
