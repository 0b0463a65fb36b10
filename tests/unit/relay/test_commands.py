from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.envelope import Client, Envelope, Recipient
from gateway.flow.ports import Features
from gateway.relay import commands
from gateway.relay.ehlo import HELO_ONLY, Offer, read_offer
from tests.unit.relay.letters import CLIENT, to

ALL = Offer(
    Features(True, 10, True, True, True, True),
    pipelining=True,
    size=True,
    xforward=frozenset({"NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"}),
)
FULL = Envelope(
    Address.of("anna@oak.example"),
    (Recipient(Address.of("jo@example.org"), "FAILURE,DELAY", "rfc822;jo+2B@example.org"),),
    body_8bit=True, smtputf8=True, ret="HDRS", envid="QQ314",
)  # fmt: skip


def test_mail_everything_offered_carries_every_parameter() -> None:
    line = commands.mail(FULL, ALL, 1234, smtputf8=True)
    assert line == "MAIL FROM:<anna@oak.example> SIZE=1234 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314"


def test_mail_nothing_offered_carries_no_parameter() -> None:
    assert commands.mail(FULL, HELO_ONLY, 1234, smtputf8=True) == "MAIL FROM:<anna@oak.example>"


def test_mail_null_reverse_path_is_empty_brackets() -> None:
    assert commands.mail(replace(to("jo@example.org"), reverse_path=NULL_PATH), ALL, 0, False) == "MAIL FROM:<>"


def test_rcpt_dsn_offered_carries_notify_and_orcpt() -> None:
    line = commands.rcpt(FULL.recipients[0], ALL)
    assert line == "RCPT TO:<jo@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;jo+2B@example.org"


def test_rcpt_dsn_not_offered_carries_none() -> None:
    assert commands.rcpt(FULL.recipients[0], HELO_ONLY) == "RCPT TO:<jo@example.org>"


@pytest.mark.parametrize("control", ["\r", "\n", "\x00", "\x7f"])
def test_rcpt_control_in_address_raises(control: str) -> None:
    with pytest.raises(commands.UnsafeCommand):
        commands.rcpt(Recipient(Address(f"jo{control}@example.org", "")), ALL)


def test_xforward_everything_known_tells_all_in_two_commands() -> None:
    assert [*commands.xforward(CLIENT, ALL.xforward)] == [
        "XFORWARD NAME=mx.oak.example ADDR=IPV6:2001:db8::1 PORT=4321",
        "XFORWARD PROTO=ESMTPS HELO=mx.oak.example IDENT=4XyZ SOURCE=REMOTE",
    ]


def test_xforward_unknown_values_are_unavailable() -> None:
    assert [*commands.xforward(Client("unknown", protocol="", source=""), frozenset({"NAME", "ADDR", "PORT"}))] == [
        "XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE]"
    ]


def test_xforward_only_offered_attributes_are_told() -> None:
    assert [*commands.xforward(CLIENT, frozenset({"HELO"}))] == ["XFORWARD HELO=mx.oak.example"]
    assert [*commands.xforward(CLIENT, frozenset())] == []


def test_xforward_hostile_name_cannot_leave_its_attribute() -> None:
    lines = [*commands.xforward(Client("192.0.2.1", helo="a b=c+d\r\nRSET\x00é"), frozenset({"HELO"}))]
    assert lines == ["XFORWARD HELO=a+20b+3Dc+2Bd+0D+0ARSET+00+C3+A9"]


@pytest.mark.parametrize(
    ("sender", "recipient", "asked", "content", "needed"),
    [
        ("a@b.example", "c@d.example", False, b"\xff", False),
        ("a@b.example", "c@d.example", True, b"ascii", False),
        ("a@b.example", "c@d.example", True, b"\xc3\xa9", True),
        ("é@b.example", "c@d.example", False, b"ascii", True),
        ("a@b.example", "c@é.example", False, b"ascii", True),
    ],
)
def test_smtputf8_is_needed_only_where_something_is_not_ascii(
    sender: str, recipient: str, asked: bool, content: bytes, needed: bool
) -> None:
    envelope = replace(to(recipient, sender=sender), smtputf8=asked)
    assert commands.needs_smtputf8(envelope, [b"Subject: x\r\n\r\n", content]) is needed


def test_offer_reads_keywords_in_any_case_and_spelling() -> None:
    offer = read_offer(
        "far\npipelining\nSize 1000\n8bitmime\nSMTPUTF8\nDSN\nSTARTTLS\nAUTH PLAIN\nAUTH=login\nXFORWARD name"
    )
    assert offer.features == Features(True, 1000, True, True, True, True)
    assert offer.pipelining
    assert offer.starttls
    assert offer.size
    assert offer.auth == {"PLAIN", "LOGIN"}
    assert offer.xforward == {"NAME"}


@pytest.mark.parametrize("size", ["SIZE", "SIZE x", "SIZE -1", "SIZE " + "9" * 21, "SIZE ٣"])
def test_offer_odd_size_is_no_limit(size: str) -> None:
    assert read_offer(f"far\n{size}\n\n").features.size == 0
