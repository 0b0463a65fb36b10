"""From the dot to the answer: relayed, kept, or refused."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from gateway.domain import header, reply, trace
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.challenge import Caps
from gateway.domain.evidence import NO_EVIDENCE, Evidence, Method, Proof
from gateway.domain.lists import UNPROVEN
from gateway.domain.reply import Reply
from gateway.flow.receive_rules import ReceiveRules, Stage
from tests.unit.flow.world import (
    ANNA,
    DAY,
    DEFERRED,
    HOUR,
    JOE,
    KIM,
    NOW,
    OWN_SERVER,
    PROVEN,
    REFUSED,
    RULES,
    FakeHop,
    World,
    letter,
    unmarked,
    with_policy,
)

BOTH = "joe@example.org, kim@example.org"
OTHER = Address.of("liz@other.example")


async def test_held_mail_keeps_the_score_of_the_filter_in_front_where_one_is_named(world: World) -> None:
    content = b"X-Spam-Score: 7.5\r\nX-Spam-Score: -50\r\n" + letter()
    await world.arrive(content)
    world.rules = replace(world.rules, score_field="X-Spam-Score")
    await world.arrive(content + b"P.S.\r\n")
    await world.arrive(letter())
    with sqlite3.connect(world.file) as connection:
        assert connection.execute("SELECT score FROM message ORDER BY id").fetchall() == [(None,), (7.5,), (None,)]
    connection.close()


# --- relay ---


async def test_allowed_mail_is_relayed_in_the_session_and_the_next_hops_answer_is_ours(world: World) -> None:
    await world.allow()
    content = letter()
    assert await world.arrive(content) == reply.OK
    ((envelope, taken),) = world.hop.taken
    assert envelope.reverse_path == ANNA
    assert [recipient.address for recipient in envelope.recipients] == [JOE]
    assert envelope.client is not None
    assert envelope.client.address == "192.0.2.7"
    assert unmarked(taken) == content
    assert await world.pending() == []
    for answer in (DEFERRED, REFUSED):
        world.hop.answers[JOE.key] = answer
        assert await world.arrive(content) == answer
    assert await world.pending() == []


async def test_r26_r31_r32_relayed_octets_are_the_original_below_our_fields_without_forged_ones(world: World) -> None:
    await world.allow()
    forged = "Authentication-Results: gw.example.org; dkim=pass header.d=bank.example"
    content = letter("Hi", forged, body="raw \udcff\r\n.dot\r\n..\r\n")
    await world.arrive(content)
    ((_, taken),) = world.hop.taken
    head = header.split(taken)
    names = [each.name for each in head.fields]
    assert names[:3] == [b"x-gateway-release", b"authentication-results", b"received"]
    assert names.count(b"received") == 1
    assert names.count(b"authentication-results") == 1
    assert b"return-path" not in names
    assert b"with ESMTP id 3fX" in (head.first(b"received") or b"")
    assert unmarked(taken) == content.replace(forged.encode() + b"\r\n", b"")


async def test_released_mail_that_a_server_of_ours_sends_round_again_is_not_held(world: World) -> None:
    await world.allow()
    await world.arrive(letter())
    ((_, taken),) = world.hop.taken
    world.checks.evidence = NO_EVIDENCE
    assert await world.arrive(taken, KIM, client=OWN_SERVER) == reply.OK
    assert len(world.hop.taken) == 2


async def test_released_mail_that_a_stranger_sends_again_is_held(world: World) -> None:
    await world.allow()
    await world.arrive(letter())
    ((_, taken),) = world.hop.taken
    world.checks.evidence = NO_EVIDENCE
    assert await world.arrive(taken, KIM) == reply.HELD


async def test_released_mail_whose_sender_was_denied_meanwhile_is_refused(world: World) -> None:
    await world.allow()
    await world.arrive(letter())
    ((_, taken),) = world.hop.taken
    await world.deny(scope="joe@example.org")
    assert await world.arrive(taken, client=OWN_SERVER) == reply.REFUSED_BY_POLICY


async def test_release_mark_made_by_somebody_else_lets_nothing_through(world: World) -> None:
    content = letter()
    mark = trace.release_mark(b"x" * 32, content, header.split(content), NOW)
    assert await world.arrive(mark + content) == reply.HELD


async def test_allowed_recipients_with_different_next_hops_are_kept_and_owed(world: World) -> None:
    await world.allow()
    world.hops["other.example"] = FakeHop()
    assert await world.arrive(letter(), JOE, OTHER) == reply.HELD
    assert await world.states() == {JOE.text: "released", OTHER.text: "released"}
    assert world.woken == ["deliveries"]
    await world.deliverer().run_once()
    assert world.hop.delivered_to() == [JOE.text]
    assert world.hops["other.example"].delivered_to() == [OTHER.text]


@pytest.mark.parametrize(
    ("joe", "kim", "answer", "states"),
    [
        (REFUSED, REFUSED, REFUSED, {}),
        (DEFERRED, DEFERRED, DEFERRED, {}),
        (REFUSED, DEFERRED, DEFERRED, {}),
        (None, REFUSED, reply.TRY_LATER, {}),  # The next RCPT of the refused one hears it.
        (None, DEFERRED, reply.HELD, {JOE.text: "released", KIM.text: "released"}),
    ],
)
async def test_partial_refusal_of_the_next_hop_gets_the_one_answer_that_is_true_for_all(
    world: World, joe: Reply | None, kim: Reply | None, answer: Reply, states: dict[str, str]
) -> None:
    await world.allow()
    world.hop.answers = {key: told for key, told in ((JOE.key, joe), (KIM.key, kim)) if told}
    assert await world.arrive(letter(to=BOTH), JOE, KIM) == answer
    assert await world.states() == states
    assert world.hop.taken == []  # Nobody got it yet who would get it again.


@pytest.mark.parametrize("rules", [with_policy(stage=Stage.AFTER_QUEUE), replace(RULES, check_recipients=False)])
async def test_partial_refusal_that_no_rcpt_ever_hears_is_kept_for_each(world: World, rules: ReceiveRules) -> None:
    world.rules = rules
    await world.allow()
    world.hop.answers = {KIM.key: REFUSED}
    assert await world.arrive(letter(to=BOTH), JOE, KIM) == reply.HELD
    await world.deliverer().run_once()
    assert await world.states() == {JOE.text: "delivered", KIM.text: "refused"}


# --- hold ---


async def test_unknown_proven_sender_is_held_and_asked(world: World) -> None:
    assert await world.arrive(letter("Grüße")) == reply.HELD
    (row,) = await world.pending()
    assert (row.state, row.reason, row.silence, row.challenge) == ("pending", "unknown-sender", "", "queued")
    assert (row.subject, row.sender, row.expires_at) == ("Grüße", ANNA.text, NOW + 14 * DAY)
    assert world.woken == ["challenges"]
    assert world.hop.attempts == []


@pytest.mark.parametrize(
    ("content", "evidence", "sender", "reason", "silence"),
    [
        (letter(), NO_EVIDENCE, ANNA, "unproven-sender", "unproven-sender"),
        (letter(), replace(PROVEN, reverse_path_proven=False), ANNA, "unknown-sender", "unproven-reverse-path"),
        (
            letter(),
            replace(PROVEN, sender_domain_takes_mail=False),
            ANNA,
            "unknown-sender",
            "sender-domain-takes-no-mail",
        ),
        (letter(), PROVEN, NULL_PATH, "null-reverse-path", "null-reverse-path"),
        (letter("Hi", "Auto-Submitted: auto-replied"), PROVEN, ANNA, "automatic-mail", "auto-submitted"),
        (letter("Hi", "List-Id: <x>"), PROVEN, ANNA, "automatic-mail", "mailing-list"),
        (letter("Hi", "X-Gateway-Challenge: 1"), PROVEN, ANNA, "automatic-mail", "own-challenge"),
        (letter(to="else@example.org"), PROVEN, ANNA, "unknown-sender", "not-addressed-to-recipient"),
        (letter(), PROVEN, Address.of("no-reply@oak.example"), "unknown-sender", "no-reply-address"),
    ],
)
async def test_r01_r02_r03_r04_r05_r08_r09_r20_mail_that_must_not_be_asked_is_held_in_silence(
    world: World, content: bytes, evidence: Evidence, sender: Address, reason: str, silence: str
) -> None:
    world.checks.evidence = evidence
    assert await world.arrive(content, sender=sender) == reply.HELD
    (row,) = await world.pending()
    assert (row.state, row.reason, row.silence, row.challenge) == ("pending", reason, silence, "")
    assert world.woken == []
    assert await world.challenger().run_once() == 0


async def test_r07_second_mail_of_a_sender_is_held_without_a_second_challenge(world: World) -> None:
    await world.arrive(letter("one"))
    world.clock.at += DAY
    await world.arrive(letter("two", to="kim@example.org"), KIM)
    assert [row.silence for row in await world.pending()] == ["", "asked-recently"]
    world.clock.at += 7 * DAY
    await world.arrive(letter("three"))
    assert len(await world.challenges()) == 2


@pytest.mark.parametrize("caps", [Caps(per_hour=3), Caps(per_domain_hour=3), Caps(per_recipient_hour=3)])
async def test_r12_breaker_stops_challenges_within_the_hour(world: World, caps: Caps) -> None:
    world.rules = replace(RULES, caps=caps)
    for number in range(5):
        await world.arrive(letter(str(number)), sender=Address.of(f"a{number}@oak.example"))
    assert [row.silence for row in await world.pending()] == ["", "", "", "over-budget", "over-budget"]
    world.clock.at += HOUR + 1
    await world.arrive(letter("later"), sender=Address.of("z@oak.example"))
    assert len(await world.challenges()) == 4


async def test_r09_thousand_forged_mails_make_no_challenge(world: World) -> None:
    world.checks.evidence = NO_EVIDENCE
    await asyncio.gather(
        *(world.arrive(letter(str(n)), sender=Address.of(f"v{n % 9}@victim{n % 7}.example")) for n in range(1000))
    )
    assert await world.challenges() == []
    assert await world.challenger().run_once() == 0
    assert world.outside.sent == []


async def test_r25_postmaster_is_never_held_nor_asked(world: World) -> None:
    world.checks.evidence = NO_EVIDENCE
    await world.deny()
    postmaster = Address.of("postmaster@example.org")
    assert await world.arrive(letter(), postmaster) == reply.OK
    assert world.hop.delivered_to() == [postmaster.text]
    assert await world.pending() == []


async def test_forged_allowed_sender_is_held(world: World) -> None:
    await world.allow()
    world.checks.evidence = NO_EVIDENCE
    assert await world.arrive(letter()) == reply.HELD
    (row,) = await world.pending()
    assert row.reason == "allowlisted-but-unproven"


async def test_allowed_sender_forged_as_reverse_path_of_a_proven_stranger_is_held(world: World) -> None:
    await world.allow()
    world.checks.evidence = Evidence(proofs=(Proof(Method.DKIM, "evil.example"),))
    assert await world.arrive(letter(sender="mallory@evil.example")) == reply.HELD


async def test_allow_entry_for_the_author_lets_newsletters_with_changing_reverse_paths_through(world: World) -> None:
    await world.allow()
    assert await world.arrive(letter("News", "List-Id: <x>"), sender=Address.of("bounce-77@esp.example")) == reply.OK


async def test_new_entry_counts_for_the_next_message(world: World) -> None:
    assert await world.arrive(letter("one")) == reply.HELD
    await world.allow()
    assert await world.arrive(letter("two")) == reply.OK


# --- mixed recipients ---


async def test_mixed_recipients_are_all_kept_each_with_its_own_fate(world: World) -> None:
    await world.allow(scope="joe@example.org")
    await world.deny(scope="liz@other.example")
    assert await world.arrive(letter(to=BOTH), JOE, KIM, OTHER) == reply.HELD
    assert await world.states() == {JOE.text: "released", KIM.text: "pending", OTHER.text: "blocked"}
    assert sorted(world.woken) == ["challenges", "deliveries"]
    assert world.hop.taken == []
    await world.deliverer().run_once()
    assert world.hop.delivered_to() == [JOE.text]


async def test_challenge_of_a_mixed_mail_speaks_for_a_recipient_that_the_mail_names(world: World) -> None:
    await world.arrive(letter(to="kim@example.org"), JOE, KIM)
    (challenge,) = await world.challenges()
    assert challenge.recipient == KIM.text
    assert {row.recipient: row.silence for row in await world.pending()} == {
        JOE.text: "not-addressed-to-recipient",
        KIM.text: "",
    }


async def test_same_recipient_named_twice_is_one_row(world: World) -> None:
    await world.arrive(letter(), JOE, Address.of("JOE@Example.org"))
    assert len(await world.pending()) == 1


# --- refuse ---


async def test_denied_author_is_refused_after_the_dot(world: World) -> None:
    await world.deny("@evil.example")
    assert await world.arrive(letter(sender="mallory@evil.example")) == reply.REFUSED_BY_POLICY
    assert await world.pending() == []


async def test_after_queue_denied_mail_is_dropped_with_a_record(world: World) -> None:
    world.rules = with_policy(stage=Stage.AFTER_QUEUE)
    await world.deny()
    assert await world.arrive(letter()) == reply.HELD
    (row,) = await world.pending()
    assert (row.state, row.reason) == ("blocked", "denylist")
    assert await world.arrive(letter()) == reply.HELD  # The queue's retry finds the record.
    assert len(await world.pending()) == 1


async def test_after_queue_refusal_of_the_next_hop_never_bounces_to_an_unproven_sender(world: World) -> None:
    world.rules = with_policy(stage=Stage.AFTER_QUEUE)
    await world.allow(proof=UNPROVEN)
    world.checks.evidence = NO_EVIDENCE
    world.hop.answers[JOE.key] = REFUSED
    assert await world.arrive(letter()) == reply.HELD
    await world.deliverer().run_once()
    assert await world.states() == {JOE.text: "refused"}


async def test_after_queue_refusal_of_the_next_hop_is_told_to_a_proven_sender(world: World) -> None:
    world.rules = with_policy(stage=Stage.AFTER_QUEUE)
    await world.allow()
    world.hop.answers[JOE.key] = REFUSED
    assert await world.arrive(letter()) == REFUSED


@pytest.mark.parametrize("stage", Stage)
async def test_no_combination_of_list_and_proof_is_5yz_after_the_queue(world: World, stage: Stage) -> None:
    await world.deny("@evil.example")
    await world.allow("@oak.example")
    for evidence in (PROVEN, NO_EVIDENCE):
        for sender in ("anna@oak.example", "mallory@evil.example", "new@elm.example"):
            world.rules = with_policy(stage=stage)
            world.checks.evidence = evidence
            answer = await world.arrive(letter(f"{sender} {evidence.source}", sender=sender), sender=Address.of(sender))
            assert answer.accepted or (stage is not Stage.AFTER_QUEUE and "evil" in sender)


async def test_r20_loop_is_refused_at_too_many_hops(world: World) -> None:
    received = ["Received: from a by b"] * 50
    assert await world.arrive(letter("Hi", *received)) == reply.HELD
    assert await world.arrive(letter("Hi", *received, "Received: x")) == reply.LOOP
    assert len(await world.pending()) == 1


async def test_header_too_big_is_refused(world: World) -> None:
    assert await world.arrive(letter("Hi", "X: " + "x" * 300_000)) == reply.HEADER_TOO_BIG


async def test_header_too_big_behind_a_queue_waits_in_silence_and_never_bounces(world: World) -> None:
    world.rules = with_policy(stage=Stage.AFTER_QUEUE)
    world.checks.evidence = NO_EVIDENCE
    assert await world.arrive(letter("Hi", *["X: " + "x" * 900] * 400)) == reply.HELD
    (row,) = await world.pending()
    assert (row.sender, row.silence) == (ANNA.text, "unproven-sender")
    assert await world.challenges() == []
