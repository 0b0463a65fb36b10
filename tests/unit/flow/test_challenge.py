"""Sending challenges: to whom, once, and what becomes of a failure."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.domain import reply
from gateway.domain.address import Address
from gateway.domain.challenge import token_hash
from gateway.domain.lifecycle import ChallengeState
from gateway.domain.reply import Reply
from gateway.flow.challenge import LEASE
from gateway.flow.moderate import Action
from gateway.flow.own_mail import OwnMail
from gateway.flow.rows import ChallengeRow
from gateway.flow.tally import TALLY, Happening
from tests.unit.flow.world import ANNA, DAY, DEFERRED, HOUR, JOE, KIM, NOW, REFUSED, RULES, World, letter


async def test_challenge_is_sent_with_a_link_that_leads_to_it(world: World) -> None:
    await world.arrive(letter("Grüße"))
    assert await world.challenger().run_once() == 1
    assert world.outside.urls == [f"https://gw.example.org/challenge/{world.outside.tokens()[0]}"]
    (view,) = await world.challenges()
    assert (view.state, view.attempts, view.sent_at, view.last_reply) == ("sent", 1, NOW, "250 2.0.0 OK")
    assert await world.challenger().run_once() == 0


async def test_r13_challenge_goes_to_the_envelope_reverse_path_alone(world: World) -> None:
    bounce = Address.of("real-envelope@oak.example")
    content = letter(
        "Hi", "Reply-To: reply@evil.example", "Sender: sender@evil.example", "Return-Path: <path@evil.example>"
    )
    await world.arrive(content, sender=bounce)
    await world.challenger().run_once()
    assert [recipient for recipient, _ in world.outside.sent] == [bounce.text]


async def test_public_url_names_the_recipient_domain_where_it_wants_to(world: World) -> None:
    await world.arrive(letter())
    await world.challenger("https://mail.{recipient_domain}/gw").run_once()
    assert world.outside.urls[0].startswith("https://mail.example.org/gw/challenge/")


async def test_r38_token_is_in_the_store_as_a_hash_only(world: World) -> None:
    token = await world.ask()
    await world.store.close()
    octets = world.octets_on_disk()
    assert token_hash(token) in octets
    assert token.encode() not in octets
    assert token.upper().encode() not in octets


async def test_challenge_may_be_answered_before_the_smart_host_has_replied(world: World) -> None:
    await world.arrive(letter())
    seen: list[str | None] = []

    async def send(recipient: str, content: bytes, smtputf8: bool) -> Reply:
        seen.append(await world.answers().solved(world.outside.tokens()[-1], b"p" * 16, "image"))
        return reply.OK

    challenger = world.challenger()
    challenger._send = send
    await challenger.run_once()
    assert seen[0] is not None
    (view,) = await world.challenges()
    assert view.state == "answered"  # The late reply of the smart host does not undo it.
    assert await world.states() == {JOE.text: "released"}


async def test_late_refusal_of_an_answered_challenge_leaves_the_rows_alone(world: World) -> None:
    await world.arrive(letter())

    async def send(recipient: str, content: bytes, smtputf8: bool) -> Reply:
        await world.answers().solved(world.outside.tokens()[-1], b"p" * 16, "image")
        return REFUSED

    challenger = world.challenger()
    challenger._send = send
    await challenger.run_once()
    (row,) = await world.pending()
    assert (row.state, row.silence) == ("released", "")


async def test_temporary_failure_is_tried_again_with_a_fresh_token_and_both_work(world: World) -> None:
    world.outside.answers = [DEFERRED]
    await world.arrive(letter())
    challenger = world.challenger()
    assert await challenger.run_once() == 1
    assert await challenger.run_once() == 0
    world.clock.at += 121
    assert await challenger.run_once() == 1
    one, two = world.outside.tokens()
    assert one != two
    for token in (one, two):
        assert await world.answers().look(token) is not None
    (view,) = await world.challenges()
    assert (view.state, view.attempts) == ("sent", 2)


async def test_r21_challenge_that_fails_for_a_day_is_given_up_and_marks_the_pending_item(world: World) -> None:
    world.outside.answers = [DEFERRED] * 100
    await world.arrive(letter())
    challenger = world.challenger()
    while world.clock.at < NOW + 3 * DAY:
        await challenger.run_once()
        world.clock.at += HOUR
    (view,) = await world.challenges()
    assert view.state == "failed"
    assert view.attempts < 30
    (row,) = await world.pending()
    assert (row.state, row.silence) == ("pending", "challenge-undeliverable")
    assert {recipient for recipient, _ in world.outside.sent} == {ANNA.text}  # Nobody else was told.


async def test_r21_permanent_refusal_is_not_tried_again(world: World) -> None:
    world.outside.answers = [REFUSED]
    await world.arrive(letter())
    TALLY.take()
    await world.challenger().run_once()
    world.clock.at += DAY
    assert await world.challenger().run_once() == 0
    (row,) = await world.pending()
    assert (row.silence, row.challenge) == ("challenge-undeliverable", "failed")
    assert [(slot.happening, times) for slot, times in TALLY.take().items()] == [(Happening.UNDELIVERABLE, 1)]


async def test_challenge_for_mail_that_was_moved_meanwhile_is_withheld_and_uses_up_no_share(world: World) -> None:
    await world.arrive(letter())
    (row,) = await world.pending()
    await world.moderator().act(Action.DELETE, [row.id], "cli")
    assert await world.challenger().run_once() == 0
    assert world.outside.sent == []
    (view,) = await world.challenges()
    assert (view.state, view.reason) == ("withheld", "no-longer-waiting")
    await world.arrive(letter("two"))
    assert await world.challenger().run_once() == 1


async def test_challenge_whose_time_is_over_is_withheld(world: World) -> None:
    await world.arrive(letter())
    world.clock.at += 14 * DAY
    assert await world.challenger().run_once() == 0
    assert [view.state for view in await world.challenges()] == ["withheld"]


async def test_workers_at_once_send_each_challenge_once(world: World) -> None:
    world.rules = RULES
    for number in range(12):
        await world.arrive(letter(str(number)), sender=Address.of(f"a{number}@oak{number}.example"))
    await asyncio.gather(*(world.challenger().run_once(most=5) for _ in range(6)))
    assert len(world.outside.sent) == len({recipient for recipient, _ in world.outside.sent}) == 12


async def test_worker_that_stalled_sends_no_token_that_was_not_kept(world: World) -> None:
    await world.arrive(letter())
    challenger = world.challenger()

    async def stall(row: ChallengeRow, url: str, now: float) -> OwnMail:
        world.clock.at += LEASE + 1
        await world.challenger().run_once()  # Another worker has taken it over.
        return await world.outside.compose(row, url, now)

    challenger._compose = stall
    await challenger.run_once()
    (view,) = await world.challenges()
    assert view.attempts == 1  # The stalled one could not save.
    for token in world.outside.tokens():
        assert await world.answers().look(token) is not None


async def test_worker_that_has_lost_its_lease_before_it_begins_sends_nothing(world: World) -> None:
    await world.arrive(letter())
    (row,) = await world.store.transact(lambda tx: tx.challenges.claim(NOW, 10, 999, NOW + LEASE, NOW + DAY))
    await world.challenger()._attempt(row, 12345)
    assert world.outside.sent == []


async def test_challenge_left_by_a_crash_is_taken_up_when_its_lease_ends(world: World) -> None:
    await world.arrive(letter())
    await world.store.transact(lambda tx: tx.challenges.claim(NOW, 10, 999, NOW + LEASE, NOW + DAY))
    assert await world.challenger().run_once() == 0
    world.clock.at += LEASE + 1
    assert await world.challenger().run_once() == 1


async def test_challenge_for_several_recipients_of_one_mail_is_one(world: World) -> None:
    await world.arrive(letter(to="joe@example.org, kim@example.org"), JOE, KIM)
    await world.challenger().run_once()
    assert len(world.outside.sent) == 1


async def test_sender_outside_ascii_is_sent_to_with_smtputf8(world: World) -> None:
    sender = Address.of("jürgen@oak.example")
    world.checks.evidence = replace(world.checks.evidence, reverse_path_proven=True)
    await world.arrive(letter(sender=sender.text), sender=sender)
    sent: list[bool] = []

    async def send(recipient: str, content: bytes, smtputf8: bool) -> Reply:
        sent.append(smtputf8)
        return reply.OK

    challenger = world.challenger()
    challenger._send = send
    await challenger.run_once()
    assert sent == [True]
    assert ChallengeState((await world.challenges())[0].state) is ChallengeState.SENT
