"""The message page over a real store and a real reader: what is shown to whom, and that nothing in a mail acts."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest
from sqlalchemy import delete, update

from challenge_web.console.gate import CSRF_FIELD, csrf_token
from challenge_web.console.message_words import dated
from gateway.domain.policy import Policy
from gateway.domain.reply import Reply
from gateway.domain.roles import Right
from gateway.flow.order_work import OrderWorker
from gateway.flow.redate import Redater
from gateway.reading.reader import Reader
from gateway.store.tables import content as contents
from gateway.store.transaction import Transaction
from tests.corpus import OWN, with_crlf
from tests.store.letters import HOUR, NOW
from tests.unit.web.console.mail_desk import HTML_MAIL, INSPECTOR, OUTSIDE, Desk
from tests.unit.web.console.pending_desk import VIEWERS

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}\u202egpj.exe"


@pytest.fixture
def desk(mail_desk: Desk) -> Desk:
    return mail_desk


async def test_page_of_a_plain_mail_shows_who_wrote_why_it_waits_and_its_text(desk: Desk) -> None:
    row_id = await desk.hold(with_crlf(OWN["plain"][1]))
    page = await desk.get(str(row_id))
    for words in ("Ann Oak", "ann@oak.example", "Offer", "Hello Joe", "The sender is genuine, but unknown",
                  "Signed by oak.example", "The mail came and was held.", "anna@oak.example"):  # fmt: skip
        assert words in unescape(page), words
    assert "Download" in page


async def test_page_of_html_mail_frames_a_document_that_can_do_nothing(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    page = await desk.get(f"{row_id}/html")
    frame = re.search(r'<iframe[^>]* sandbox [^>]*src="[^"]*/frame/(\d+)\?of=(\w+)"', page)
    assert frame is not None
    answer = await desk.client.get(
        f"/console/message/{row_id}/frame/{frame[1]}?of={frame[2]}", cookies={"session": "joe"}
    )
    policy, body = answer.headers["Content-Security-Policy"], await answer.text()
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "img-src 'none'" in policy
    assert "unsafe" not in policy
    for gone in ("<script", "onclick", "http:", "src=", "href", "<form", "<input", "@import"):
        assert gone not in body, gone
    for kept in ("Hello <b>Joe</b>", "[image: logo]", "[image: a roof]", "[in truth leads to evil.example]"):
        assert kept in body, kept


async def test_undone_links_and_images_are_told_of_in_the_language_of_the_reader(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    frame = await desk.client.get(f"/console/message/{row_id}/frame/1?lang=de", cookies={"session": "joe"})
    for text in (await frame.text(), await desk.get(f"{row_id}?lang=de")):
        assert "[führt in Wahrheit zu evil.example]" in text
        assert "[Bild: a roof]" in text


async def test_images_of_the_mail_are_shown_when_asked_for_and_remote_ones_never(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    assert "images=1" in await desk.get(f"{row_id}/html")
    answer = await desk.client.get(f"/console/message/{row_id}/frame/1?images=1", cookies={"session": "joe"})
    body = await answer.text()
    assert "img-src data:;" in answer.headers["Content-Security-Policy"]
    assert '<img src="data:image/png;base64,' in body
    assert "http:" not in body
    assert "[image: logo]" in body


async def test_file_is_given_as_a_download_under_a_safe_name(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    page = await desk.get(f"{row_id}/files")
    assert "It pretends to be a .pdf file" in page
    answer = await desk.client.get(f"/console/message/{row_id}/file/3", cookies={"session": "joe"})
    assert await answer.read() == b"MZ\x90\x00\x03\x00\x00\x00"
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="invoice.pdf .exe"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_source_is_shown_in_pages_and_given_whole(desk: Desk) -> None:
    mail = with_crlf(OWN["plain"][1] + b"line of text\n" * 40_000)
    row_id = await desk.hold(mail)
    first, last = await desk.get(f"{row_id}/source"), await desk.get(f"{row_id}/source?page=99")
    assert "Page 1 of 4" in first
    assert "Page 4 of 4; the rest is in the download" in last
    assert len(first) < 100_000
    answer = await desk.client.get(f"/console/message/{row_id}/download", cookies={"session": "joe"})
    assert await answer.read() == mail


async def test_row_beyond_reach_is_not_found_on_every_address(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    for path in ("", "/html", "/files", "/headers", "/source", "/frame/1", "/file/3", "/download", "/forward"):
        await desk.get(f"{row_id}{path}", who="else", status=404)
        await desk.get(f"{row_id + 1}{path}", status=404)


async def test_auditor_sees_why_and_no_content(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    page = await desk.get(str(row_id), who="audit")
    assert "The mail came and was held." in page
    assert "<title>A mail that is held · " in page
    for secret in ("Offer", "Hello", "roof", "Deliver once", "Download"):
        assert secret not in page, secret
    for path in ("html", "files", "headers", "source", "frame/1", "file/3", "download", "forward"):
        await desk.get(f"{row_id}/{path}", who="audit", status=403)


async def test_role_without_downloads_gets_no_file(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    assert "Your role does not download files." in await desk.get(f"{row_id}/files", who="dora")
    await desk.get(f"{row_id}/file/3", who="dora", status=404)
    await desk.get(f"{row_id}/download", who="dora", status=404)


async def test_content_of_another_mail_is_never_shown(desk: Desk) -> None:
    one, other = await desk.hold(HTML_MAIL), await desk.hold(with_crlf(OWN["plain"][1]))
    secret = with_crlf(OWN["plain"][1])

    def swap(tx: Transaction) -> None:
        tx.connection.execute(update(contents).values(octets=secret))

    await desk.store.transact(swap)
    page = await desk.get(str(one))
    assert "The store gave other octets than those of this mail." in page
    assert "Hello Joe" not in page
    for path in ("frame/1", "file/3", "download"):
        await desk.get(f"{one}/{path}", status=404)
    assert "Hello Joe" in await desk.get(str(other))


async def test_part_asked_for_by_the_page_of_another_mail_is_not_found(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    await desk.get(f"{row_id}/frame/1?of=0123456789abcdef", status=404)
    await desk.get(f"{row_id}/file/3?of=0123456789abcdef", status=404)


async def test_mail_whose_content_is_purged_says_so(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    await desk.store.transact(lambda tx: tx.connection.execute(delete(contents)).rowcount)
    page = await desk.get(str(row_id))
    assert "The content of this mail is not kept any more." in page
    assert "The mail came and was held." in page
    for path in ("frame/1", "file/3", "download", "forward"):
        await desk.get(f"{row_id}/{path}", status=404)


async def test_hostile_strings_in_every_field_stay_text(desk: Desk) -> None:
    evil = EVIL.encode()
    mail = with_crlf(
        b'From: "' + evil.replace(b'"', b"") + b'" <anna@oak.example>\nTo: ' + evil + b" <joe@example.org>\nSubject: " + evil
        + b"\nDate: " + evil + b"\nReply-To: " + evil + b"\nList-Id: " + evil + b"\nX-" + b"y" * 300 + b": " + evil
        + b'\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain; charset="' + b"<script>"
        + b'"\n\n' + evil + b"\n--b\nContent-Type: text/html\n\n" + evil + b'<a href="javascript:alert(1)">x</a>\n--b\n'
        + b'Content-Type: image/<script>; name="<script>alert(1)</script>.pdf.exe"\n\nx\n--b--\n'
    )  # fmt: skip
    row_id = await desk.hold(mail)
    for path in ("", "/html", "/files", "/headers", "/source", "/forward"):
        page = await desk.get(f"{row_id}{path}")
        for bad in ("<script>alert", "<img src=x", "\u202e"):
            assert bad not in page, (path, bad)
        assert ">49<" not in page
    body = await desk.get(f"{row_id}/frame/2")
    assert "<script" not in body
    assert "onerror" not in body.replace("onerror=alert(1)&gt;", "")
    assert "javascript" not in body


async def test_every_odd_mail_is_shown_on_every_view(desk: Desk) -> None:
    for name, (_, mail) in OWN.items():
        row_id = await desk.hold(with_crlf(mail))
        for path in ("", "/headers"):
            page = await desk.get(f"{row_id}{path}")
            assert "Why is this here?" in page, name


async def test_long_subject_and_long_words_are_cut(desk: Desk) -> None:
    row_id = await desk.hold(with_crlf(b"Subject: " + b"x" * 10_000 + b"\nFrom: a@oak.example\n\nx\n"))
    page = await desk.get(str(row_id))
    heading = re.search("<h1>([^<]*)", page)
    assert heading is not None
    assert len(heading[1]) <= 160


async def test_unreadable_mail_is_offered_as_source(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, reader: Reader
) -> None:
    row_id = await desk.hold(with_crlf(OWN["plain"][1]))
    monkeypatch.setattr(reader, "_command", ("/bin/false",))
    page = await desk.get(str(row_id))
    assert "The program that reads mails has given up on this one." in unescape(page)
    assert "Hello Joe" in page
    assert f"{row_id}/download" in page


async def test_action_takes_the_reader_back_to_the_list_at_the_next_mail(desk: Desk) -> None:
    older, newer = await desk.hold(HTML_MAIL), await desk.hold(with_crlf(OWN["plain"][1]))
    page = await desk.get(str(newer))
    assert f'rel="next" href="../../console/message/{older}"' in page
    fields = dict(re.findall(r'<input type="hidden" name="(nonce|back|shown|id)" value="([^"]*)"', page))
    data = {CSRF_FIELD: csrf_token("joe"), "do": "authorize.domain", **fields}
    answer = await desk.client.post("/console/pending", data=data, cookies={"session": "joe"}, allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"].endswith(f"console/pending#r{older}")
    # It is in hand now: nothing more is asked about it, and it has no neighbours in the list any more.
    page = await desk.get(str(newer))
    assert "was just decided" in page
    assert "Deliver once" not in page
    assert "Deliver once" in await desk.get(str(older))
    later = Redater(desk.store, Policy(), now=lambda: NOW + 2 * HOUR).step
    worker = OrderWorker(desk.store, 10, later, now=lambda: NOW + 2 * HOUR, wake_deliveries=lambda: None)
    assert await worker.run_once() == 1
    page = await desk.get(str(newer))
    assert "The sender was allowed, and the mail let go." in page
    assert "was just decided" not in page


async def forward(desk: Desk, row_id: int, to: str, form: str, who: str = "joe", status: int = 303) -> str:
    data = {CSRF_FIELD: csrf_token(who), "to": to, "form": form}
    path = f"/console/message/{row_id}/forward"
    answer = await desk.client.post(path, data=data, cookies={"session": who}, allow_redirects=False)
    assert answer.status == status
    return answer.headers.get("Location", "")


async def test_forward_as_attachment_to_our_own_domain_goes_to_the_next_hop(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    assert INSPECTOR in await desk.get(f"{row_id}/forward")
    assert (await forward(desk, row_id, INSPECTOR, "attachment")).endswith("said=forwarded")
    ((envelope, sent),) = desk.hop.taken
    assert envelope.reverse_path.text == "postmaster@example.org"
    assert envelope.recipients[0].notify == "NEVER"
    assert HTML_MAIL in sent
    assert b"Content-Type: message/rfc822" in sent
    page = unescape(await desk.get(str(row_id)))
    assert "The mail was sent on for inspection." in page
    assert f"to {INSPECTOR}, as an attachment" in page


async def test_forward_as_it_is_goes_outside_without_asking_for_receipts(desk: Desk) -> None:
    mail = with_crlf(b"Disposition-Notification-To: <spy@oak.example>\n" + OWN["plain"][1])
    row_id = await desk.hold(mail)
    await forward(desk, row_id, OUTSIDE, "as_is")
    ((reverse_path, recipient, sent),) = desk.outside.sent
    assert (reverse_path, recipient) == ("postmaster@example.org", OUTSIDE)
    assert sent.endswith(with_crlf(OWN["plain"][1]))
    assert sent.startswith(b"Resent-From: ")
    assert b"Disposition-Notification-To" not in sent


async def test_forward_that_is_refused_says_so_and_stays_in_the_history(desk: Desk) -> None:
    row_id = await desk.hold(HTML_MAIL)
    desk.outside.answer = Reply(550, "5.7.1", "No <b>thanks</b>")
    assert (await forward(desk, row_id, OUTSIDE, "attachment")).endswith("said=forward-refused")
    page = await desk.get(str(row_id))
    assert "not taken: 550 5.7.1 No &lt;b&gt;thanks" in page


@pytest.mark.parametrize(("to", "who"), [("spy@evil.example", "joe"), ("", "joe"), (OUTSIDE, "else")])
async def test_forward_to_nobody_configured_or_from_nobody_allowed_is_not_found(desk: Desk, to: str, who: str) -> None:
    row_id = await desk.hold(HTML_MAIL)
    await forward(desk, row_id, to, "attachment", who, 404)
    assert (desk.outside.sent, desk.hop.taken) == ([], [])


async def test_look_alike_author_is_marked(desk: Desk) -> None:
    row_id = await desk.hold(
        with_crlf('From: "help@bank.example" <x@\u0430\u0440\u0440\u04cf\u0435.example>\n\nx\n'.encode())
    )
    page = unescape(await desk.get(str(row_id)))
    assert "look like apple" in page
    assert "xn--80ak6aa92e.example" in page
    assert "the name speaks of bank.example" in page


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Mon, 09 Sep 2001 01:46:40 +0000", 0.0),
        ("Sun, 09 Sep 2001 03:46:39 +0200", 0.0),
        ("9 Sep 2001 00:46:39 -0000", 1_000_000_000.0 - 3601),
        ("Sun, 09 Sep 2001 05:46:40 +0200", 1_000_000_000.0 + 7200),
        ("nonsense", None),
        ("", None),
        ("Sun, 09 Sep 9999 04:46:40 +0200", None),
        ("Sun, 99 Sep 2001 99:99:99 +9999", None),
        ("Sun, 09 Sep 99999999999999999999 04:46:40 +0200", None),
    ],
)
def test_date_of_a_mail_is_told_where_it_is_not_when_it_came(date: str, at: float | None) -> None:
    assert dated(date, 1_000_000_000.0) == at


async def test_header_tells_date_and_recipients_where_they_say_more_than_the_envelope(desk: Desk) -> None:
    told = with_crlf(b"From: a@oak.example\nTo: %s\nDate: %s\n\nx\n")
    usual = await desk.get(str(await desk.hold(told % (b"<Joe@example.org>", b"Sun, 13 Sep 2020 12:26:40 +0000"))))
    assert "<dt>To</dt>" not in usual
    other = await desk.get(str(await desk.hold(told % (b"all@else.example", b"Sat, 12 Sep 2020 12:26:40 +0000"))))
    assert "<dt>To</dt>" in other
    assert re.search(r'dated <time datetime="2020-09-12T12:26:40Z"', other)
    assert "dated never" in await desk.get(str(await desk.hold(told % (b"joe@example.org", b"never"))))


async def test_user_whose_policy_hides_content_gets_neither_content_nor_a_copy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = replace(VIEWERS["joe"], withheld=frozenset({Right.READ_CONTENT}))
    monkeypatch.setitem(VIEWERS, "blind", blind)
    row_id = await desk.hold(HTML_MAIL)
    page = await desk.get(str(row_id), who="blind")
    assert "Offer" not in page
    assert "Send on for inspection" not in page
    await desk.get(f"{row_id}/forward", who="blind", status=404)
    await forward(desk, row_id, INSPECTOR, "attachment", "blind", 404)
    assert desk.hop.taken == []
