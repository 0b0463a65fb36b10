"""Windows as people open and shut them: reach, limits, and what the policy forbids."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.durations import DAY, MINUTE
from gateway.domain.expecting import MOST_TAGS, MOST_WINDOWS, Window
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.policy import Policy
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.expecting import Expecting, Hall, Refused
from tests.unit.flow.world import JOE, KIM, NOW, World, letter

USER = Viewer(4, JOE.text, Role.USER, Reach(addresses=frozenset({JOE.key})))
OTHER = Viewer(5, KIM.text, Role.USER, Reach(addresses=frozenset({KIM.key})))
ADMIN = Viewer(3, "admin", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"})))
HALF_HOUR = 30 * MINUTE


def service(world: World, delimiter: str = "+") -> Expecting:
    return Expecting(
        world.store, Policy(), frozenset({"example.org"}), delimiter, now=world.clock.now, random_octets=bytes
    )


async def start(world: World, *, viewer: Viewer = USER, address: str = JOE.text, tagged: bool = False) -> Window:
    window = await service(world).start(viewer, address, DAY if tagged else HALF_HOUR, tagged=tagged)
    assert window is not None
    return window


async def hall(world: World, viewer: Viewer = USER) -> Hall:
    return await service(world).hall(viewer)


async def test_window_is_open_for_its_owner_and_shown_with_what_came(world: World) -> None:
    window = await start(world, address="Joe+x@Example.org")
    assert (window.address, window.opens, window.starts_at, window.ends_at) == (JOE.key, JOE.key, NOW, NOW + HALF_HOUR)
    await world.arrive(letter("Your code"))
    (shown,) = (await hall(world)).windows
    assert shown.open
    assert [mail.subject for mail in shown.passed] == ["Your code"]
    world.clock.at += HALF_HOUR
    (shown,) = (await hall(world)).windows
    assert not shown.open
    assert await world.by_subject() == {}
    world.clock.at += 31 * DAY
    assert (await hall(world)).windows == ()


async def test_tagged_address_is_made_of_chance(world: World) -> None:
    window = await start(world, tagged=True)
    assert (window.opens, window.ends_at) == ("joe+aaaaaaaa@example.org", NOW + DAY)
    assert (await hall(world)).tags


async def test_stopped_window_is_shut_at_once(world: World) -> None:
    window = await start(world)
    assert await service(world).stop(USER, window.id)
    await world.arrive(letter("late"))
    assert await world.by_subject() == {"late": "pending"}


async def test_what_is_beyond_reach_is_not_there(world: World) -> None:
    window = await start(world)
    expecting = service(world)
    assert await expecting.start(OTHER, JOE.text, HALF_HOUR) is None
    assert await expecting.start(USER, "joe@elsewhere.example", HALF_HOUR) is None
    assert await expecting.start(ADMIN, "@example.org", HALF_HOUR) is None
    assert not await expecting.stop(OTHER, window.id)
    assert not await expecting.stop(USER, 99)
    assert (await hall(world, OTHER)).windows == ()
    assert [shown.window.id for shown in (await hall(world, ADMIN)).windows] == [window.id]
    assert (await hall(world, ADMIN)).any_address
    assert (await start(world, viewer=ADMIN)).id


@pytest.mark.parametrize(
    "viewer",
    [
        replace(USER, role=Role.AUDITOR),
        replace(USER, looks_as=JOE.text),
        replace(USER, withheld=frozenset({Right.MODERATE})),
    ],
)
async def test_who_may_not_let_mail_in_opens_and_stops_nothing(world: World, viewer: Viewer) -> None:
    window = await start(world)
    assert await service(world).start(viewer, JOE.text, HALF_HOUR) is None
    assert not await service(world).stop(viewer, window.id)
    found = await hall(world, viewer)
    assert not found.may_open
    assert len(found.windows) == 1


async def test_who_may_not_see_mail_sees_no_window(world: World) -> None:
    await start(world)
    assert (await hall(world, replace(USER, withheld=frozenset({Right.SEE_PENDING})))).windows == ()


@pytest.mark.parametrize(("tagged", "most"), [(False, MOST_WINDOWS), (True, MOST_TAGS)])
async def test_number_of_open_windows_is_limited_for_each_address(world: World, tagged: bool, most: int) -> None:
    windows = [await start(world, tagged=tagged) for _ in range(most)]
    with pytest.raises(Refused, match="stop one first"):
        await start(world, tagged=tagged)
    assert (await start(world, tagged=not tagged)).id
    await service(world).stop(USER, windows[0].id)
    assert (await start(world, tagged=tagged)).id


@pytest.mark.parametrize(("seconds", "tagged"), [(14 * MINUTE, False), (121 * MINUTE, False), (366 * DAY, True)])
async def test_length_beyond_the_limits_is_refused(world: World, seconds: float, tagged: bool) -> None:
    with pytest.raises(Refused, match="120 minutes"):
        await service(world).start(USER, JOE.text, seconds, tagged=tagged)


async def test_policy_can_forbid_it(world: World) -> None:
    no = Choice("@example.org", PolicySetting.EXPECTING, "no")
    await world.store.transact(lambda tx: tx.policies.put(no, "root", NOW))
    with pytest.raises(Refused, match="policy"):
        await start(world)
    assert (await hall(world)).forbidden == {JOE.key}


async def test_site_without_sub_addresses_makes_no_tags(world: World) -> None:
    with pytest.raises(Refused, match="takes no tagged addresses"):
        await service(world, "").start(USER, JOE.text, DAY, tagged=True)
    assert not (await service(world, "").hall(USER)).tags
