"""The digest as it is sent: read alone by its text, by its HTML, and by mail programs."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from gateway import resources
from gateway.domain.digest import Group, Kind, Line
from gateway.domain.lifecycle import State
from gateway.flow.digest_ports import DigestLetter, Links
from gateway.flow.queue_ports import Row
from gateway.languages.language import known, language
from gateway.relay.digest_letter import DigestTemplates, compose_digest
from gateway.relay.letter import Desk
from gateway.relay.signer import Signer
from gateway.relay.template_parts import TemplateFault

NOW = 1_795_194_000.0  # 20 November 2026, 17:00 UTC
DAY = 86_400.0
SHIPPED = resources.folder("templates") / "mail"
TEMPLATES = DigestTemplates((SHIPPED,))
SECRET = "abcdefghijkmnpqrstuvwxyz23456789"
HOSTILE = "\"'<script>alert(1)</script>{{7*7}}\r\nBcc: x@evil.example \u202e https://evil.example/held/x"


def row(number: int = 1, **more: Any) -> Row:
    made = Row(
        id=number, message_id=1, state=State.PENDING, author="anna@oak.example", author_name="Anna Roth",
        sender="anna@oak.example", recipient="jo@example.org", subject="Offer for the roof", size=84_000,
        held_at=NOW - 3600, expires_at=NOW + 13.5 * DAY, changed_at=NOW, reason="unknown-sender", silence="",
        challenge="sent", proofs=(), files=(), lane="people", source="", seen=False, last_reply="", key=(),
    )  # fmt: skip
    return replace(made, **more)


def letter(*rows: Row, kind: Kind = Kind.PEOPLE, **more: Any) -> DigestLetter:
    shown = rows or (row(),)
    made = DigestLetter(
        mailbox="jo@example.org", domain="example.org", language="en", time_zone="Europe/Prague", phrase="", subject="",
        groups=(Group(kind, len(shown), tuple(Line(one) for one in shown)),), total=len(shown), several=False,
        may_act=True, may_list=True, content=True,
        links=Links(
            {one.id: f"https://mail.example.org/held/{one.id:06}{SECRET[6:]}" for one in shown},
            f"https://mail.example.org/digest/stop/{SECRET}",
            "https://mail.example.org/console/",
        ),
    )  # fmt: skip
    return replace(made, **more)


def composed(told: DigestLetter, desk: Desk | None = None) -> EmailMessage:
    content = compose_digest(TEMPLATES, told, desk or Desk(), NOW, "<d1@gw.example.org>").content
    return message_from_bytes(content, policy=policy.default)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_header_says_that_nobody_may_answer_and_how_to_stop_it() -> None:
    mail = composed(letter())
    assert mail["From"] == '"example.org mail desk" <postmaster@example.org>'
    assert mail["To"] == "jo@example.org"
    assert mail["Subject"] == "1 message is waiting for you"
    assert mail.get_all("Auto-Submitted") == ["auto-generated"]
    assert mail.get_all("X-Auto-Response-Suppress") == ["All"]
    assert mail["List-Unsubscribe"] == f"<https://mail.example.org/digest/stop/{SECRET}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Message-ID"] == "<d1@gw.example.org>"
    assert mail["Date"] == "Fri, 20 Nov 2026 18:00:00 +0100"


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_each_part_alone_tells_all(kind: str) -> None:
    told = letter(
        row(files=("roof.pdf", "plan.pdf"), score=0.34),
        row(2, subject="", author_name="", held_at=NOW - 2 * DAY, expires_at=NOW + 1.5 * DAY),
        phrase="blue kettle",
        several=True,
    )
    text = " ".join(body(composed(told, Desk(contact="+49 30 1234")), kind).split())
    for words in (
        "2 messages are waiting for you", "blue kettle", "Anna Roth", "anna@oak.example", "Offer for the roof", "17:00",
        "84 kB", "score 0.3", "roof.pdf +1", "First mail from this address", "13 days left", "18 Nov, 18:00",
        "1 day left", "(no subject)", "for jo@example.org", f"/held/000001{SECRET[6:]}", f"/000002{SECRET[6:]}/allow",
        "/block", f"/digest/stop/{SECRET}", "never asks for a password", "mail.example.org", "Europe/Prague",
        "20 Nov 2026, 18:00 CET", "+49 30 1234", "/console/pending",
    ):  # fmt: skip
        assert words in text.replace("&lt;", "<").replace("&gt;", ">"), words


def test_html_loads_nothing_and_runs_nothing() -> None:
    page = body(composed(letter()), "html")
    assert not re.search(r"<(img|script|link|iframe|form|input|button|object)\b|url\(|@import|javascript:", page, re.I)


def test_hostile_mail_adds_no_field_no_markup_and_no_link() -> None:
    told = letter(row(subject=HOSTILE, author_name=HOSTILE, author="a<b>@x.example", files=(HOSTILE,)))
    mail = composed(told)
    assert set(mail.keys()) == set(composed(letter()).keys())
    text, page = body(mail, "plain"), body(mail, "html")
    assert "<script" not in page
    assert "49" not in page.replace("49&", "")
    for part in (text, page):
        assert "\u202e" not in part
        assert "{{7*7}}" in part
    for url in re.findall(r"https?://[^\s\"<]+", text + page):
        assert url.startswith("https://mail.example.org/")


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_author_who_can_be_taken_for_another_is_marked_before_he_is_let_in(kind: str) -> None:
    told = letter(row(author_name="jo@example.org"), row(2, author="anna@xn--pple-43d.example"))
    text = " ".join(body(composed(told), kind).split())
    assert "Take care: the name speaks of example.org, but the address is of another domain." in text
    assert "Take care with the address: It mixes letters of different scripts: Cyrillic, Latin." in text
    templates = DigestTemplates((SHIPPED,), language("de"))
    german = compose_digest(templates, told, Desk(), NOW, "<d1@gw.example.org>").content
    assert "kyrillisch" in body(message_from_bytes(german, _class=EmailMessage, policy=policy.default), kind)
    assert "Take care" not in body(composed(letter()), kind)


@pytest.mark.parametrize(
    ("more", "gone"),
    [
        ({"may_list": False}, ("/allow", "/block")),
        ({"may_act": False, "may_list": False}, ("/allow", "/block", "Deliver")),
        ({"content": False}, ("Offer for the roof", "roof.pdf")),
    ],
)
def test_what_the_reader_may_not_is_not_there(more: dict[str, Any], gone: tuple[str, ...]) -> None:
    mail = composed(replace(letter(row(files=("roof.pdf",))), **more))
    for kind in ("plain", "html"):
        assert not [words for words in gone if words in body(mail, kind)]
        assert f"/held/000001{SECRET[6:]}" in body(mail, kind)


def test_hundred_long_rows_stay_below_what_mail_programs_cut_off() -> None:
    rows = [row(number, subject="Würde " * 40, author_name="n" * 200, files=("f" * 200,)) for number in range(100)]
    mail = composed(letter(*rows, several=True))
    part = mail.get_body(("html",))
    assert part is not None
    assert len(part.get_payload(decode=True)) < 102_400
    assert max(map(len, mail.as_bytes().split(b"\n"))) <= 1000


@pytest.mark.parametrize("subject", ["About the roof and the windows. " * 8, "x" * 300])
def test_text_has_no_line_but_links_that_a_screen_of_72_cuts(subject: str) -> None:
    told = row(
        subject=subject, author_name="Anna of the Roofs " * 5, files=("a long name of a file.pdf " * 4, "plan.pdf")
    )
    lines = body(composed(letter(told, total=5)), "plain").splitlines()
    assert [line for line in lines if len(line) > 72 and "https://" not in line] == []
    assert "More mail waits than is listed here:" in lines


def test_rest_and_others_of_a_source_are_counted() -> None:
    told = letter()
    groups = (Group(Kind.NEWSLETTERS, 9, (Line(row(), (row(2), row(3))),)), Group(Kind.SPAM, 2, (Line(row()),)))
    text = "\n".join(body(composed(replace(told, groups=groups, total=11)), "plain").splitlines())
    assert "\n  2 more messages from the same source\n" in text
    assert "  and 6 more\n  https://mail.example.org/console/pending" in text
    assert "  and 1 more\n  https://mail.example.org/console/pending" in text
    assert "Nobody vouches for these senders, or their messages look like spam." in " ".join(text.split())


def test_subject_of_one_s_own_has_the_total() -> None:
    mail = composed(letter(total=12, subject="{total} wait, {people} from people, for {mailbox}"))
    assert mail["Subject"] == "12 wait, 1 from people, for jo@example.org"
    assert "more than 10,000" in str(composed(letter(total=10_001))["Subject"])


def test_signature_covers_the_way_to_stop(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("A" * 43 + "=")
    signer = Signer.load(key, "s1", "example.org")
    content = compose_digest(TEMPLATES, letter(), Desk(), NOW, "<d1@gw.example.org>", signer).content
    signature = "".join(str(message_from_bytes(content)["DKIM-Signature"]).split())
    signed = signature.partition("h=")[2].partition(";")[0].split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post", "from"} <= set(signed)


def test_template_without_the_way_to_stop_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "digest"
    folder.mkdir()
    for name, text, why in (
        ("body.txt", "Hello", "does not contain {{ stop }}"),
        ("body.txt", "{{ nothing }}", "does not render"),
        ("body.txt", "{% if %}", "Expected an expression"),
        ("body.txt", "x" * 70_000, "has more than"),
    ):
        (folder / name).write_text(text)
        with pytest.raises(TemplateFault, match=why):
            DigestTemplates((tmp_path, SHIPPED))


@pytest.mark.parametrize(
    ("tag", "subject", "words"),
    [
        ("de", "1 Nachricht wartet auf Sie", "noch 13 Tage"),
        ("fr", "1 message vous attend", "encore 13 jours"),
        ("es", "1 mensaje le espera", "quedan 13 días"),
        ("cs", "Čeká na vás 1 zpráva", "zbývá 13 dní"),
    ],
)
def test_digest_speaks_its_reader_s_language(tag: str, subject: str, words: str) -> None:
    templates = DigestTemplates((SHIPPED,), language(tag))
    content = compose_digest(templates, letter(total=1), Desk(), NOW, "<d1@gw.example.org>").content
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert (mail["Subject"], mail["Content-Language"]) == (subject, tag)
    for kind in ("plain", "html"):
        text = body(mail, kind)
        assert words in text
        assert "waiting" not in text
        assert "%(" not in text


@pytest.mark.parametrize("more", [{}, {"may_act": False, "may_list": False}], ids=["may", "may-not"])
@pytest.mark.parametrize("tag", known())
def test_text_fits_a_screen_of_72_in_each_language(tag: str, more: dict[str, Any]) -> None:
    templates = DigestTemplates((SHIPPED,), language(tag))
    for kind in Kind:
        told = letter(row(), kind=kind, total=5, language=tag, several=True, **more)
        content = compose_digest(templates, told, Desk(), NOW, "<d1@gw.example.org>").content
        text = body(message_from_bytes(content, _class=EmailMessage, policy=policy.default), "plain")
        assert [line for line in text.splitlines() if len(line) > 72 and "https://" not in line] == []
