from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from gateway.domain import header
from gateway.domain.message import CHALLENGE_FIELD, read_message
from gateway.flow.own_mail import OwnMail
from gateway.relay.compose import MAX_OCTETS, ChallengeMail, compose_challenge
from gateway.relay.templates import Templates

SHIPPED = Path(__file__).parents[3] / "templates" / "mail"
TEMPLATES = Templates.load(None, SHIPPED)
NOW = 1_795_183_500.0  # 20 November 2026, 14:05 UTC
MAIL = ChallengeMail(
    sender="anna@oak.example",
    recipient="jo@example.org",
    recipient_domain="example.org",
    subject="Offer for the roof",
    received_at=NOW - 60,
    expires_at=NOW + 14 * 86_400,
    url="https://mail.example.org/challenge/abcdefghijkmnpqrstuvwxyz23456789",
    mail_id="<1@oak.example>",
    references=("<0@oak.example>",),
)
FIELDS = [
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "X-Auto-Response-Suppress", CHALLENGE_FIELD, "Content-Language", "MIME-Version", "Content-Type",
]  # fmt: skip
EVIL = [
    "x\r\nBcc: evil@evil.example", "x\nBcc: evil@evil.example", "x\rBcc: evil@evil.example", "x\r\n\r\n<html>evil",
    "x\u2028Bcc: evil", "x\u2029Bcc: evil", "x\x85Bcc: evil", "x\x00y", "x\x0bBcc: evil", "x\x0cBcc: evil",
    "=?UTF-8?Q?=0ABcc:_evil?=", "=?UTF-8?B?DQpCY2M6IGV2aWw=?=", "é =?UTF-8?Q?=0D=0ABcc:_evil?=", "é\r\n Bcc: evil",
    "x" * 10_000, "é" * 10_000, "\ud800", "\u202egnp.exe", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>',
    "{{ 1337*7331 }}", "{% for a in b %}", "${1337*7331}", "%(x)s", '"', "\\", "a,b;c:d", "-- \r\nsig", "=_boundary", "--=_018f",
]  # fmt: skip


def compose(mail: ChallengeMail = MAIL) -> OwnMail:
    return compose_challenge(TEMPLATES, mail, NOW, "<c1@example.org>")


def reparsed(composed: OwnMail) -> EmailMessage:
    """What a mail program sees."""
    message = email.message_from_bytes(composed.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def parts(composed: OwnMail) -> tuple[str, str]:
    message = reparsed(composed)
    text, page = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert page is not None
    return text.get_content(), page.get_content()


def test_challenge_has_each_field_once_in_order() -> None:
    assert reparsed(compose()).keys() == FIELDS


def test_challenge_says_that_it_is_automatic_exactly_once() -> None:
    content = compose().content
    assert re.findall(rb"(?im)^auto-submitted:.*$", content) == [b"Auto-Submitted: auto-replied\r"]
    assert re.findall(rb"(?im)^x-auto-response-suppress:.*$", content) == [b"X-Auto-Response-Suppress: All\r"]
    assert b"Precedence" not in content


def test_challenge_that_comes_back_is_known_as_ours() -> None:
    assert read_message(header.split(compose().content)).automatic == "own-challenge"


def test_challenge_goes_to_the_reverse_path_from_the_desk() -> None:
    message = reparsed(compose(replace(MAIL, organisation="Oak & Sons")))
    assert message["To"].addresses[0].addr_spec == "anna@oak.example"
    assert message["From"].addresses[0].addr_spec == "postmaster@example.org"
    assert message["From"].addresses[0].display_name == "Oak & Sons mail desk"


def test_challenge_is_tied_to_the_original() -> None:
    message = reparsed(compose())
    assert message["In-Reply-To"] == "<1@oak.example>"
    assert message["References"] == "<0@oak.example> <1@oak.example>"
    assert message["Message-ID"] == "<c1@example.org>"
    assert message["Date"].datetime.timestamp() == NOW


def test_challenge_original_without_id_has_no_thread() -> None:
    assert reparsed(compose(replace(MAIL, mail_id=""))).keys() == [f for f in FIELDS if f not in FIELDS[5:7]]


def test_challenge_many_references_keeps_the_newest() -> None:
    many = tuple(f"<{i}.{'x' * 200}@oak.example>" for i in range(50))
    references = reparsed(compose(replace(MAIL, references=many)))["References"].split()
    assert len(" ".join(references)) < 1100
    assert references[-2:] == [many[-1], "<1@oak.example>"]


def test_challenge_words_are_there_in_both_parts() -> None:
    for part in parts(compose(replace(MAIL, organisation="Oak & Sons", contact="Tel. 030 1234"))):
        for words in (
            "jo@example.org", "anna@oak.example", "20 November 2026, 14:04 UTC", "4 December 2026, 14:05 UTC",
            "Tel. 030 1234", "It takes about 20 seconds", "you need neither",
        ):  # fmt: skip
            assert words in part.replace("\n", " ")
        assert MAIL.url in part


def test_challenge_subject_names_the_original_in_a_few_words() -> None:
    assert reparsed(compose())["Subject"] == "Auto: Offer for the roof - one small step"
    long = reparsed(compose(replace(MAIL, subject="Word " * 500)))["Subject"]
    assert long.startswith("Auto: Word Word ")
    assert len(long) < 100
    empty = reparsed(compose(replace(MAIL, subject="https://evil.example")))["Subject"]
    assert empty == "Auto: your mail - one small step"


def test_challenge_has_text_first_and_is_seven_bit() -> None:
    composed = compose(replace(MAIL, subject="Grüße", organisation="Köln"))
    message = reparsed(composed)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert composed.content.isascii()
    assert not composed.smtputf8
    assert message["Subject"] == "Auto: Grüße - one small step"
    assert message["From"].addresses[0].display_name == "Köln mail desk"


def test_challenge_lines_end_with_crlf_and_are_short() -> None:
    content = compose().content
    assert content.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    assert max(map(len, content.split(b"\r\n"))) <= 80


def test_challenge_sender_beyond_ascii_needs_smtputf8() -> None:
    composed = compose(replace(MAIL, sender="jürgen@eiche.example"))
    assert composed.smtputf8
    assert "To: <jürgen@eiche.example>\r\n".encode() in composed.content
    assert "jürgen@eiche.example" in parts(composed)[0]


def test_challenge_recipient_domain_beyond_ascii_is_written_in_a_labels() -> None:
    composed = compose(replace(MAIL, recipient="jo@bäume.example", recipient_domain="bäume.example"))
    assert not composed.smtputf8
    assert reparsed(composed)["From"].addresses[0].addr_spec == "postmaster@xn--bume-loa.example"


@pytest.mark.parametrize("sender", ['"a b"@oak.example', '"a\\"b"@oak.example', "a@[192.0.2.1]", "a+b=c@oak.example"])
def test_challenge_odd_reverse_path_is_kept_as_it_is(sender: str) -> None:
    composed = compose(replace(MAIL, sender=sender))
    assert f"To: <{sender}>\r\n".encode() in composed.content
    assert sender in parts(composed)[0]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(
    "name", ["subject", "sender", "recipient", "organisation", "contact", "from_address", "mail_id", "references"]
)
def test_challenge_hostile_value_adds_no_field_no_part_no_markup(name: str, evil: str) -> None:
    # The text stands where a display name, an address or an id was expected.
    value: Any = (evil,) if name == "references" else evil
    composed = compose_challenge(TEMPLATES, replace(MAIL, **{name: value}), NOW, "<c1@example.org>")
    assert len(composed.content) <= MAX_OCTETS
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", composed.content)
    names = [line.split(":")[0] for line in _unfolded(composed.content)]
    assert names == (FIELDS if name != "mail_id" else [f for f in FIELDS if f not in FIELDS[5:7]])
    message = email.message_from_bytes(composed.content, policy=email.policy.compat32)
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    page = parts(composed)[1].lower()
    assert "<script" not in page
    assert "<img" not in page
    assert "1337*7331" not in evil or "9801547" not in parts(composed)[0]
    decoded = str(email.header.make_header(email.header.decode_header(message["Subject"])))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", decoded)


def _unfolded(content: bytes) -> list[str]:
    head = content.partition(b"\r\n\r\n")[0].decode("utf-8")
    return re.sub(r"\r\n[ \t]", " ", head).split("\r\n")


@pytest.mark.parametrize("letter", ["x", "é", "日", "&", "="])
def test_challenge_longest_values_stay_below_the_limit_with_text(letter: str) -> None:
    long = f"{letter * 200}@{'d' * 50}.example"
    mail = ChallengeMail(
        sender=long, recipient=long, recipient_domain="d" * 240 + ".example", subject=letter * 500, received_at=NOW,
        expires_at=NOW, url="https://" + "u" * 180, mail_id=f"<{'i' * 250}>", references=(f"<{'r' * 250}>",) * 10,
        organisation=letter * 500, contact=letter * 500,
    )  # fmt: skip
    composed = compose(mail)
    assert len(composed.content) <= MAX_OCTETS
    text = reparsed(composed).get_body(("plain",))
    assert text is not None
    assert mail.url in text.get_content()


def test_challenge_nothing_of_the_original_but_what_it_needs() -> None:
    content = compose(replace(MAIL, subject="see http://spam.example and call x@spam.example")).content
    assert b"spam.example" not in content


def test_challenge_text_fits_72_columns_and_has_the_link_alone_on_one_line() -> None:
    raw = compose().content
    text = raw[raw.index(b"text/plain") : raw.index(b"text/html")]
    assert b"Content-Transfer-Encoding: 7bit" in text
    lines = text.decode().split("\r\n")
    assert MAIL.url in lines
    assert max(len(line) for line in lines[2:] if line != MAIL.url) <= 72
