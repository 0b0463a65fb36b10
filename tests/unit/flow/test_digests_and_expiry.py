"""Nothing goes before its reader was told of it; and nothing stays for ever because nobody is told."""

from __future__ import annotations

from gateway.domain.address import Address
from gateway.domain.reply import Reply
from gateway.flow.describe import Describer
from gateway.flow.moderate import Action
from tests.unit.flow.digest_desk import SIX, DigestDesk, secrets_in, text_of
from tests.unit.flow.world import DAY, JOE, KIM, NOW, REFUSED, letter

INFO = Address.of("info@example.org")


async def test_nothing_goes_before_it_was_told_of(desk: DigestDesk) -> None:
    desk.world.hop.answers[JOE.key] = Reply(550, "5.1.1", "No such user")
    await desk.arrive()
    for _ in range(30):
        desk.world.clock.at += DAY
        await desk.work()
        await desk.world.expirer().run_once()
    assert await desk.world.states() == {JOE.text: "pending"}
    desk.world.hop.answers.clear()
    (mail,) = await desk.until(desk.world.clock.at + DAY)
    (secret,) = secrets_in(mail)
    # A day to look, from the delivery on.
    assert await desk.world.expirer().run_once() == 0
    assert await desk.links().look(secret) is not None
    desk.world.clock.at += DAY + 1
    assert await desk.world.expirer().run_once() == 1
    assert await desk.world.states() == {JOE.text: "expired"}
    assert await desk.links().look(secret) is None


async def test_mail_that_is_told_of_goes_at_its_time(desk: DigestDesk) -> None:
    await desk.arrive()
    await desk.until(SIX)
    desk.world.clock.at = NOW + 14 * DAY
    assert await desk.world.expirer().run_once() == 1
    assert await desk.world.states() == {JOE.text: "expired"}


async def test_untold_mail_does_not_keep_others_from_going(desk: DigestDesk) -> None:
    await desk.choose(KIM.key, schedule="off")
    await desk.arrive("Untold", JOE)
    await desk.arrive("Off", KIM)
    desk.world.clock.at += 20 * DAY
    expirer = desk.world.expirer()
    assert [await expirer.run_once(most=1) for _ in range(3)] == [1, 1, 0]
    assert await desk.world.by_subject() == {"Untold": "pending", "Off": "expired"}


async def test_mail_of_kinds_that_are_not_wanted_goes_at_its_time_and_others_stay(desk: DigestDesk) -> None:
    desk.world.hop.answers[JOE.key] = REFUSED
    await desk.choose(JOE.key, kinds="people")
    await desk.arrive("From a person")
    await desk.world.arrive(letter("Week 47", "List-Id: <news.elm.example>"), sender=Address.of("news@elm.example"))
    describer = Describer(desk.world.store)
    while await describer.run_once():
        pass
    await desk.until(SIX)
    desk.world.clock.at = NOW + 14.5 * DAY
    assert await desk.world.expirer().run_once() == 2
    assert await desk.world.by_subject() == {"From a person": "pending", "Week 47": "expired"}


async def test_digest_of_ours_that_is_held_goes_at_its_time(desk: DigestDesk) -> None:
    await desk.arrive()
    await desk.until(SIX)
    again = desk.world.hop.taken[0][1].replace(b"X-Gateway-Release", b"X-Lost")
    await desk.world.arrive(again, sender=Address.of(""))
    desk.world.clock.at += 15 * DAY
    await desk.world.expirer().run_once()
    assert set((await desk.world.by_subject()).values()) == {"expired"}


async def test_old_digests_are_forgotten_once_all_in_them_is_settled(desk: DigestDesk) -> None:
    await desk.arrive()
    await desk.until(SIX)
    desk.world.clock.at += 91 * DAY
    assert await desk.digests().forget() == 0
    await desk.world.moderator().act(Action.DELETE, [1], "tests")
    assert await desk.digests().forget() == 1
    found = await desk.world.dump()
    assert (found["digest"], found["digest_item"], found["digest_secret"]) == ([], [], [])


async def test_challenge_of_untold_mail_can_be_answered_as_long_as_the_mail_waits(desk: DigestDesk) -> None:
    desk.world.hop.answers[JOE.key] = REFUSED
    token = await desk.world.ask()
    desk.world.clock.at += 14.5 * DAY
    await desk.world.expirer().run_once()
    assert await desk.world.answers().look(token) is not None
    assert await desk.world.states() == {JOE.text: "pending"}


async def test_what_goes_soon_stands_in_a_digest_that_goes_for_something_new(desk: DigestDesk) -> None:
    await desk.arrive("Old")
    await desk.until(SIX)
    desk.world.clock.at = NOW + 12.5 * DAY
    assert await desk.until(SIX + 12 * DAY) == []
    await desk.arrive("New", sender="ben@oak.example")
    (mail,) = await desk.until(SIX + 13 * DAY)
    assert "Old" in text_of(mail)
    assert "less than a day left" in text_of(mail)
    # Telling it again does not keep it longer.
    desk.world.clock.at = NOW + 14 * DAY
    assert await desk.world.expirer().run_once() == 1
    assert await desk.world.by_subject() == {"Old": "expired", "New": "pending"}


async def test_telling_all_again_keeps_nothing_longer(desk: DigestDesk) -> None:
    await desk.arrive()
    await desk.until(SIX)
    desk.world.clock.at = NOW + 13.9 * DAY
    assert (await desk.digests().make(JOE.key, everything=True)).state == "delivered"
    desk.world.clock.at = NOW + 14 * DAY
    assert await desk.world.expirer().run_once() == 1
    assert await desk.world.states() == {JOE.text: "expired"}
