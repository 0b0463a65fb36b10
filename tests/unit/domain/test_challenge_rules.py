"""When a sender may be asked: rules of automatic responders (RFC 3834, RFC 5230) and caps."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.challenge import (
    TOKEN_OCTETS,
    AskHistory,
    Asking,
    Caps,
    Silence,
    is_no_reply,
    may_ask,
    may_ask_again,
    token_hash,
    token_text,
    within_caps,
)
from gateway.domain.durations import DAY
from gateway.domain.evidence import NO_EVIDENCE, Evidence
from gateway.domain.message import Message
from tests.unit.domain.letters import ANNA, DKIM_OAK, JOE, PROVEN, letter

NOW = 1_700_000_000.0


def ask(
    *lines: str,
    asking: Asking = Asking.AUTHENTICATED,
    recipient: Address = JOE,
    reverse_path: Address = ANNA,
    evidence: Evidence = PROVEN,
    message: Message | None = None,
) -> Silence | None:
    return may_ask(asking, recipient, reverse_path, message or letter(*lines), evidence)


def test_unknown_proven_person_may_be_asked() -> None:
    assert ask() is None


@pytest.mark.parametrize("asking", Asking)
def test_r01_auto_submitted_other_than_no_is_never_asked(asking: Asking) -> None:
    assert ask("Auto-Submitted: auto-replied", asking=asking) is Silence.AUTO_SUBMITTED
    assert ask("Auto-Submitted: no") is None


@pytest.mark.parametrize("asking", Asking)
def test_r02_null_reverse_path_is_never_asked(asking: Asking) -> None:
    assert ask(asking=asking, reverse_path=NULL_PATH) is Silence.NULL_REVERSE_PATH


@pytest.mark.parametrize("asking", Asking)
@pytest.mark.parametrize(
    ("line", "silence"), [("List-Id: <x>", Silence.MAILING_LIST), ("Precedence: bulk", Silence.BULK)]
)
def test_r03_list_and_bulk_mail_is_never_asked(line: str, silence: Silence, asking: Asking) -> None:
    assert ask(line, asking=asking) is silence


@pytest.mark.parametrize("asking", Asking)
def test_r04_recipient_whom_the_mail_does_not_name_asks_nobody(asking: Asking) -> None:
    assert ask(recipient=Address.of("kim@example.org"), asking=asking) is Silence.NOT_ADDRESSED


@pytest.mark.parametrize(("named", "recipient"), [("joe@example.org", "Joe+shop@Example.org"), ("joe+shop@example.org", "joe@example.org"), ("JOE@EXAMPLE.ORG", "joe@example.org")])  # fmt: skip
def test_r04_recipient_named_by_another_spelling_or_sub_address_may_be_asked_for(named: str, recipient: str) -> None:
    message = replace(letter(f"Cc: {named}"))
    assert ask(recipient=Address.of(recipient), message=message) is None


NO_REPLY = [
    "MAILER-DAEMON", "postmaster", "Majordomo", "listserv", "no-reply", "noreply", "no_reply", "donotreply", "do-not-reply",
    "owner-oaks", "oaks-owner", "oaks-request", "oaks-bounces", "oaks-bounce", "bounce", "bounces", "bounce-77", "bounces+7=joe=x.example",
    "bounces-77", "noreply-77", "no-reply-77", "news.noreply", "news-no-reply", "noreply+77", "SRS0=abc=xy=b.example=joe",
    "srs1=x", "prvs=1234abcd=anna", "root", "nobody", '"noreply"',
]  # fmt: skip


@pytest.mark.parametrize("local", NO_REPLY)
def test_r05_address_behind_which_nobody_reads_is_never_asked(local: str) -> None:
    assert is_no_reply(Address.of(f"{local}@oak.example"))
    for asking in Asking:
        assert ask(reverse_path=Address.of(f"{local}@oak.example"), asking=asking) is Silence.NO_REPLY_ADDRESS


def test_r05_author_who_takes_no_reply_is_never_asked_at_another_reverse_path() -> None:
    message = replace(letter(), author=Address.of("MAILER-DAEMON@oak.example"))
    assert ask(message=message, asking=Asking.ALL) is Silence.NO_REPLY_ADDRESS


@pytest.mark.parametrize(
    "local", ["anna", "owner", "request", "bouncer", "norm", "reply", "noreplyto", "rooted", "srs"]
)
def test_r05_persons_whose_names_begin_alike_may_be_asked(local: str) -> None:
    assert not is_no_reply(Address.of(f"{local}@oak.example"))


@pytest.mark.parametrize("asking", Asking)
@pytest.mark.parametrize(
    ("line", "silence"),
    [
        ("X-Auto-Response-Suppress: All", Silence.AUTO_RESPONSE_SUPPRESS),
        ("Content-Type: multipart/report", Silence.REPORT),
    ],
)
def test_r06_suppressed_answers_and_reports_are_never_asked(line: str, silence: Silence, asking: Asking) -> None:
    assert ask(line, asking=asking) is silence


def test_r07_second_mail_within_the_days_is_not_asked_whatever_else() -> None:
    caps = Caps(per_sender_days=7)
    assert within_caps(caps, AskHistory(), NOW) is None
    for ago, silence in ((0.0, Silence.ASKED_RECENTLY), (7 * DAY - 1, Silence.ASKED_RECENTLY), (7 * DAY, None)):
        assert within_caps(caps, AskHistory(last_asked_at=NOW - ago), NOW) is silence


def test_r07_clock_set_back_asks_nobody_twice() -> None:
    assert within_caps(Caps(), AskHistory(last_asked_at=NOW + 400 * DAY), NOW) is Silence.ASKED_RECENTLY


@pytest.mark.parametrize("asking", [Asking.AUTHENTICATED, Asking.ALL])
def test_r08_sender_domain_that_takes_no_mail_is_never_asked(asking: Asking) -> None:
    evidence = replace(PROVEN, sender_domain_takes_mail=False)
    assert ask(evidence=evidence, asking=asking) is Silence.NO_MAIL_DOMAIN
    assert ask(evidence=replace(PROVEN, sender_domain_takes_mail=None), asking=asking) is None


def test_r09_thousand_forged_messages_are_asked_never() -> None:
    forged = [Address.of(f"victim{number}@oak{number % 7}.example") for number in range(1000)]
    assert {ask(reverse_path=address, evidence=NO_EVIDENCE) for address in forged} == {Silence.UNPROVEN}


def test_r09_author_proven_but_reverse_path_not_is_never_asked() -> None:
    evidence = Evidence(proofs=(DKIM_OAK,), reverse_path_proven=False)
    assert ask(evidence=evidence, reverse_path=Address.of("victim@elm.example")) is Silence.UNPROVEN_REVERSE_PATH


def test_r09_unproven_sender_may_be_asked_only_where_the_site_chose_to_ask_all() -> None:
    assert ask(evidence=NO_EVIDENCE, asking=Asking.ALL) is None


def test_r12_breaker_trips_at_each_ceiling() -> None:
    caps = Caps(per_domain_hour=3, per_recipient_hour=4, per_hour=5)
    assert within_caps(caps, AskHistory(to_domain_last_hour=2, for_recipient_last_hour=3, last_hour=4), NOW) is None
    for history in (
        AskHistory(to_domain_last_hour=3),
        AskHistory(for_recipient_last_hour=4),
        AskHistory(last_hour=5),
    ):
        assert within_caps(caps, history, NOW) is Silence.BUDGET


def test_disowned_address_is_not_asked_until_then() -> None:
    history = AskHistory(disowned_until=NOW + 1, last_asked_at=NOW)
    assert within_caps(Caps(), history, NOW) is Silence.DISOWNED
    assert within_caps(Caps(), AskHistory(disowned_until=NOW), NOW) is None


def test_switched_off_asks_nobody() -> None:
    assert ask(asking=Asking.OFF) is Silence.SWITCHED_OFF


@pytest.mark.parametrize("before", [None, *Silence])
def test_asking_again_keeps_to_what_the_mail_forbade_and_looks_at_the_rest_anew(before: Silence | None) -> None:
    passing = (None, Silence.SWITCHED_OFF, Silence.ASKED_RECENTLY, Silence.DISOWNED, Silence.CLOSED, Silence.BUDGET,
               Silence.UNDELIVERABLE)  # fmt: skip
    expected = None if before in passing else before
    for asking in (Asking.AUTHENTICATED, Asking.ALL):
        assert may_ask_again(asking, before, PROVEN) is expected
        assert may_ask_again(asking, before, NO_EVIDENCE) is (expected or Silence.UNPROVEN)
    assert may_ask_again(Asking.OFF, before, PROVEN) is (expected or Silence.SWITCHED_OFF)
    unproven_path = replace(PROVEN, reverse_path_proven=False)
    assert may_ask_again(Asking.ALL, before, unproven_path) is (expected or Silence.UNPROVEN_REVERSE_PATH)
    no_mail = replace(PROVEN, sender_domain_takes_mail=False)
    assert may_ask_again(Asking.ALL, before, no_mail) is (expected or Silence.NO_MAIL_DOMAIN)


def test_asking_over_every_combination_never_asks_what_must_not_be() -> None:
    cases = itertools.product(
        Asking,
        (NULL_PATH, ANNA, Address.of("noreply@oak.example")),
        (letter(), letter("List-Id: x"), letter("Auto-Submitted: auto-replied")),
        (JOE, Address.of("kim@example.org")),
        ((), (DKIM_OAK,)),
        (True, False),
        (True, False, None),
    )
    asked = 0
    for asking, reverse_path, message, recipient, proofs, path_proven, takes_mail in cases:
        evidence = Evidence(proofs=proofs, reverse_path_proven=path_proven, sender_domain_takes_mail=takes_mail)
        if may_ask(asking, recipient, reverse_path, message, evidence) is None:
            asked += 1
            assert asking is not Asking.OFF
            assert reverse_path == ANNA
            assert not message.automatic
            assert recipient == JOE
            assert takes_mail is not False
            assert asking is Asking.ALL or (proofs and path_proven)
    assert asked == 2 * (4 + 1)  # None and True of takes_mail: all four proofs with ALL, the best with AUTHENTICATED.


@given(st.binary(min_size=TOKEN_OCTETS, max_size=TOKEN_OCTETS))
def test_r38_token_is_32_letters_that_carry_160_bits(octets: bytes) -> None:
    token = token_text(octets)
    assert len(token) == 32
    assert set(token) <= set("abcdefghijkmnpqrstuvwxyz23456789")
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    number = sum(alphabet.index(char) << 5 * place for place, char in enumerate(token))
    assert number.to_bytes(TOKEN_OCTETS, "big") == octets  # Nothing of the chance is lost.


def test_r38_token_hash_is_32_octets_and_takes_any_text() -> None:
    assert len(token_hash("a")) == 32
    assert token_hash("a") != token_hash("b")
    assert len(token_hash("\ud800 é \0")) == 32
    assert len(token_hash("x" * 200_000)) == 32
