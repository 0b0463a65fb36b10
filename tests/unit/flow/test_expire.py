"""The end of what nobody moved in time, and forgetting what is over."""

from __future__ import annotations

from gateway.domain.address import Address
from gateway.domain.policy import Expiry
from gateway.flow.expire import PUZZLE_MEMORY
from gateway.flow.moderate import Action
from gateway.store.views import content_of
from tests.store.audited import audited
from tests.unit.flow.world import DAY, HOUR, JOE, NOW, World, letter, with_policy


async def test_mail_nobody_moved_in_time_expires_with_a_reason_in_the_trail(world: World) -> None:
    token = await world.ask()
    world.clock.at += 14 * DAY - 1
    assert await world.expirer().run_once() == 0
    world.clock.at += 1
    assert await world.expirer().run_once() == 1
    assert await world.states() == {JOE.text: "expired"}
    assert [view.state for view in await world.challenges()] == ["expired"]
    assert any("nobody moved it in time" in line for line in (await world.dump())["event"])
    assert await world.answers().look(token) is None
    assert await world.expirer().run_once() == 0


async def test_expiry_touches_nothing_that_was_moved(world: World) -> None:
    for subject in ("released", "deleted"):
        await world.arrive(letter(subject))
    released, deleted = await world.pending()
    await world.moderator().act(Action.DELIVER, [released.id], "cli")
    await world.moderator().act(Action.DELETE, [deleted.id], "cli")
    world.clock.at += 400 * DAY
    assert await world.expirer().run_once() == 0
    assert await world.by_subject() == {"released": "released", "deleted": "deleted"}


async def test_expiry_as_spam_releases_and_wakes_the_delivery(world: World) -> None:
    await world.arrive(letter())
    world.clock.at += 14 * DAY
    world.woken.clear()
    assert await world.expirer(Expiry.DELIVER_AS_SPAM).run_once() == 1
    assert world.woken == ["deliveries"]
    assert await world.states() == {JOE.text: "released"}
    assert any("expire-as-spam" in line for line in (await world.dump())["event"])


async def test_expiry_goes_in_batches(world: World) -> None:
    for number in range(5):
        await world.arrive(letter(str(number)), sender=Address.of(f"a{number}@oak.example"))
    world.clock.at += 15 * DAY
    assert [await world.expirer().run_once(most=2) for _ in range(4)] == [2, 2, 1, 0]


async def test_days_of_the_policy_count_from_the_arrival(world: World) -> None:
    world.rules = with_policy(days=0.5)
    await world.arrive(letter())
    world.clock.at += 12 * HOUR
    assert await world.expirer().run_once() == 1


async def test_clock_set_back_expires_nothing(world: World) -> None:
    await world.arrive(letter())
    world.clock.at -= 400 * DAY
    assert await world.expirer().run_once() == 0


async def test_purge_forgets_content_after_the_retention_and_the_audit_stays_content(world: World) -> None:
    await world.arrive(letter())
    (row,) = await world.pending()
    world.clock.at += 14 * DAY
    await world.expirer().run_once()
    world.clock.at += 30 * DAY
    assert await world.expirer(retention=30 * DAY).purge_once() == 0
    world.clock.at += 1
    assert await world.expirer(retention=30 * DAY).purge_once() == 1
    assert await world.store.look(lambda tx: content_of(tx.connection, row.id)) is None
    assert (await world.pending())[0].state == "expired"
    assert (await audited(world.store)).faults == []


async def test_purge_keeps_content_of_what_waits_or_is_owed(world: World) -> None:
    await world.arrive(letter("waits"))
    await world.arrive(letter("owed"))
    await world.moderator().act(Action.DELIVER, [(await world.pending())[1].id], "cli")
    world.clock.at += 999 * DAY
    assert await world.expirer(retention=0).purge_once() == 0


async def test_purge_forgets_used_puzzles_when_none_of_them_is_good_any_more(world: World) -> None:
    token = await world.ask()
    await world.answers().failed(token, b"p" * 16)
    world.clock.at = NOW + PUZZLE_MEMORY
    await world.expirer().purge_once()
    assert len((await world.dump())["spent_puzzle"]) == 1
    world.clock.at += 1
    await world.expirer().purge_once()
    assert (await world.dump())["spent_puzzle"] == []
