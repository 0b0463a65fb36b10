from __future__ import annotations

import asyncio

import pytest

from gateway.domain.reply import Reply
from gateway.domain.roles import Role
from gateway.flow.account_ports import Kind
from gateway.flow.account_rights import Wrong
from gateway.flow.session_ports import Stage
from gateway.flow.sessions import Arrival, Entered
from gateway.flow.sign_in import Refused
from gateway.flow.sign_in_ports import Identity
from gateway.store.store import Store
from tests.store.entrance import HERE, ROOT, House, OnePassword

JOE = "joe@example.org"
THERE = Arrival("203.0.113.9", "")


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


# --- by link ---


async def test_link_makes_a_user_who_owns_the_address(house: House) -> None:
    token = await house.token_for("JOE+tag@Example.org", "/console/lists")
    assert house.hop.taken[0][0] == JOE
    assert await house.sign_in.whose_link(token) == JOE
    entered = await house.sign_in.enter_by_link(token, HERE)
    assert entered is not None
    assert (entered.stage, entered.wanted, entered.name) == (Stage.FULL, "/console/lists", JOE)
    viewer = await house.sessions.viewer(entered.secret, HERE.client)
    assert viewer is not None
    assert (viewer.role, viewer.reach.addresses, viewer.reach.site) == (Role.USER, frozenset({JOE}), False)
    assert viewer.reach.covers_recipient("joe+anything@example.org")
    assert not viewer.reach.covers_recipient("mia@example.org")


async def test_link_opened_by_many_at_once_lets_one_in(house: House) -> None:
    token = await house.token_for(JOE)
    entered = await asyncio.gather(*(house.sign_in.enter_by_link(token, HERE) for _ in range(20)))
    assert sum(one is not None for one in entered) == 1


async def test_link_is_good_for_fifteen_minutes(house: House) -> None:
    token = await house.token_for(JOE)
    house.time += 899
    assert await house.sign_in.whose_link(token) == JOE
    house.time += 1
    assert await house.sign_in.whose_link(token) is None
    assert await house.sign_in.enter_by_link(token, HERE) is None


async def test_links_that_still_wait_in_a_mailbox_go_with_the_first_that_is_used(house: House) -> None:
    old = await house.token_for(JOE)
    house.time += 61
    assert await house.sign_in.enter_by_link(await house.token_for(JOE), HERE) is not None
    assert await house.sign_in.enter_by_link(old, HERE) is None


async def test_no_mail_goes_to_who_cannot_come_in(house: House) -> None:
    house.hop.refused["nobody@example.org"] = Reply(550, "no such user", "5.1.1")
    for address in ("nobody@example.org", "anna@elsewhere.example"):
        assert (await house.sign_in.ask_link(address, "", HERE)).wait == 0.0
    shut = await house.accounts.add(ROOT, "shut@example.org", Role.USER)
    await house.accounts.set_disabled(ROOT, shut.id, True)
    await house.sign_in.ask_link("shut@example.org", "", HERE)
    assert await house.mail.run_once() == 3
    assert (house.hop.taken, house.outside) == ([], [])
    assert await house.mail.run_once() == 0


async def test_admin_with_an_address_elsewhere_gets_the_mail_by_the_smart_host(house: House) -> None:
    await house.accounts.add(ROOT, "root", Role.SITE_ADMIN, ["root@elsewhere.example"])
    await house.sign_in.ask_link("root@elsewhere.example", "", HERE)
    await house.mail.run_once()
    assert [address for address, _ in house.outside] == ["root@elsewhere.example"]


async def test_mail_is_in_the_owner_s_language_and_else_in_that_of_the_page(house: House) -> None:
    german = Arrival("192.0.2.7", "", "de")
    mia = await house.accounts.add(ROOT, "mia@example.org", Role.USER)
    await house.store.transact(lambda tx: tx.accounts.set_person(mia.id, "", "", "cs"))
    for address, arrival in (("mia@example.org", german), (JOE, german), ("jane@example.org", Arrival("192.0.2.8"))):
        await house.sign_in.ask_link(address, "", arrival)
        await house.mail.run_once()
    assert house.languages == ["cs", "de", "en"]


async def test_mail_that_is_put_off_is_tried_again_while_the_link_would_be_good(house: House) -> None:
    house.hop.refused[JOE] = Reply(451, "later", "4.3.0")
    await house.sign_in.ask_link(JOE, "", HERE)
    attempts = 0
    for _ in range(1000):
        attempts += await house.mail.run_once()
        house.time += 2
    assert attempts == 7
    house.hop.refused.clear()
    assert await house.mail.run_once() == 0


async def test_mail_that_cannot_be_written_is_put_off_and_tried_again(house: House) -> None:
    house.wordless = True
    await house.sign_in.ask_link(JOE, "", HERE)
    assert [await house.mail.run_once() for _ in range(3)] == [1, 0, 0]
    house.wordless = False
    house.time += 60
    assert await house.mail.run_once() == 1
    assert len(house.hop.taken) == 1


async def test_alias_signs_in_and_a_delegated_address_does_not(house: House) -> None:
    account = await house.accounts.add(ROOT, "joe@example.org", Role.USER)
    await house.accounts.give(ROOT, account.id, "jo@example.org", Kind.ALIAS)
    await house.accounts.give(ROOT, account.id, "info@example.org", Kind.DELEGATED)
    by_alias = await house.sign_in.enter_by_link(await house.token_for("jo@example.org"), HERE)
    by_other = await house.sign_in.enter_by_link(await house.token_for("info@example.org"), HERE)
    assert by_alias is not None
    assert by_other is not None
    assert by_alias.account == account.id
    assert by_other.name == "info@example.org"


@pytest.mark.parametrize("text", ["", "joe", "@example.org", "a b@example.org", "<joe@example.org>", "a,b@example.org", "x" * 300 + "@example.org", "joe@"])  # fmt: skip
async def test_what_is_no_address_is_told_so(house: House, text: str) -> None:
    assert (await house.sign_in.ask_link(text, "", HERE)).fault


# --- sessions ---


async def test_session_ends_when_it_is_not_used_and_when_it_is_old(house: House) -> None:
    account = await house.accounts.add(ROOT, JOE, Role.USER)
    secret = (await house.enter(account)).secret
    for _ in range(26):
        house.time += 3500
        seen = await house.sessions.viewer(secret, HERE.client)
        assert (seen is None) == (house.time >= 1_700_000_000 + 86_400)
    idle = (await house.enter(account)).secret
    house.time += 3600
    assert await house.sessions.viewer(idle, HERE.client) is None
    assert await house.sessions.sweep() > 0


@pytest.mark.parametrize("change", ["disable", "role", "end"])
async def test_session_ends_with_what_its_account_was(house: House, change: str) -> None:
    account = await house.accounts.add(ROOT, JOE, Role.USER)
    secret = (await house.enter(account)).secret
    if change == "disable":
        await house.accounts.set_disabled(ROOT, account.id, True)
    elif change == "role":
        await house.accounts.set_role(ROOT, account.id, Role.DOMAIN_ADMIN, ["example.org"])
    else:
        await house.accounts.end_sessions(ROOT, account.id)
    assert await house.sessions.viewer(secret, HERE.client) is None


async def test_password_change_ends_the_other_sessions_and_renews_this_one(house: House) -> None:
    account = await house.accounts.add(ROOT, JOE, Role.USER, password="correct horse battery")
    mine, other = (await house.enter(account)).secret, (await house.enter(account)).secret
    viewer = await house.sessions.viewer(mine, HERE.client)
    assert viewer is not None
    with pytest.raises(Wrong, match="another one"):
        await house.own_account.set_password(viewer, "wrong", "staple staple staple")
    fresh = await house.own_account.set_password(viewer, "correct horse battery", "staple staple staple")
    assert await house.sessions.viewer(fresh, HERE.client) is not None
    assert await house.sessions.viewer(mine, HERE.client) is None
    assert await house.sessions.viewer(other, HERE.client) is None


# --- by password ---


async def test_wrong_passwords_slow_one_network_down_and_leave_the_owner_alone(store: Store) -> None:
    house = House(store, checks=[OnePassword(Identity("joe", (JOE,)), "right")])
    for _ in range(5):
        assert await house.sign_in.enter_by_password("joe", "wrong", "", THERE) == Refused()
    assert await house.sign_in.enter_by_password("joe", "right", "", THERE) == Refused(2.0)
    assert isinstance(await house.sign_in.enter_by_password("joe", "right", "", HERE), Entered)
    # Nobody is locked out for good.
    house.time += 900
    assert isinstance(await house.sign_in.enter_by_password("joe", "right", "", THERE), Entered)


async def test_many_tries_at_once_are_counted_before_they_are_looked_at(store: Store) -> None:
    house = House(store, checks=[OnePassword(Identity("joe", (JOE,)), "right")])
    outcomes = await asyncio.gather(*(house.sign_in.enter_by_password("joe", "x", "", HERE) for _ in range(30)))
    assert sum(outcome == Refused() for outcome in outcomes) == 5


async def test_identity_of_another_system_keeps_its_account_when_its_address_changes(store: Store) -> None:
    check = OnePassword(Identity("joe", (JOE,), subject="uid=7"), "right")
    house = House(store, checks=[check])
    first = await house.sign_in.enter_by_password("joe", "right", "", HERE)
    check.identity = Identity("joe", ("joe.new@example.org",), subject="uid=7")
    second = await house.sign_in.enter_by_password("joe", "right", "", HERE)
    assert isinstance(first, Entered)
    assert isinstance(second, Entered)
    assert first.account == second.account


async def test_identity_without_an_address_of_ours_does_not_come_in(store: Store) -> None:
    house = House(store, checks=[OnePassword(Identity("eve", ("eve@elsewhere.example",)), "right")])
    assert await house.sign_in.enter_by_password("eve", "right", "", HERE) == Refused()


# --- accounts ---


async def test_domain_admin_sees_and_changes_the_users_of_his_domains_only(house: House) -> None:
    dan = await house.accounts.add(ROOT, "dan", Role.DOMAIN_ADMIN, ["dan@example.org"], ["example.org"])
    joe = await house.accounts.add(ROOT, JOE, Role.USER)
    far = await house.accounts.add(ROOT, "far@second.example", Role.USER)
    both = await house.accounts.add(ROOT, "both@example.org", Role.USER, ["both@example.org", "both@second.example"])
    viewer = await house.sessions.viewer((await house.enter(dan)).secret, HERE.client)
    assert viewer is not None
    assert [account.name for account in await house.accounts.page(viewer)] == [JOE]
    for beyond in (far, both, dan):
        assert await house.accounts.get(viewer, beyond.id) is None
        assert await house.accounts.link(viewer, beyond.id) is None
        assert not await house.accounts.set_disabled(viewer, beyond.id, True)
        assert not await house.accounts.remove(viewer, beyond.id)
        assert not await house.accounts.end_sessions(viewer, beyond.id)
        assert not await house.accounts.reset_second_factor(viewer, beyond.id)
    for role, domains in ((Role.SITE_ADMIN, []), (Role.DOMAIN_ADMIN, ["example.org"]), (Role.AUDITOR, [])):
        with pytest.raises(Wrong, match="only a site admin"):
            await house.accounts.set_role(viewer, joe.id, role, domains)
        with pytest.raises(Wrong, match="only a site admin"):
            await house.accounts.add(viewer, "x@example.org", role, [], domains)
    with pytest.raises(Wrong, match="not in your domains"):
        await house.accounts.give(viewer, joe.id, "boss@second.example", Kind.DELEGATED)
    with pytest.raises(Wrong, match="in your domains"):
        await house.accounts.add(viewer, "x@second.example", Role.USER)
    with pytest.raises(Wrong, match="belongs to"):
        await house.accounts.give(viewer, joe.id, "dan@example.org", Kind.ALIAS)
    assert await house.accounts.set_disabled(viewer, joe.id, True)


async def test_last_site_admin_stays(house: House) -> None:
    root = await house.accounts.add(ROOT, "root", Role.SITE_ADMIN)
    for change in (
        house.accounts.remove(ROOT, root.id),
        house.accounts.set_disabled(ROOT, root.id, True),
        house.accounts.set_role(ROOT, root.id, Role.USER),
    ):
        with pytest.raises(Wrong, match="last site admin"):
            await change
    await house.accounts.add(ROOT, "second", Role.SITE_ADMIN)
    assert await house.accounts.remove(ROOT, root.id)


async def test_first_admin_is_offered_a_link_until_one_came_in(house: House) -> None:
    token = await house.accounts.first_admin_link()
    again = await house.accounts.first_admin_link()
    assert token is not None
    assert again is not None
    assert [account.name for account in await house.accounts.page(ROOT)] == ["admin"]
    assert await house.sign_in.enter_by_link(again, HERE) is not None
    assert await house.accounts.first_admin_link() is None


async def test_link_that_was_handed_over_lets_in_once(house: House) -> None:
    account = await house.accounts.add(ROOT, "root", Role.SITE_ADMIN)
    token = await house.accounts.link(ROOT, account.id)
    assert token is not None
    assert await house.sign_in.enter_by_link(token, HERE) is not None
    assert await house.sign_in.whose_link(token) is None
    assert await house.sign_in.enter_by_link(token, HERE) is None
