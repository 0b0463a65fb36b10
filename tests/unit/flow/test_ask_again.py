"""A sender is asked once more by hand: within the caps, while its mail waits, and never where the mail itself forbids it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain import reply
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.challenge import Asking, Caps, Silence
from gateway.domain.evidence import NO_EVIDENCE, Evidence
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.ask_again import AskAgain, Ruling
from gateway.flow.moderate import Action
from tests.unit.flow.world import DAY, JOE, KIM, NOW, PROVEN, PUZZLE, RULES, World, letter

VIEWER = Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
AUDITOR = Viewer(3, "audit", Role.AUDITOR, Reach(site=True))


def asker(world: World, caps: Caps = RULES.caps) -> AskAgain:
    return AskAgain(
        world.store, world.rules.policy, caps, now=world.clock.now,
        wake_challenges=lambda: world.woken.append("asked again"),
    )  # fmt: skip


async def test_sender_is_asked_again_after_the_days_and_either_link_opens(world: World) -> None:
    first = await world.ask()
    world.clock.at += 8 * DAY
    ruling = await asker(world).ask(VIEWER, 1)
    assert ruling == Ruling(None, challenge=2)
    assert world.woken[-1] == "asked again"
    assert await world.challenger().run_once() == 1
    second = world.outside.tokens()[-1]
    assert [recipient for recipient, _ in world.outside.sent] == ["anna@oak.example"] * 2
    for token in (first, second):
        found = await world.answers().look(token)
        assert found is not None
        assert found.expires_at == NOW + 14 * DAY
    assert await world.answers().solved(first, PUZZLE, "image") is not None
    assert await world.states() == {"joe@example.org": "released"}
    assert await world.answers().look(second) is None


async def test_second_question_within_the_days_is_refused_with_the_day_it_may_be(world: World) -> None:
    await world.ask()
    world.clock.at += 6 * DAY
    refused = Ruling(Silence.ASKED_RECENTLY, NOW, NOW + 7 * DAY)
    assert await asker(world).ruling(VIEWER, 1) == refused
    assert await asker(world).ask(VIEWER, 1) == refused
    world.clock.at += DAY
    assert await asker(world).ruling(VIEWER, 1) == Ruling(None)
    assert (await asker(world).ask(VIEWER, 1) or refused).challenge == 2
    # A second click finds the sender asked.
    assert await asker(world).ask(VIEWER, 1) == Ruling(Silence.ASKED_RECENTLY, world.clock.at, world.clock.at + 7 * DAY)


async def test_sender_that_was_not_asked_for_the_caps_is_asked_when_they_allow_it(world: World) -> None:
    await world.ask("one")
    assert await world.arrive(letter("two")) == reply.HELD
    world.clock.at += 7 * DAY
    assert (await asker(world).ask(VIEWER, 2) or Ruling(None)).challenge == 2
    held = await world.store.look(lambda tx: tx.reading.held(2))
    assert held is not None
    assert held.silence == ""
    assert [line.event for line in held.history] == ["hold", "ask-again"]
    assert held.history[-1].actor == "joe@example.org"


async def test_caps_of_the_hour_hold_for_it_too(world: World) -> None:
    await world.ask()
    world.clock.at += 8 * DAY
    assert await asker(world, Caps(per_hour=0)).ask(VIEWER, 1) == Ruling(Silence.BUDGET)


async def test_sender_that_disowned_an_earlier_mail_is_not_asked(world: World) -> None:
    token = await world.ask("one")
    assert await world.arrive(letter("two")) == reply.HELD
    await world.answers().disown(token)
    world.clock.at += 8 * DAY
    assert await asker(world).ask(VIEWER, 2) == Ruling(Silence.DISOWNED)


@pytest.mark.parametrize(
    ("fields", "evidence", "why"),
    [
        (("List-Id: <news.oak.example>",), PROVEN, Silence.MAILING_LIST),
        (("Auto-Submitted: auto-replied",), PROVEN, Silence.AUTO_SUBMITTED),
        ((), NO_EVIDENCE, Silence.UNPROVEN),
        ((), replace(PROVEN, reverse_path_proven=False), Silence.UNPROVEN_REVERSE_PATH),
        ((), replace(PROVEN, sender_domain_takes_mail=False), Silence.NO_MAIL_DOMAIN),
    ],
)
async def test_mail_that_forbade_it_forbids_it_for_good(
    world: World, fields: tuple[str, ...], evidence: Evidence, why: Silence
) -> None:
    world.checks.evidence = evidence
    assert await world.arrive(letter("Hi", *fields)) == reply.HELD
    world.clock.at += 8 * DAY
    assert await asker(world).ask(VIEWER, 1) == Ruling(why)
    assert await world.challenges() == []


async def test_null_path_has_nobody_to_ask(world: World) -> None:
    assert await world.arrive(letter("Hi"), sender=NULL_PATH) == reply.HELD
    assert await asker(world).ask(VIEWER, 1) == Ruling(Silence.NULL_REVERSE_PATH)


async def test_site_that_asks_everybody_does_not_ask_the_unproven_by_hand(tmp_path: Path) -> None:
    world = World(tmp_path, replace(RULES, policy=replace(RULES.policy, asking=Asking.ALL)))
    world.checks.evidence = NO_EVIDENCE
    await world.ask()
    world.clock.at += 8 * DAY
    assert await asker(world).ask(VIEWER, 1) == Ruling(Silence.UNPROVEN)
    await world.close()


async def test_policy_of_today_counts_for_each_recipient_of_the_mail(world: World) -> None:
    await world.ask("Hi", JOE, KIM)
    world.clock.at += 8 * DAY
    choice = Choice("kim@example.org", PolicySetting.MODE, "quarantine")
    await world.store.transact(lambda tx: tx.policies.put(choice, "root", NOW))
    assert await asker(world).ask(VIEWER, 1) == Ruling(Silence.SWITCHED_OFF)


async def test_mail_that_is_settled_foreign_or_only_looked_at_is_not_asked_for(world: World) -> None:
    await world.ask("one")
    await world.ask("two", KIM, sender=Address.of("bert@oak.example"))
    world.clock.at += 8 * DAY
    assert await asker(world).ask(VIEWER, 2) is None
    assert await asker(world).ask(AUDITOR, 1) is None
    assert await asker(world).ruling(AUDITOR, 1) is None
    assert await asker(world).ask(VIEWER, 99) is None
    world.clock.at = NOW + 14 * DAY
    assert await asker(world).ask(VIEWER, 1) is None  # Its time is over.
    world.clock.at = NOW + 8 * DAY
    await world.moderator().act(Action.DELIVER, [1], "joe")
    assert await asker(world).ask(VIEWER, 1) is None
    assert await asker(world).ask_for_challenge(VIEWER, 1) == (0, None)
    assert await asker(world).ask_for_challenge(VIEWER, 99) == (0, None)


async def test_answers_from_the_page_are_counted_and_looking_is_not(world: World) -> None:
    token = await world.ask()
    for _ in range(10):
        await world.answers().look(token)
    held = await world.store.look(lambda tx: tx.reading.held(1))
    assert held is not None
    assert held.asked is not None
    assert (held.asked.used_at, held.asked.used_times) == (None, 0)
    world.clock.at += 60
    await world.answers().failed(token, b"q" * 16)
    await world.answers().failed(token, b"q" * 16)  # The same picture again is no second answer.
    world.clock.at += 60
    await world.answers().solved(token, PUZZLE, "image")
    held = await world.store.look(lambda tx: tx.reading.held(1))
    assert held is not None
    assert held.asked is not None
    assert (held.asked.used_at, held.asked.used_times) == (NOW + 60, 2)
