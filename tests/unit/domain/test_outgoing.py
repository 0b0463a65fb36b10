"""What mail of ours to the outside teaches, and what a reply to it shows."""

from __future__ import annotations

import pytest

from gateway.domain import header
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.message import read_message
from gateway.domain.outgoing import (
    MOST_CITED,
    MOST_RETURNED,
    Lesson,
    Untaught,
    cited,
    failed_mails,
    is_of_them,
    lesson,
    mail_hash,
    returned,
    unsealed,
)
from tests.unit.domain.letters import ANNA, JOE, block, head_of

OURS = frozenset({"example.org", "other.example"})
LETTER = ("From: Joe <joe@example.org>", "To: anna@oak.example", "Message-ID: <7@example.org>")


def taught(
    *recipients: Address, sender: Address = JOE, lines: tuple[str, ...] = LETTER, most: int = 3
) -> Lesson | Untaught:
    head = head_of(*lines)
    return lesson(sender, recipients or (ANNA,), head, read_message(head), OURS, most)


def learned(*recipients: Address, sender: Address = JOE, lines: tuple[str, ...] = LETTER) -> Lesson:
    found = taught(*recipients, sender=sender, lines=lines)
    assert isinstance(found, Lesson)
    return found


def test_lesson_of_a_letter_names_writer_reader_and_message_id() -> None:
    found = learned()
    assert (found.owner.key, [one.key for one in found.people]) == ("joe@example.org", ["anna@oak.example"])
    assert (found.readers, found.domains, found.mail_id) == (("joe@example.org",), ("oak.example",), "<7@example.org>")


def test_lesson_of_a_letter_to_ours_and_others_names_the_others_only() -> None:
    found = learned(ANNA, Address.of("kim@other.example"), Address.of("Bob@ELM.example"))
    assert [one.key for one in found.people] == ["anna@oak.example", "bob@elm.example"]
    assert found.domains == ("oak.example", "elm.example")


def test_lesson_names_sub_addresses_with_and_without_their_tag() -> None:
    found = learned(Address.of("anna+work@oak.example"), sender=Address.of("joe+shop@example.org"))
    assert [one.key for one in found.people] == ["anna+work@oak.example", "anna@oak.example"]
    assert found.owner.key == "joe@example.org"


def test_lesson_of_an_author_beside_the_sender_lets_replies_come_to_both() -> None:
    found = learned(lines=("From: sales+eu@example.org", "Message-ID: <7@example.org>"))
    assert (found.owner.key, found.readers) == ("joe@example.org", ("joe@example.org", "sales@example.org"))


def test_lesson_of_a_letter_to_a_machine_names_nobody_but_knows_the_replies() -> None:
    found = learned(Address.of("list-request@oak.example"))
    assert (found.people, found.domains) == ((), ("oak.example",))


def test_lesson_of_sealed_addresses_is_about_who_is_behind_the_seal() -> None:
    found = learned(
        Address.of("prvs=1234abcdef=anna@oak.example"), sender=Address.of("prvs=0987fedcba=joe@example.org")
    )
    assert (found.owner.key, [one.key for one in found.people]) == ("joe@example.org", ["anna@oak.example"])
    assert unsealed(JOE) is JOE


@pytest.mark.parametrize(
    ("sender", "why"),
    [
        (NULL_PATH, Untaught.NULL_REVERSE_PATH),
        (Address.of("eve@spam.example"), Untaught.NOT_OURS),
        (Address.of("joe@sub.example.org"), Untaught.NOT_OURS),
        (Address.of("noreply@example.org"), Untaught.NO_PERSON),
        (Address.of("SRS0=HHH=TT=spam.example=eve@example.org"), Untaught.NO_PERSON),
        (Address.of("news+anna=oak.example@example.org"), Untaught.NO_PERSON),
        (Address.of("bounces-anna=oak.example@example.org"), Untaught.NO_PERSON),
    ],
)
def test_lesson_of_a_sender_that_is_no_person_of_ours_is_none(sender: Address, why: Untaught) -> None:
    assert taught(sender=sender) is why


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Auto-Submitted: auto-replied", Untaught.AUTOMATIC),
        ("Auto-Submitted: auto-generated (digest)", Untaught.AUTOMATIC),
        ("Precedence: bulk", Untaught.AUTOMATIC),
        ("X-Auto-Response-Suppress: All", Untaught.AUTOMATIC),
        ("X-Autoreply: yes", Untaught.AUTOMATIC),
        ("X-AutoRespond: joe is away", Untaught.AUTOMATIC),
        ("X-Gateway-Challenge: 1", Untaught.AUTOMATIC),
        ("List-Id: <news.example.org>", Untaught.AUTOMATIC),
        ("Content-Type: multipart/report; report-type=disposition-notification", Untaught.AUTOMATIC),
        ("Resent-From: joe@example.org", Untaught.SENT_ON),
        ("Delivered-To: joe@example.org", Untaught.SENT_ON),
        ("X-Sieve-Redirected-From: joe@example.org", Untaught.SENT_ON),
        ("From: eve@spam.example", Untaught.NOT_ITS_AUTHOR),
    ],
)
def test_lesson_of_what_a_machine_wrote_or_somebody_else_is_none(line: str, why: Untaught) -> None:
    assert taught(lines=(*LETTER, line)) is why


def test_lesson_of_a_mail_that_a_stranger_wrote_is_none_for_he_knows_its_message_id() -> None:
    assert taught(lines=("From: eve@spam.example", "Message-ID: <known@spam.example>")) is Untaught.NOT_ITS_AUTHOR


def test_lesson_of_a_service_of_ours_is_none() -> None:
    assert taught(lines=("From: no-reply@example.org",)) is Untaught.AUTOMATIC


def test_lesson_of_mail_among_ours_or_to_very_many_is_none() -> None:
    assert taught(Address.of("kim@example.org")) is Untaught.NOBODY_OUTSIDE
    many = [Address.of(f"p{number}@oak.example") for number in range(4)]
    assert isinstance(taught(*many[:3]), Lesson)
    assert taught(*many) is Untaught.MAILING


def test_cited_mails_are_those_of_in_reply_to_and_the_end_of_references() -> None:
    thread = [f"<{number}@example.org>" for number in range(30)]
    found = cited(head_of("In-Reply-To: <7@example.org> (my letter)", f"References: {' '.join(thread)}"))
    assert found == tuple(map(mail_hash, ["<7@example.org>", *thread[-MOST_CITED:]]))
    assert cited(head_of("In-Reply-To: your letter")) == ()


REPORT = "Content-Type: multipart/report; report-type=delivery-status; boundary=b"


def test_returned_mails_are_those_that_a_report_gives_back_in_full_or_by_their_header() -> None:
    given_back = "\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: joe@example.org\r\nmessage-ID:\r\n <7@example.org>\r\n"
    own = "Message-ID: <report@oak.example>"
    content = block(REPORT, own) + given_back.encode()
    assert returned(header.split(content), content) == (mail_hash("<7@example.org>"),)
    other = block("Content-Type: multipart/mixed; boundary=b", own) + given_back.encode()
    assert returned(header.split(other), other) == ()
    assert returned(head_of(REPORT), block(REPORT)) == ()
    many = block(REPORT) + b"".join(b"Message-ID: <%d@example.org>\r\n" % number for number in range(9))
    assert len(returned(header.split(many), many)) == MOST_RETURNED


@pytest.mark.parametrize(
    ("action", "found"),
    [
        ("Action: failed", ("<7@example.org>",)),
        ("action:FAILED (bad)", ("<7@example.org>",)),
        ("Action: delayed", ()),
        ("", ()),
    ],
)
def test_failed_mails_are_those_that_a_report_gives_up(action: str, found: tuple[str, ...]) -> None:
    content = block(REPORT) + f"{action}\r\n\r\n--b\r\n\r\nMessage-ID: <7@example.org>\r\n".encode()
    assert failed_mails(header.split(content), content) == found
    plain = block("Content-Type: text/plain") + b"Action: failed\r\nMessage-ID: <7@example.org>\r\n"
    assert failed_mails(header.split(plain), plain) == ()


def test_mail_hash_tells_ids_apart_and_is_short() -> None:
    assert len(mail_hash("<7@example.org>")) == 16
    assert mail_hash("<7@example.org>") != mail_hash("<8@example.org>")


@pytest.mark.parametrize(
    ("author", "domain", "is_it"),
    [
        ("bob@oak.example", "oak.example", True),
        ("desk@help.oak.example", "oak.example", True),
        ("bob@oak.example", "help.oak.example", True),
        ("eve@soak.example", "oak.example", False),
        ("eve@elm.example", "oak.example", False),
        ("eve@example", "oak.example", False),
    ],
)
def test_author_is_one_of_those_written_to_within_their_domain(author: str, domain: str, is_it: bool) -> None:
    assert is_of_them(Address.of(author), (domain,)) is is_it
