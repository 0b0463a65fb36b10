"""What people have chosen, as the next message meets it: policies of each recipient, and expected mail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain import reply
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.evidence import NO_EVIDENCE
from gateway.domain.levels import Choice, PolicySetting
from gateway.flow.expecting import NewWindow
from gateway.store.store import Store
from tests.unit.flow.world import ANNA, DAY, JOE, KIM, NOW, World, letter

TAGGED = Address.of("joe+x7k2m@example.org")
BOTH = letter(to="joe@example.org, kim@example.org")


async def choose(world: World, scope: str, setting: PolicySetting, value: str) -> None:
    """As another process does it."""
    other = Store(world.url)
    await other.transact(lambda tx: tx.policies.put(Choice(scope, setting, value), "root", NOW))
    await other.close()


async def expect(world: World, opens: Address = JOE, *, once: bool = False, domain: str = "") -> int:
    new = NewWindow(JOE.key, opens.key, world.clock.at, world.clock.at + 900, once, domain)
    return (await world.store.transact(lambda tx: tx.expecting.add(new, "joe"))).id


async def uses(world: World, window: int) -> int:
    found = await world.store.look(lambda tx: tx.expecting.get(window))
    assert found is not None
    return found.uses


# --- policies ---


async def test_mode_off_delivers_to_this_recipient_from_the_next_message_on_and_holds_for_others(world: World) -> None:
    assert await world.arrive(letter("one")) == reply.HELD
    await choose(world, JOE.key, PolicySetting.MODE, "off")
    assert await world.arrive(letter("two")) == reply.OK
    assert await world.arrive(letter("three"), TAGGED) == reply.OK
    assert await world.arrive(letter("four", to=KIM.text), KIM) == reply.HELD
    assert world.hop.delivered_to() == [JOE.text, TAGGED.text]


async def test_mode_off_still_refuses_whom_somebody_denied(world: World) -> None:
    await choose(world, "", PolicySetting.MODE, "off")
    await world.deny()
    assert await world.arrive(letter()) == reply.REFUSED_BY_POLICY


async def test_mode_quarantine_holds_and_asks_nobody(world: World) -> None:
    await choose(world, "@example.org", PolicySetting.MODE, "quarantine")
    assert await world.arrive(letter()) == reply.HELD
    (row,) = await world.pending()
    assert (row.state, row.silence) == ("pending", "challenges-off")
    assert await world.challenges() == []


async def test_recipients_of_one_message_each_have_their_own_days_and_mode(world: World) -> None:
    await choose(world, JOE.key, PolicySetting.DAYS, "3")
    await choose(world, KIM.key, PolicySetting.MODE, "off")
    assert await world.arrive(BOTH, JOE, KIM) == reply.HELD
    joe, kim = await world.pending()
    assert (joe.state, joe.expires_at) == ("pending", NOW + 3 * DAY)
    assert (kim.state, kim.reason) == ("released", "holding-off")


async def test_challenge_for_several_is_open_as_long_as_any_waits_and_opens_no_more_than_each_allows(
    world: World,
) -> None:
    await choose(world, JOE.key, PolicySetting.DAYS, "3")
    await choose(world, KIM.key, PolicySetting.SCOPE, "recipient")
    await world.ask("Hi", JOE, KIM)
    (challenge,) = await world.challenges()
    assert challenge.expires_at == NOW + 14 * DAY
    token = world.outside.tokens()[-1]
    assert await world.answers().solved(token, b"p" * 16, "image")
    assert {scope for _, scope, _ in await world.entries()} == {JOE.key, KIM.key}


async def test_expiry_is_decided_for_each_recipient_when_the_time_comes(world: World) -> None:
    await world.arrive(BOTH, JOE, KIM)
    await choose(world, KIM.key, PolicySetting.ON_EXPIRY, "deliver-as-spam")
    world.clock.at += 15 * DAY
    world.woken.clear()
    assert await world.expirer().run_once() == 2
    assert await world.states() == {JOE.text: "expired", KIM.text: "released"}
    assert world.woken == ["deliveries"]


async def test_days_chosen_later_leave_what_waits_alone(world: World) -> None:
    await world.arrive(letter())
    await choose(world, "", PolicySetting.DAYS, "1")
    (row,) = await world.pending()
    assert row.expires_at == NOW + 14 * DAY


# --- expected mail ---


async def test_expected_mail_of_a_proven_stranger_is_delivered_and_counted(world: World) -> None:
    window = await expect(world)
    code = letter("Your code", "Auto-Submitted: auto-generated")
    assert await world.arrive(code) == reply.OK
    assert world.hop.delivered_to() == [JOE.text]
    (passed,) = await world.store.look(lambda tx: tx.expecting.passed([window], 10))
    assert (passed.sender, passed.subject, passed.recipient) == (ANNA.text, "Your code", JOE.text)
    assert await uses(world, window) == 1


async def test_expected_mail_ends_with_its_window_without_any_worker(world: World) -> None:
    await expect(world)
    world.clock.at += 900
    assert await world.arrive(letter("late")) == reply.HELD
    # A clock that goes back before the start opens nothing either.
    world.clock.at -= 901
    assert await world.arrive(letter("early")) == reply.HELD


@pytest.mark.parametrize("case", ["unproven", "null", "denied", "forbidden", "domain", "other"])
async def test_expected_mail_never_opens_to_what_is_not_meant(world: World, case: str) -> None:
    window = await expect(world, domain="elm.example" if case == "domain" else "")
    sender, recipient, told = ANNA, JOE, reply.HELD
    if case == "unproven":
        world.checks.evidence = NO_EVIDENCE
    if case == "null":
        sender = NULL_PATH
    if case == "denied":
        await world.deny()
        told = reply.REFUSED_BY_POLICY
    if case == "forbidden":
        await choose(world, "@example.org", PolicySetting.EXPECTING, "no")
    if case == "other":
        recipient = KIM
    assert await world.arrive(letter(), recipient, sender=sender) == told
    assert await uses(world, window) == 0


async def test_tagged_address_lets_in_at_itself_only(world: World) -> None:
    window = await expect(world, TAGGED)
    assert await world.arrive(letter("one"), TAGGED) == reply.OK
    assert await world.arrive(letter("two")) == reply.HELD
    assert await world.arrive(letter("three"), Address.of("joe+other@example.org")) == reply.HELD
    assert await uses(world, window) == 1


async def test_window_for_one_mail_lets_the_second_wait_but_the_first_come_again(world: World) -> None:
    window = await expect(world, TAGGED, once=True)
    world.hop.answers[TAGGED.key] = reply.TRY_LATER
    assert (await world.arrive(letter("one"), TAGGED)).temporary
    del world.hop.answers[TAGGED.key]
    assert await world.arrive(letter("two"), TAGGED) == reply.HELD
    assert await world.arrive(letter("one"), TAGGED) == reply.OK
    assert await uses(world, window) == 1


async def test_window_for_one_mail_that_another_took_meanwhile_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await expect(world, once=True)
    copies = await world.store.arrangements((), [JOE])
    assert await world.arrive(letter("first")) == reply.OK

    async def as_before(*_: object) -> object:
        return replace(copies, entries=())

    # The copy was taken a moment before the first came.
    monkeypatch.setattr(world.store, "arrangements", as_before)
    assert await world.arrive(letter("second")) == reply.HELD


async def test_known_senders_and_released_mail_use_no_window(world: World) -> None:
    window = await expect(world)
    await world.allow()
    assert await world.arrive(letter()) == reply.OK
    assert await uses(world, window) == 0


async def test_purge_forgets_windows_that_ended_a_month_ago(world: World) -> None:
    window = await expect(world)
    world.clock.at += 31 * DAY
    await world.expirer().purge_once()
    assert await world.store.look(lambda tx: tx.expecting.get(window)) is None
