"""The notice as it is sent: its picture is in it, hostile mail does nothing in it, an operator's own words and pictures count."""

from __future__ import annotations

import shutil
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from gateway import resources
from gateway.languages.language import known, language
from gateway.mail_texts import MailTexts
from gateway.relay.letter import Desk
from gateway.relay.logo import SIDE, logo
from gateway.relay.notice_letter import _SAMPLE, LARGEST_PICTURE, NoticeTemplates, compose_notice
from gateway.relay.template_parts import Sources, TemplateFault

SHIPPED = resources.folder("templates") / "mail"
HOSTILE = "\"'<script>alert(1)</script>{{7*7}}\r\nBcc: x@evil.example \u202e https://evil.example/held/x"


def composed(templates: NoticeTemplates, **more: Any) -> EmailMessage:
    told = replace(_SAMPLE, **more)
    content = compose_notice(templates, told, Desk(), 1_800_000_000.0, "<n1@gw.example.org>").content
    return message_from_bytes(content, policy=policy.default)


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_picture_is_ours_and_in_the_mail() -> None:
    mail = composed(NoticeTemplates((SHIPPED,)))
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<logo.png>"
    assert picture.get_content() == logo()
    assert logo()[16:24] == SIDE.to_bytes(4, "big") * 2
    page = body(mail, "html")
    assert "cid:logo.png" in page
    assert 'src="http' not in page
    assert mail["List-Unsubscribe"] == f"<{_SAMPLE.stop}>"
    assert mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_author_who_can_be_taken_for_another_is_marked(kind: str) -> None:
    row = replace(_SAMPLE.row, author_name="jo@example.org")
    text = " ".join(body(composed(NoticeTemplates((SHIPPED,)), row=row), kind).split())
    assert "Take care: the name speaks of example.org, but the address is of another domain." in text
    assert "Take care" not in body(composed(NoticeTemplates((SHIPPED,))), kind)


def test_hostile_mail_does_nothing_in_a_notice() -> None:
    row = replace(_SAMPLE.row, subject=HOSTILE, author_name=HOSTILE, sender=HOSTILE, files=(HOSTILE,))
    mail = composed(NoticeTemplates((SHIPPED,)), row=row, body=HOSTILE, groups=(HOSTILE,), pattern=HOSTILE)
    assert mail["Bcc"] is None
    assert "<script" not in body(mail, "html")
    for kind in ("plain", "html"):
        assert "https://evil.example" not in body(mail, kind)
        assert "\u202e" not in body(mail, kind)
        assert "49" not in body(mail, kind).replace("{{7*7}}", "")


def test_operator_s_words_and_pictures_count(tmp_path: Path) -> None:
    own = tmp_path / "notice"
    shutil.copytree(SHIPPED / "notice", own)
    (own / "body.html").write_text(
        '<p>{{ subject }} {{ groups[0] }}<img src="cid:house.gif"> <a href="{{ stop }}">x</a></p>'
    )
    (own / "house.gif").write_bytes(b"GIF89a-ours")
    mail = composed(NoticeTemplates((tmp_path, SHIPPED)))
    assert "Offer for the roof anna" in body(mail, "html")
    assert [part.get_content() for part in mail.walk() if part.get_content_maintype() == "image"] == [b"GIF89a-ours"]
    (own / "body.html").write_text("<p>no way to stop it</p>")
    with pytest.raises(TemplateFault, match="stop"):
        NoticeTemplates((tmp_path, SHIPPED))


@pytest.mark.parametrize("tag", known())
def test_notice_is_written_in_each_language(tag: str) -> None:
    mail = composed(MailTexts(None).notice(tag), last=True)
    assert mail["Content-Language"] == language(tag).tag
    assert _SAMPLE.url in body(mail, "plain")


@pytest.mark.parametrize(
    ("html", "line", "name"),
    [
        ('<p>\n<img src="cid:house.png">', 2, "house.png"),
        ("<img src = 'cid:house.png'>", 1, "house.png"),
        ("<img SRC=CID:logo.PNG>", 1, "logo.PNG"),
        ('<img src="cid:logo.png"><td\nbackground="cid:a&amp;b.png">', 0, "a&b.png"),
        ('<p style="background:url(cid:x.gif)">', 1, "x.gif"),
        ('{% if not last %}\n<img src="cid:late.png">{% endif %}', 2, "late.png"),
        ('<img src="cid:{{ lang }}.png">', 0, "en.png"),
    ],
)
def test_picture_that_is_not_there_is_a_fault_with_its_line(html: str, line: int, name: str) -> None:
    (fault,) = NoticeTemplates((SHIPPED,)).faults(Sources("x", "x {{ stop }}", f'{html}<a href="{{{{ stop }}}}">x</a>'))
    assert (str(fault.file), fault.line) == ("body.html", line)
    assert fault.reason == f"there is no picture {name!r}; there are logo.png"


def test_picture_that_is_there_and_words_that_look_like_one_are_no_fault() -> None:
    html = '<img src="cid:logo.png"> Acid: a cid: b, src="http://x/cid:y" <a href="{{ stop }}">x</a>'
    templates = NoticeTemplates((SHIPPED,))
    assert templates.faults(Sources("x", "x {{ stop }}", html)) == []
    assert list(templates.named(html)) == ["logo.png"]


def test_operator_s_picture_that_is_missing_or_too_large_is_told_of_at_the_start(tmp_path: Path) -> None:
    own = tmp_path / "notice"
    shutil.copytree(SHIPPED / "notice", own)
    (own / "body.html").write_text('<a href="{{ stop }}">x</a>\n<img src="cid:house.png">')
    with pytest.raises(TemplateFault, match=r"body\.html, line 2: there is no picture 'house\.png'"):
        NoticeTemplates((tmp_path, SHIPPED))
    (own / "house.png").write_bytes(b"x" * LARGEST_PICTURE)
    assert NoticeTemplates((tmp_path, SHIPPED)).pictures["house.png"] == b"x" * LARGEST_PICTURE
    (own / "house.png").write_bytes(b"x" * (LARGEST_PICTURE + 1))
    with pytest.raises(TemplateFault, match=r"house\.png: has more than 100000 octets"):
        NoticeTemplates((tmp_path, SHIPPED))
    (own / "house.png").unlink()
    (own / "house.png").mkdir()
    with pytest.raises(TemplateFault, match=r"house\.png: cannot be read"):
        NoticeTemplates((tmp_path, SHIPPED))
