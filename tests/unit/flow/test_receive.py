"""From the dot to the answer: relayed, kept, or refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.domain import header, reply, trace
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.challenge import Asking, Caps
from gateway.domain.envelope import Recipient
from gateway.domain.evidence import NO_EVIDENCE, Evidence, Method, Proof
from gateway.domain.lists import UNPROVEN
from gateway.domain.reply import Reply
from gateway.flow.ports import Features, StoreDown, StoreFull
from gateway.flow.receive import Stage, own_domains, senders_of
from gateway.store.audit import audit
from tests.unit.domain.letters import letter as facts
from tests.unit.flow.world import (
    ANNA,
    DAY,
    DEFERRED,
    HOUR,
    JOE,
    KIM,
    NOW,
    PROVEN,
    REFUSED,
    RULES,
    FakeHop,
    World,
    letter,
    transaction,
    unmarked,
    with_policy,
)

BOTH = "joe@example.org, kim@example.org"
OTHER = Address.of("liz@other.example")


async def rcpt(world: World, recipient: Address, sender: Address = ANNA) -> Reply:
    return await world.receiver().recipient(transaction(sender=sender), Recipient(recipient))


# --- RCPT ---


async def test_recipient_of_a_foreign_domain_is_refused(world: World) -> None:
    assert await rcpt(world, Address.of("x@elsewhere.example")) == reply.NOT_OUR_DOMAIN
    assert world.hop.verified == []


async def test_recipient_of_ours_is_taken_when_the_next_hop_takes_it(world: World) -> None:
    assert await rcpt(world, JOE) == reply.RCPT_OK
    assert world.hop.verified == [("anna@oak.example", "joe@example.org")]


@pytest.mark.parametrize("answer", [REFUSED, DEFERRED, reply.NEXT_HOP_DOWN])
async def test_r35_recipient_the_next_hop_refuses_is_answered_at_rcpt_with_its_words(
    world: World, answer: Reply
) -> None:
    world.hop.verdicts[JOE.key] = answer
    assert await rcpt(world, JOE) == answer


async def test_recipient_is_not_asked_about_where_the_site_does_not_want_it(world: World) -> None:
    world.rules = replace(RULES, check_recipients=False)
    world.hop.verdicts[JOE.key] = REFUSED
    assert await rcpt(world, JOE) == reply.RCPT_OK
    assert world.hop.verified == []


async def test_denied_reverse_path_is_refused_for_the_recipients_of_the_entry(world: World) -> None:
    await world.deny(scope="joe@example.org")
    assert await rcpt(world, JOE) == reply.REFUSED_BY_POLICY
    assert await rcpt(world, KIM) == reply.RCPT_OK
    assert world.hop.verified == [("anna@oak.example", "kim@example.org")]


async def test_allow_entry_nearer_than_a_deny_entry_wins_at_rcpt(world: World) -> None:
    await world.deny("@oak.example")
    await world.allow("anna@oak.example")
    assert await rcpt(world, JOE) == reply.RCPT_OK
    assert await rcpt(world, JOE, Address.of("eve@oak.example")) == reply.REFUSED_BY_POLICY


async def test_null_reverse_path_is_denied_by_nothing(world: World) -> None:
    await world.deny("@oak.example")
    assert await rcpt(world, JOE, NULL_PATH) == reply.RCPT_OK


@pytest.mark.parametrize("local", ["postmaster", "abuse", "PostMaster"])
async def test_r25_postmaster_and_abuse_are_taken_from_denied_senders(world: World, local: str) -> None:
    await world.deny()
    assert await rcpt(world, Address.of(f"{local}@example.org")) == reply.RCPT_OK


async def test_after_queue_no_recipient_is_ever_refused_for_good(world: World) -> None:
    world.rules = with_policy(stage=Stage.AFTER_QUEUE)
    await world.deny()
    world.hop.verdicts[JOE.key] = REFUSED
    assert await rcpt(world, JOE) == reply.RCPT_OK
    assert (await rcpt(world, Address.of("x@elsewhere.example"))).temporary


async def test_recipient_while_the_store_is_down_is_not_answered_with_a_guess(world: World) -> None:
    await world.store.close()
    with pytest.raises(StoreDown):
        await rcpt(world, JOE)


# --- features ---


async def test_features_are_what_every_next_hop_offers(world: World) -> None:
    world.hops["other.example"] = FakeHop(Features(True, size=1000, eight_bit=True, smtputf8=False, dsn=True))
    world.hop.features = Features(True, size=0, eight_bit=False, smtputf8=True, dsn=True)
    assert world.receiver().features() == Features(True, size=1000, eight_bit=False, smtputf8=False, dsn=True)
    world.hop.features = replace(world.hop.features, known=False, size=500)
    assert world.receiver().features() == Features(False, size=500, eight_bit=False, smtputf8=False, dsn=True)


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


async def test_released_mail_that_comes_round_again_is_not_held_even_when_denied(world: World) -> None:
    await world.allow()
    await world.arrive(letter())
    ((_, taken),) = world.hop.taken
    await world.deny(scope="joe@example.org")
    world.checks.evidence = NO_EVIDENCE
    assert await world.arrive(taken) == reply.OK
    assert len(world.hop.taken) == 2


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
async def test_partial_refusal_that_no_rcpt_ever_hears_is_kept_for_each(world: World, rules: object) -> None:
    world.rules = rules  # type: ignore[assignment]
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


# --- a client's retry ---


async def test_retry_of_a_client_finds_the_same_rows(world: World) -> None:
    await world.allow(scope="joe@example.org")
    for wait in (0.0, 60.0, HOUR, 20 * HOUR):
        world.clock.at = NOW + wait
        assert await world.arrive(letter(to=BOTH), JOE, KIM) == reply.HELD
    assert len(await world.pending()) == 2
    assert len(await world.challenges()) == 1
    while await world.deliverer().run_once():
        pass
    assert await world.arrive(letter(to=BOTH), JOE, KIM) == reply.HELD
    await world.deliverer().run_once()
    assert world.hop.delivered_to() == [JOE.text]


async def test_retry_with_a_further_recipient_keeps_that_one_only(world: World) -> None:
    await world.arrive(letter(to=BOTH), JOE)
    await world.arrive(letter(to=BOTH), JOE, KIM)
    assert sorted(row.recipient for row in await world.pending()) == [JOE.text, KIM.text]


async def test_twenty_copies_at_once_are_one_row_and_one_challenge(world: World) -> None:
    answers = await asyncio.gather(*(world.arrive(letter()) for _ in range(20)))
    assert set(answers) == {reply.HELD}
    assert len(await world.pending()) == 1
    assert len(await world.challenges()) == 1


async def test_same_octets_from_another_sender_or_after_the_window_are_another_mail(world: World) -> None:
    await world.arrive(letter())
    await world.arrive(letter(), sender=Address.of("eve@oak.example"))
    assert len(await world.pending()) == 2
    world.clock.at += DAY
    await world.arrive(letter())
    assert len(await world.pending()) == 3


async def test_mail_sent_again_after_it_was_deleted_is_held_again(world: World) -> None:
    await world.arrive(letter())
    (row,) = await world.pending()
    await world.answers().withdraw(await token_of(world))
    assert (await world.pending())[0].state == "deleted"
    await world.arrive(letter())
    assert [each.state for each in await world.pending()] == ["deleted", "pending"]
    assert row.id


async def token_of(world: World) -> str:
    await world.challenger().run_once()
    return world.outside.tokens()[-1]


# --- when nothing can be kept ---


async def test_r23_held_mail_is_not_acknowledged_while_the_store_is_down(world: World) -> None:
    receiver = world.receiver()
    await world.store.entries(("anna@oak.example", "@oak.example", "@.example"))
    await world.store.close()
    with pytest.raises(StoreDown):
        await receiver.message(transaction(JOE), letter())
    assert world.woken == []


async def test_r23_held_mail_is_not_acknowledged_when_the_disk_is_full(world: World) -> None:
    await world.store.transact(lambda tx: tx.connection.exec_driver_sql("PRAGMA max_page_count=60"))
    with pytest.raises(StoreFull):
        await world.arrive(letter(body="x" * 1_000_000))
    assert await world.pending() == []
    assert await world.arrive(letter()) == reply.HELD


async def test_r23_held_mail_is_on_disk_when_it_is_acknowledged(world: World) -> None:
    await world.arrive(letter(body="a body to be found again"))
    assert b"a body to be found again" in world.octets_on_disk()


async def test_everything_received_stands_in_exactly_one_state(world: World) -> None:
    await world.allow(scope="joe@example.org")
    for subject in ("a", "b"):
        await world.arrive(letter(subject, to=BOTH), JOE, KIM)
    await world.deliverer().run_once()
    report = await world.store.look(lambda tx: audit(tx.connection, lambda done, total: None))
    assert report.faults == []
    assert report.states == {"delivered": 2, "pending": 2}


# --- small parts ---


def test_senders_of_a_mail_are_its_reverse_path_and_its_author() -> None:
    bounce = Address.of("b@esp.example")
    assert senders_of(ANNA, facts()) == (ANNA,)
    assert senders_of(bounce, facts()) == (bounce, ANNA)
    assert senders_of(NULL_PATH, facts()) == (ANNA,)
    assert senders_of(bounce, replace(facts(), author=None)) == (bounce,)
    assert senders_of(NULL_PATH, replace(facts(), author=None)) == ()


async def test_mail_without_any_sender_is_held_without_asking_the_lists(world: World) -> None:
    content = b"Subject: no author\r\n\r\nHello\r\n"
    assert await world.arrive(content, sender=NULL_PATH) == reply.HELD


def test_own_domains_are_compared_as_a_labels() -> None:
    assert own_domains(["Example.ORG.", "bücher.example"]) == {"example.org", "xn--bcher-kva.example"}


async def test_asking_switched_off_holds_in_silence(world: World) -> None:
    world.rules = with_policy(asking=Asking.OFF)
    await world.arrive(letter())
    assert [row.silence for row in await world.pending()] == ["challenges-off"]
