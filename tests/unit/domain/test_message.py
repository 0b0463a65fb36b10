from __future__ import annotations

import pytest

from gateway.domain.address import Address
from gateway.domain.challenge import Silence
from gateway.domain.message import CHALLENGE_FIELD, Message, read_message
from tests.unit.domain.letters import head_of, letter


def facts(*lines: str) -> Message:
    return read_message(head_of(*lines))


def test_message_of_an_ordinary_letter_tells_its_facts() -> None:
    message = facts(
        "Received: from a by b",
        "Received: from c by d",
        "From: =?utf-8?q?Anna_R=C3=B6th?= <Anna@oak.example>",
        "To: Joe <joe+list@example.org>",
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        "Message-ID: <1@oak.example>",
        "References: <a@x> <b@x>",
    )
    assert message.author == Address.of("Anna@oak.example")
    assert message.author_name == "Anna Röth"
    assert message.subject == "Grüße"
    assert message.message_id == "<1@oak.example>"
    assert message.references == ("<a@x>", "<b@x>")
    assert message.addressed == {"joe@example.org", "joe+list@example.org"}
    assert message.hops == 2
    assert message.automatic == ""


def test_message_without_any_field_has_no_facts() -> None:
    message = facts()
    assert message == Message(None, "", "", "", (), frozenset(), "", 0)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("From: nobody",),
        ("From: ",),
        ("From: a@b.example, c@d.example",),
        ("From: <a@b.example> <c@d.example>",),
        ("From: a@b.example", "From: c@d.example"),
        ("From: a@b.example", "from: a@b.example"),
    ],
)
def test_r33_author_of_none_or_several_from_addresses_is_nobody(lines: tuple[str, ...]) -> None:
    assert facts(*lines).author is None


def test_author_name_of_several_mailboxes_is_that_of_the_first() -> None:
    assert facts("From: Anna <a@b.example>, Ben <c@d.example>").author_name == "Anna"
    assert facts("From: =?utf-8?q?nur_Text?=").author_name == "nur Text"


@pytest.mark.parametrize(
    "value", ["auto-replied", "auto-generated", "Auto-Notified", "", "yes", "no-thanks", "auto-replied; x=no"]
)
def test_r01_auto_submitted_other_than_no_is_automatic(value: str) -> None:
    assert letter(f"Auto-Submitted: {value}").automatic == Silence.AUTO_SUBMITTED.value


@pytest.mark.parametrize(
    "value", ["no", "NO", " No ", "no (a person (really) wrote it)", "(hi) no", "no; owner=x", "no (a;b)", "no ()(x)"]
)
def test_r01_auto_submitted_no_in_any_spelling_is_a_persons_mail(value: str) -> None:
    assert letter(f"Auto-Submitted: {value}").automatic == ""


def test_r01_second_auto_submitted_field_counts_too() -> None:
    assert letter("Auto-Submitted: no", "Auto-Submitted: auto-replied").automatic == "auto-submitted"


@pytest.mark.parametrize("name", ["List-Id", "List-Unsubscribe", "LIST-POST", "List-Anything"])
def test_r03_any_list_field_is_a_mailing_list(name: str) -> None:
    assert letter(f"{name}: <x>").automatic == Silence.MAILING_LIST.value


@pytest.mark.parametrize("value", ["bulk", "List", "JUNK", " bulk ", "bulk (a (nested) comment)"])
@pytest.mark.parametrize("name", ["Precedence", "X-Precedence"])
def test_r03_precedence_bulk_list_or_junk_is_bulk(name: str, value: str) -> None:
    assert letter(f"{name}: {value}").automatic == Silence.BULK.value


@pytest.mark.parametrize("value", ["first-class", "normal", "special-delivery", "urgent", ""])
def test_r03_other_precedence_is_a_persons_mail(value: str) -> None:
    assert letter(f"Precedence: {value}").automatic == ""


@pytest.mark.parametrize("value", ["All", "OOF", "AutoReply", "DR, RN, oof", "dr,AUTOREPLY"])
def test_r06_auto_response_suppress_is_obeyed(value: str) -> None:
    assert letter(f"X-Auto-Response-Suppress: {value}").automatic == Silence.AUTO_RESPONSE_SUPPRESS.value


@pytest.mark.parametrize("value", ["DR", "NRN, RN", "None", ""])
def test_r06_auto_response_suppress_of_receipts_only_is_a_persons_mail(value: str) -> None:
    assert letter(f"X-Auto-Response-Suppress: {value}").automatic == ""


@pytest.mark.parametrize(
    "line",
    [
        "Content-Type: multipart/report; report-type=delivery-status",
        "Content-Type: Multipart/Report",
        "Content-Type: message/delivery-status",
        "Content-Type: message/disposition-notification",
        "Return-Path: <>",
        "Return-Path:  <> ",
    ],
)
def test_r06_delivery_report_is_automatic(line: str) -> None:
    assert letter(line).automatic == Silence.REPORT.value


@pytest.mark.parametrize(
    "value", ["MAILER-DAEMON <>", "<>", "Mail Delivery Subsystem <MAILER-DAEMON>", "mailer-daemon", "Postmaster"]
)
def test_r06_author_that_is_a_server_without_a_domain_is_a_report(value: str) -> None:
    assert facts(f"From: {value}", "To: joe@example.org").automatic == Silence.REPORT.value


def test_ordinary_content_type_and_return_path_are_a_persons_mail() -> None:
    assert letter("Content-Type: multipart/mixed; boundary=report", "Return-Path: <anna@oak.example>").automatic == ""


def test_r20_own_challenge_coming_back_is_known_first_of_all() -> None:
    message = letter("Auto-Submitted: auto-replied", "List-Id: <x>", f"{CHALLENGE_FIELD}: 1")
    assert message.automatic == Silence.OWN_CHALLENGE.value


def test_every_kind_of_automatic_mail_is_a_silence() -> None:
    lines = ["List-Id: x", "Precedence: bulk", "Auto-Submitted: x", "Return-Path: <>", "X-Auto-Response-Suppress: all"]
    for line in [*lines, f"{CHALLENGE_FIELD}: 1"]:
        assert Silence(letter(line).automatic) in Silence


@pytest.mark.parametrize("name", ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", "TO"])
def test_r04_addressed_gathers_every_field_that_names_recipients(name: str) -> None:
    message = facts("From: a@b.example", f"{name}: Group: Joe <Joe+Shop@Example.ORG>, ann@example.org;")
    assert message.addressed == {"joe+shop@example.org", "joe@example.org", "ann@example.org"}


def test_r04_addressed_leaves_out_other_fields() -> None:
    assert facts("From: a@b.example", "Reply-To: joe@example.org", "Apparently-To: joe@example.org").addressed == set()


@pytest.mark.parametrize(
    ("value", "cited"),
    [
        ("<1@oak.example>", "<1@oak.example>"),
        ("junk <1@oak.example> <2@oak.example>", "<1@oak.example>"),
        ("1@oak.example", ""),
        ("<with blank@oak.example>", ""),
        ("<é@oak.example>", ""),
        ("<" + "a" * 251 + ">", ""),
        ("<>", ""),
        ("<a<b>", "<b>"),
    ],
)
def test_r16_message_id_is_cited_only_where_it_is_fit_to_be(value: str, cited: str) -> None:
    assert letter(f"Message-ID: {value}").message_id == cited


def test_r16_references_are_the_last_ten_or_in_reply_to() -> None:
    many = " ".join(f"<{number}@x>" for number in range(30))
    assert letter(f"References: {many}").references == tuple(f"<{number}@x>" for number in range(20, 30))
    assert letter("In-Reply-To: <7@x>").references == ("<7@x>",)
    assert letter("References: ", "In-Reply-To: <7@x>").references == ("<7@x>",)
    assert letter().references == ()


def test_r17_subject_is_one_bounded_line_whatever_hides_in_it() -> None:
    message = letter("Subject: é =?UTF-8?Q?=0D=0A?=Bcc: x@y.example " + "z" * 20_000)
    assert len(message.subject) == 500
    assert not set(message.subject) & set("\r\n")


def test_r20_hops_counts_received_fields_alone() -> None:
    assert letter("X-Received: x", "Received: 1", "received: 2", "Received-SPF: pass").hops == 2
