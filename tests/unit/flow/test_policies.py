"""Policies as people see and change them: reach, locks, what a change would do, and what it does."""

from __future__ import annotations

import pytest

from gateway.domain.address import Address
from gateway.domain.levels import Choice, Level, PolicySetting
from gateway.domain.policy import Policy
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.policies import Policies, name_of, scope_named
from gateway.flow.policy_effects import MOST_LOOKED_AT, Preview, Waiting, new_date, preview_of
from gateway.flow.policy_ports import Edit, Faulty, Sheet
from gateway.flow.redate import Redater
from tests.store.letters import described
from tests.unit.flow.world import DAY, HOUR, JOE, KIM, NOW, World, letter

SITE, DOMAIN = "", "@example.org"
DAYS, MODE, SCOPE = PolicySetting.DAYS, PolicySetting.MODE, PolicySetting.SCOPE
ROOT = Viewer(1, "root", Role.SITE_ADMIN, Reach(site=True))
AUDITOR = Viewer(2, "eve", Role.AUDITOR, Reach(site=True))
ADMIN = Viewer(3, "admin", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"})))
USER = Viewer(4, JOE.text, Role.USER, Reach(addresses=frozenset({JOE.key})))


def _ignored() -> None:
    """Nobody works."""


async def applied(world: World, viewer: Viewer, scope: str) -> int:
    """Apply what holds to what waits, to the end; return how many mails moved."""
    policies = service(world)
    order = await policies.apply_to_waiting(viewer, scope)
    while order is not None and order.open:
        await Redater(world.store, Policy(), now=world.clock.now).step(order.id)
        order = await policies.applying(viewer, scope)
    assert order is not None
    return order.progress.moved


def service(world: World) -> Policies:
    return Policies(
        world.store, Policy(), frozenset({"example.org", "other.example"}), ["en"], now=world.clock.now, wake=_ignored
    )


async def sheet(world: World, scope: str, viewer: Viewer = ROOT) -> Sheet:
    found = await service(world).sheet(viewer, scope)
    assert found is not None
    return found


async def save(world: World, scope: str, value: str | None, setting: PolicySetting = DAYS, *, locked: bool = False,
               viewer: Viewer = ROOT) -> int | None:  # fmt: skip
    return await service(world).save(viewer, scope, {setting: Edit(value, locked)})


async def preview(
    world: World, scope: str, value: str | None, setting: PolicySetting = DAYS, locked: bool = False
) -> Preview:
    found = await service(world).preview(ROOT, scope, {setting: Edit(value, locked)})
    assert found is not None
    return found


# --- names ---


@pytest.mark.parametrize(
    ("named", "scope"),
    [
        ("site", SITE),
        ("Example.org", DOMAIN),
        ("Joe+shop@Example.org", JOE.key),
        ("", None),
        ("x", None),
        ("*.example.org", None),
        ("a b@example.org", None),
        ("@", None),
    ],
)
def test_scope_is_named_as_people_do(named: str, scope: str | None) -> None:
    assert scope_named(named) == scope
    if scope is not None:
        assert scope_named(name_of(scope)) == scope


# --- reach ---


@pytest.mark.parametrize(
    ("viewer", "within"),
    [
        (ROOT, {SITE, DOMAIN, "@other.example", JOE.key, KIM.key}),
        (ADMIN, {DOMAIN, JOE.key, KIM.key}),
        (USER, {JOE.key}),
    ],
)
async def test_what_is_beyond_reach_is_not_there(world: World, viewer: Viewer, within: set[str]) -> None:
    policies = service(world)
    for scope in (SITE, DOMAIN, "@other.example", JOE.key, KIM.key, "@elsewhere.example", "x@elsewhere.example"):
        assert (await policies.sheet(viewer, scope) is not None) is (scope in within)
        assert (await policies.preview(viewer, scope, {}) is not None) is (scope in within)
        assert (await policies.save(viewer, scope, {}) is not None) is (scope in within)
        assert (await policies.apply_to_waiting(viewer, scope) is not None) is (scope in within)
        assert (await policies.applying(viewer, scope) is not None) is (scope in within)
        assert await policies.stop_applying(viewer, scope) is (scope in within)
        assert not await policies.stop_applying(viewer, scope)


async def test_auditor_and_who_looks_over_a_shoulder_see_and_change_nothing(world: World) -> None:
    looking = Viewer(1, "root", Role.SITE_ADMIN, USER.reach, looks_as=JOE.text)
    for viewer in (AUDITOR, looking):
        assert not (await sheet(world, JOE.key, viewer)).may_change
        assert await save(world, JOE.key, "3", viewer=viewer) is None
        assert await service(world).preview(viewer, JOE.key, {}) is None
        assert await service(world).apply_to_waiting(viewer, JOE.key) is None
        assert not await service(world).stop_applying(viewer, JOE.key)


async def test_places_are_those_within_reach(world: World) -> None:
    for scope in (SITE, DOMAIN, "@other.example", KIM.key):
        await save(world, scope, "3")
    for viewer, domains, chosen in (
        (ROOT, ("example.org", "other.example"), (DOMAIN, "@other.example", KIM.key)),
        (ADMIN, ("example.org",), (DOMAIN, KIM.key)),
        (USER, (), ()),
    ):
        places = await service(world).places(viewer)
        assert places is not None
        assert (places.site, places.domains, places.chosen, places.more) == (viewer is ROOT, domains, chosen, False)
    nobody = Viewer(5, "x", Role.USER, Reach(), withheld=frozenset({Right.SEE_POLICY}))
    assert await service(world).places(nobody) is None


# --- values ---


async def test_sheet_tells_for_each_value_where_it_comes_from(world: World) -> None:
    await save(world, SITE, "20")
    await save(world, DOMAIN, "30", locked=True)
    lines = {line.setting: line for line in (await sheet(world, JOE.key, USER)).lines}
    assert lines[DAYS].effective.value == "30"
    assert lines[DAYS].effective.origin is Level.DOMAIN
    assert not lines[DAYS].open
    assert lines[MODE].open
    assert PolicySetting.USERS_READ not in lines
    own = {line.setting: line for line in (await sheet(world, DOMAIN)).lines}[DAYS]
    assert own.own is not None
    assert own.own.locked
    assert own.open
    assert own.above.value == "20"
    assert own.chosen is not None
    assert (own.chosen.by, own.chosen.at) == ("root", NOW)


@pytest.mark.parametrize(
    ("setting", "edit", "says"),
    [
        (DAYS, Edit("400"), "1 to 365"),
        (MODE, Edit("off"), "locked by the domain"),
        (SCOPE, Edit("site"), "narrowed"),
        (DAYS, Edit("3", locked=True), "nothing below"),
        (PolicySetting.USERS_READ, Edit("no"), "not for one address"),
        (PolicySetting.LANGUAGE, Edit("de"), "language is auto or en"),
    ],
)
async def test_change_that_may_not_be_is_told_and_nothing_is_changed(
    world: World, setting: PolicySetting, edit: Edit, says: str
) -> None:
    await save(world, DOMAIN, None, MODE, locked=True)
    edits = {PolicySetting.ON_EXPIRY: Edit("deliver-as-spam"), setting: edit}
    for ask in (service(world).save, service(world).preview):
        with pytest.raises(Faulty, match=says) as refused:
            await ask(USER, JOE.key, edits)
        assert set(refused.value.faults) == {setting}
    assert await world.store.look(lambda tx: tx.policies.choices([JOE.key])) == ()


async def test_locked_field_sent_back_as_it_was_is_no_fault(world: World) -> None:
    await save(world, JOE.key, "3", viewer=USER)
    await save(world, DOMAIN, "30", locked=True)
    assert await save(world, JOE.key, "3", viewer=USER) == 0


async def test_change_counts_for_the_next_message_and_its_taking_back_too(world: World) -> None:
    await save(world, JOE.key, "off", MODE, viewer=USER)
    assert (await world.arrive(letter("one"))).code == 250
    assert await world.pending() == []
    await save(world, JOE.key, None, MODE, viewer=USER)
    await world.arrive(letter("two"))
    assert [row.subject for row in await world.pending()] == ["two"]


async def test_withheld_rights_are_those_of_the_strictest_domain(world: World) -> None:
    await save(world, DOMAIN, "no", PolicySetting.USERS_READ)
    await save(world, "@other.example", "no", PolicySetting.USERS_EDIT_LISTS)

    async def taken(*addresses: str) -> frozenset[Right]:
        return await service(world).withheld(Reach(addresses=frozenset(addresses)))

    assert await taken(JOE.key) == {Right.READ_CONTENT}
    assert await taken(JOE.key, "joe@other.example") == {Right.READ_CONTENT, Right.EDIT_LISTS}
    assert await taken() == frozenset()


# --- what a change does to what waits ---


async def test_preview_counts_who_and_what_is_affected(world: World) -> None:
    await world.arrive(letter("one"))
    await world.arrive(letter("two", to="joe@example.org, kim@example.org"), JOE, KIM)
    await world.arrive(letter("three", to="x@other.example"), Address.of("x@other.example"))
    await described(world.store)
    await save(world, KIM.key, "5")
    found = await preview(world, DOMAIN, "3")
    assert (found.waiting, found.recipients, found.affected, found.sooner, found.later) == (3, 2, 1, 2, 0)
    assert found.whole
    (change,) = found.changes
    assert (change.before.value, change.after.value, change.keeping, change.overruled) == ("14", "3", 1, 0)
    found = await preview(world, SITE, "30", locked=True)
    assert (found.affected, found.later, found.changes[0].keeping, found.changes[0].overruled) == (3, 4, 0, 1)
    assert (await preview(world, DOMAIN, "deliver-as-spam", PolicySetting.ON_EXPIRY)).to_spam == 3
    await save(world, DOMAIN, "deliver-as-spam", PolicySetting.ON_EXPIRY)
    assert (await preview(world, DOMAIN, None, PolicySetting.ON_EXPIRY)).to_delete == 3
    assert (await preview(world, DOMAIN, "off", MODE)).delivered == 3
    assert (await preview(world, DOMAIN, None)).changes == ()
    assert (await preview(world, JOE.key, "3")).sooner == 2


@pytest.mark.parametrize("more", [0, 1])
def test_preview_of_very_many_mails_tells_of_the_newest_alone(more: int) -> None:
    waiting = [KIM.key] * 10 + [JOE.key] * (MOST_LOOKED_AT - 10) + ["old@example.org"] * more
    found = preview_of(Policy(), DOMAIN, (), (Choice(DOMAIN, DAYS, "3", False),), waiting)
    assert (found.whole, found.waiting, found.sooner) == (not more, MOST_LOOKED_AT, MOST_LOOKED_AT)
    assert (found.recipients, found.affected) == (2, 2)


async def test_apply_to_waiting_moves_each_mail_by_what_holds_for_its_recipient(world: World) -> None:
    for subject in ("one", "two"):
        await world.arrive(letter(subject, to="joe@example.org, kim@example.org"), JOE, KIM)
    await save(world, KIM.key, "5")
    await save(world, DOMAIN, "30")
    assert await applied(world, ADMIN, DOMAIN) == 4
    assert {(row.recipient, row.expires_at) for row in await world.pending()} == {
        (JOE.text, NOW + 30 * DAY),
        (KIM.text, NOW + 5 * DAY),
    }
    assert await applied(world, ADMIN, DOMAIN) == 0


async def test_apply_to_waiting_lets_nothing_go_within_a_day(world: World) -> None:
    await world.arrive(letter())
    world.clock.at += 10 * DAY
    await save(world, SITE, "3")
    await applied(world, ROOT, SITE)
    (row,) = await world.pending()
    assert row.expires_at == world.clock.at + DAY


@pytest.mark.parametrize(
    ("expires", "days", "now", "moved"),
    [
        (14 * DAY, 14 * DAY, 0.0, None),  # As it is.
        (14 * DAY, 30 * DAY, 0.0, 30 * DAY),
        (14 * DAY, 3 * DAY, 0.0, 3 * DAY),
        (14 * DAY, 3 * DAY, 5 * DAY, 6 * DAY),
        (14 * DAY, 3 * DAY, 13.5 * DAY, None),  # It goes within a day anyway.
        (14 * DAY, 13 * DAY, 13 * DAY, None),
        (3 * DAY, 30 * DAY, 2.9 * DAY, 30 * DAY),
        (HOUR, 2 * HOUR, 0.0, DAY),  # What waits longer, waits a day at least.
    ],
)
def test_new_date_is_never_sooner_than_a_day_from_now(
    expires: float, days: float, now: float, moved: float | None
) -> None:
    row = Waiting(1, JOE.key, 0.0, expires, None)
    assert new_date(row, days, now) == moved
    if moved is not None:
        assert moved >= now + DAY


# --- who may not let mail through ---

MUTE = Viewer(4, JOE.text, Role.USER, Reach(addresses=frozenset({JOE.key})), withheld=frozenset({Right.MODERATE}))


async def test_user_switches_holding_off_for_himself_unless_it_is_locked(world: World) -> None:
    assert await save(world, JOE.key, "off", MODE, viewer=USER) == 1
    await save(world, DOMAIN, "challenge", MODE, locked=True, viewer=ADMIN)
    with pytest.raises(Faulty, match="locked by the domain"):
        await save(world, JOE.key, "quarantine", MODE, viewer=USER)


async def test_user_who_may_not_deliver_cannot_let_everything_in_instead(world: World) -> None:
    await save(world, DOMAIN, "quarantine", MODE)
    for setting, value in ((MODE, "off"), (MODE, "challenge"), (PolicySetting.ON_EXPIRY, "deliver-as-spam")):
        with pytest.raises(Faulty, match="can only be"):
            await save(world, JOE.key, value, setting, viewer=MUTE)
        with pytest.raises(Faulty):
            await service(world).preview(MUTE, JOE.key, {setting: Edit(value)})
    (line,) = [line for line in (await sheet(world, JOE.key, MUTE)).lines if line.setting is MODE]
    assert line.options == ("quarantine",)
    await save(world, DOMAIN, "off", MODE)
    assert await save(world, JOE.key, "challenge", MODE, viewer=MUTE) == 1
    assert await save(world, JOE.key, "off", MODE, viewer=MUTE) == 1
    assert await save(world, JOE.key, "3", DAYS, viewer=MUTE) == 1


async def test_what_an_admin_chose_for_such_a_user_is_shown_and_stays(world: World) -> None:
    await save(world, JOE.key, "off", MODE, viewer=ADMIN)
    (line,) = [line for line in (await sheet(world, JOE.key, MUTE)).lines if line.setting is MODE]
    assert (line.options, line.effective.value) == (("off", "quarantine", "challenge"), "off")
    assert await save(world, JOE.key, "off", MODE, viewer=MUTE) == 0
    assert await save(world, JOE.key, None, MODE, viewer=MUTE) == 1
    with pytest.raises(Faulty):
        await save(world, JOE.key, "off", MODE, viewer=MUTE)
