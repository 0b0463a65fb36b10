"""The mail beside the list, and its place in it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import update

from challenge_web.console.gate import CSRF_FIELD, csrf_token
from gateway.store.tables import message, pending
from tests.corpus import OWN, with_crlf
from tests.unit.web.console.mail_desk import HTML_MAIL, Desk
from tests.unit.web.console.markup import faults


@pytest.fixture
def desk(mail_desk: Desk) -> Desk:
    return mail_desk


async def test_page_tells_its_place_in_the_search_it_was_opened_from_and_goes_along_it(desk: Desk) -> None:
    rows = [await desk.hold(with_crlf(OWN["plain"][1] + b"%d\n" % count)) for count in range(4)]
    other = await desk.hold(HTML_MAIL)
    page = await desk.get(str(rows[1]))
    assert "4 of 5" in page
    assert "1 of 1" in await desk.get(f"{other}?q=from:roth")
    assert "Neighbours" not in await desk.get(f"{rows[2]}?q=from:roth")
    page = await desk.get(f"{rows[0]}?sort=arrival&desc=1")
    assert "1 of 5" in page
    assert f'rel="next" href="../../console/message/{rows[1]}?' in page
    seen, at = [], rows[0]
    while at:
        seen.append(at)
        found = re.search(r'rel="prev" href="[^"]*/message/(\d+)', await desk.get(str(at)))
        at = int(found[1]) if found else 0
    assert seen == [*rows, other]
    assert "1 of 5" in await desk.get(str(other))


async def test_preview_alone_has_text_and_buttons_whose_links_are_those_of_the_list(desk: Desk) -> None:
    older, row_id = await desk.hold(with_crlf(OWN["plain"][1])), await desk.hold(HTML_MAIL)
    answer = await desk.client.get(f"/console/message/{row_id}/preview?q=from:roth", cookies={"session": "joe"})
    text = unescape(await answer.text())
    for words in ("Offer", "Anna Roth", "Hello Joe", "1 of 1", "Deliver once", "The sender is genuine, but unknown",
                  f'href="../console/message/{row_id}?q=from%3Aroth"', 'action="../console/pending"',
                  f'name="mail" value="{row_id}"', "Take care"):  # fmt: skip
        assert words in text, words
    for gone in ("<html", "<script", "<iframe", "Download", 'class="sticky'):
        assert gone not in text, gone
    assert "list__row--new" not in (await listed(desk, f"?mail={row_id}")).partition(f'id="r{row_id}"')[0]
    assert (await desk.client.get(f"/console/message/{older + 9}/preview", cookies={"session": "joe"})).status == 404


async def listed(desk: Desk, query: str) -> str:
    answer = await desk.client.get(f"/console/pending{query}", cookies={"session": "joe"})
    text = await answer.text()
    assert faults(text) == []
    return text


async def test_list_shows_a_mail_beside_it_by_a_link_and_goes_on_to_the_next(desk: Desk) -> None:
    older, newer = await desk.hold(HTML_MAIL), await desk.hold(with_crlf(OWN["plain"][1]))
    plain = await listed(desk, "")
    assert 'class="split"' not in plain
    assert f'href="../console/pending?mail={newer}#r{newer}"' in plain
    page = await listed(desk, f"?mail={newer}&size=100")
    assert 'class="split"' in page
    assert f'id="r{newer}" data-id="{newer}" aria-current="true"' in page
    preview = page.partition('<section id="preview"')[2]
    assert "Hello Joe" in preview
    fields = dict(re.findall(r'<input type="hidden" name="(nonce|back|shown|id|mail)" value="([^"]*)"', preview))
    data = {CSRF_FIELD: csrf_token("joe"), "do": "deliver", **fields}
    answer = await desk.client.post("/console/pending", data=data, cookies={"session": "joe"}, allow_redirects=False)
    assert answer.headers["Location"] == f"../console/pending?size=100&mail={older}#r{older}"
    page = await listed(desk, f"?size=100&mail={older}")
    undo = re.search(r'action="([^"]*)/pending/order/(\d+)"', page)
    assert undo is not None
    back = re.search(r'name="back" value="([^"]*)"', page.partition("data-order=")[2])
    assert back is not None
    answer = await desk.client.post(
        f"/console/pending/order/{undo[2]}",
        data={CSRF_FIELD: csrf_token("joe"), "back": unescape(back[1])},
        cookies={"session": "joe"},
        allow_redirects=False,
    )
    assert answer.headers["Location"].endswith(f"console/pending?size=100&mail={older}")


async def test_list_with_a_foreign_mail_beside_it_is_the_list_alone(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    for mail in (row_id + 1, "x", "9" * 30):
        assert 'class="split"' not in await listed(desk, f"?mail={mail}")
    answer = await desk.client.get(f"/console/pending?mail={row_id}", cookies={"session": "else"})
    assert "Offer" not in await answer.text()


async def test_page_offers_to_ask_again_and_says_when_it_cannot(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    page = unescape(await desk.get(str(row_id)))
    assert "Ask again" in page
    assert "ask-again" not in await desk.get(str(row_id), who="audit")
    back = {CSRF_FIELD: csrf_token("joe"), "back": "q=roth"}
    path = f"/console/message/{row_id}/ask-again"
    answer = await desk.client.post(path, data=back, cookies={"session": "joe"}, allow_redirects=False)
    assert answer.headers["Location"].endswith(f"console/message/{row_id}?q=roth&said=asked-again")
    page = unescape(await desk.get(f"{row_id}?said=asked-again"))
    for words in (
        "The sender is asked once more.",
        "The sender is to be asked once more.",
        "It can be asked again from",
    ):
        assert words in page
    assert "ask-again" not in page
    answer = await desk.client.post(path, data=back, cookies={"session": "joe"}, allow_redirects=False)
    assert answer.headers["Location"].endswith("said=not-asked")
    strange = {CSRF_FIELD: csrf_token("else")}
    assert (await desk.client.post(path, data=strange, cookies={"session": "else"})).status == 404


async def test_page_offers_the_source_with_what_its_entry_will_need(desk: Desk) -> None:
    receipt = await desk.hold(with_crlf(OWN["plain"][1]))
    await desk.store.transact(
        lambda tx: tx.connection.execute(update(pending).values(reason="automatic-mail")).rowcount
    )
    page = unescape(await desk.get(str(receipt)))
    for words in ("Accept all mail from this source", "Block all mail from this source", "Mail signed by oak.example.",
                  "The signature must be good, and the author must be of this domain.",
                  "People who write from oak.example get in with it too."):  # fmt: skip
        assert words in page, words
    await desk.store.transact(
        lambda tx: tx.connection.execute(update(pending).values(reason="unknown-sender")).rowcount
    )
    assert "from this source" not in await desk.get(str(receipt))
    listed_ = {"source": "list:news.oak.example"}
    await desk.store.transact(lambda tx: tx.connection.execute(update(pending).values(**listed_)).rowcount)
    page = unescape(await desk.get(str(receipt)))
    assert "The list news.oak.example. It must be vouched for by" in page
    assert "get in with it too" not in page
    none = {"evidence": "{}", "proofs": ""}
    await desk.store.transact(lambda tx: tx.connection.execute(update(message).values(**none)).rowcount)
    page = unescape(await desk.get(str(receipt)))
    assert "Nobody vouches for the list news.oak.example, so it cannot be accepted" in page
    assert "Accept all mail" not in page
