from __future__ import annotations

import pyotp
import pytest

from gateway.domain.roles import Role, Viewer
from gateway.flow.account_ports import Account, Kind
from gateway.flow.proof import Proven, Ways
from gateway.flow.second_factor import Enrolled
from gateway.flow.sign_in import Asked, Refused
from gateway.flow.sign_in_ports import CheckDown, Identity
from gateway.store.store import Store
from tests.store.entrance import HERE, HOST, ROOT, House, OnePassword
from tests.store.test_second_factor import Device

JOE = "joe@example.org"


class Local(OnePassword):
    """The gateway's own passwords."""

    name = "password"


class Down(OnePassword):
    """A server that does not answer."""

    async def check(self, name: str, password: str) -> Identity | None:
        raise CheckDown("no answer")


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


async def viewer(house: House, secret: str) -> Viewer | None:
    return await house.sessions.viewer(secret, HERE.client)


async def aged(house: House, account: Account) -> tuple[Viewer, str]:
    """Return a session whose owner showed who he is longer ago than counts."""
    secret = (await house.enter(account)).secret
    fresh = await viewer(house, secret)
    assert fresh is not None
    assert fresh.fresh
    house.time += 600
    old = await viewer(house, secret)
    assert old is not None
    assert not old.fresh
    return old, secret


async def with_app(house: House) -> tuple[Viewer, str, pyotp.TOTP, tuple[str, ...]]:
    account = await house.accounts.add(ROOT, JOE, Role.USER)
    secret = (await house.enter(account)).secret
    joe = await viewer(house, secret)
    assert joe is not None
    enrolment = await house.factors.own_codes(joe, secret)
    assert enrolment is not None
    app = pyotp.TOTP(enrolment.secret)
    done = await house.factors.confirm_codes(secret, app.at(int(house.time)), HERE)
    assert isinstance(done, Enrolled)
    house.time += 600
    old = await viewer(house, secret)
    assert old is not None
    assert not old.fresh
    return old, secret, app, done.codes


async def test_code_proves_anew_and_the_thief_s_copy_of_the_session_ends(house: House) -> None:
    joe, stolen, app, _ = await with_app(house)
    assert await house.proof.ways(joe, HOST) == Ways(JOE, codes=True, recovery=10)
    done = await house.proof.by_code(joe, app.at(int(house.time)), HERE)
    assert isinstance(done, Proven)
    assert await viewer(house, stolen) is None
    again = await viewer(house, done.secret)
    assert again is not None
    assert (again.fresh, again.session) == (True, joe.session)
    house.time += 600
    again = await viewer(house, done.secret)
    assert again is not None
    assert not again.fresh


async def test_code_is_guessed_ever_more_slowly_and_counts_once(house: House) -> None:
    joe, _, app, codes = await with_app(house)
    right = app.at(int(house.time))
    for _ in range(5):
        assert await house.proof.by_code(joe, "000000", HERE) == Refused()
    assert await house.proof.by_code(joe, right, HERE) == Refused(2.0)
    house.time += 2
    assert isinstance(await house.proof.by_code(joe, right, HERE), Proven)
    assert await house.proof.by_code(joe, right, HERE) == Refused()
    assert isinstance(await house.proof.by_code(joe, codes[0], HERE), Proven)
    assert await house.proof.by_code(joe, codes[0], HERE) == Refused()


async def test_password_is_not_enough_where_there_is_a_second_factor(store: Store) -> None:
    house = House(store, checks=[Local(Identity(JOE, account=1), "correct horse")])
    joe, secret, _, _ = await with_app(house)
    await store.transact(lambda tx: tx.accounts.set_password(joe.account, "correct horse"))
    assert await house.proof.by_password(joe, "correct horse", HERE) == Refused()
    again = await viewer(house, secret)
    assert again is not None
    assert not again.fresh


async def test_passkey_proves_anew_and_its_answer_counts_once(house: House) -> None:
    account = await house.accounts.add(ROOT, JOE, Role.USER)
    secret = (await house.enter(account)).secret
    joe = await viewer(house, secret)
    assert joe is not None
    device = Device()
    question = await house.factors.ask_for_passkey(joe, HOST)
    assert await house.factors.add_passkey(joe, secret, HOST, device.make(question), "") is not None
    ways = await house.proof.ways(joe, HOST)
    assert ways is not None
    answer = device.answer(ways.question)
    forged = Device("https://evil.example").answer(ways.question)
    assert await house.proof.by_passkey(joe, secret, HOST, forged, HERE) == Refused()
    done = await house.proof.by_passkey(joe, secret, HOST, answer, HERE)
    assert isinstance(done, Proven)
    assert await house.proof.by_passkey(joe, done.secret, HOST, answer, HERE) == Refused()
    assert await house.proof.by_passkey(joe, secret, HOST, answer, HERE) == Refused()


async def test_own_password_proves_anew_and_is_guessed_ever_more_slowly(store: Store) -> None:
    house = House(store, checks=[Local(Identity("root", account=1), "correct horse")])
    account = await house.accounts.add(ROOT, "root", Role.SITE_ADMIN)
    assert account.id == 1
    root, _ = await aged(house, account)
    assert await house.proof.ways(root, HOST) == Ways("root")
    assert await house.proof.by_password(root, "correct horse", HERE) == Refused()
    await store.transact(lambda tx: tx.accounts.set_password(1, "correct horse"))
    assert await house.proof.ways(root, HOST) == Ways("root", password=True)
    for _ in range(5):
        assert await house.proof.by_password(root, "wrong", HERE) == Refused()
    assert await house.proof.by_password(root, "correct horse", HERE) == Refused(2.0)
    house.time += 2
    done = await house.proof.by_password(root, "correct horse", HERE)
    assert isinstance(done, Proven)


async def test_password_of_the_mailbox_proves_its_owner_and_nobody_else(store: Store) -> None:
    house = House(store, checks=[OnePassword(Identity(JOE, (JOE,)), "mailbox")])
    joe, _ = await aged(house, await house.accounts.add(ROOT, JOE, Role.USER))
    assert await house.proof.ways(joe, HOST) == Ways(JOE, password=True, address=JOE)
    assert isinstance(await house.proof.by_password(joe, "mailbox", HERE), Proven)
    mia = await house.accounts.add(ROOT, "mia", Role.SITE_ADMIN)
    await house.accounts.give(ROOT, mia.id, JOE, Kind.DELEGATED)
    other, _ = await aged(house, mia)
    assert await house.proof.ways(other, HOST) == Ways("mia")
    assert await house.proof.by_password(other, "mailbox", HERE) == Refused()


async def test_password_that_cannot_be_checked_is_neither_right_nor_wrong(store: Store) -> None:
    house = House(store, checks=[Down(Identity(JOE), "x")])
    joe, _ = await aged(house, await house.accounts.add(ROOT, JOE, Role.USER))
    with pytest.raises(CheckDown):
        await house.proof.by_password(joe, "x", HERE)


async def test_link_to_the_own_mailbox_begins_a_proven_session(house: House) -> None:
    account = await house.accounts.add(ROOT, "kim", Role.USER, ["kim@example.org", "alias@example.org"])
    kim, _ = await aged(house, account)
    assert await house.proof.ways(kim, HOST) == Ways("kim", address="kim@example.org")
    assert await house.proof.by_link(kim, "/console/account/password", HERE) == Asked()
    await house.mail.run_once()
    (to, text), *_ = house.hop.taken
    assert to == "kim@example.org"
    entered = await house.sign_in.enter_by_link(text.decode().rpartition("/")[2], HERE)
    assert entered is not None
    assert (entered.account, entered.wanted) == (account.id, "/console/account/password")
    fresh = await viewer(house, entered.secret)
    assert fresh is not None
    assert fresh.fresh
    # Asking again and again fills nobody's mailbox.
    again = await house.proof.by_link(kim, "", HERE)
    assert again is not None
    assert again.wait > 0


async def test_account_without_anything_to_show_signs_in_anew(house: House) -> None:
    root, _ = await aged(house, await house.accounts.add(ROOT, "root", Role.SITE_ADMIN))
    assert await house.proof.ways(root, HOST) == Ways("root")
    assert await house.proof.by_link(root, "", HERE) is None
    assert await house.proof.by_code(root, "000000", HERE) == Refused()


async def test_proof_of_the_future_is_none(house: House) -> None:
    account = await house.accounts.add(ROOT, JOE, Role.USER)
    secret = (await house.enter(account)).secret
    house.time -= 1
    early = await viewer(house, secret)
    assert early is not None
    assert not early.fresh


async def test_secret_that_an_app_was_to_learn_is_forgotten_at_a_proof(house: House) -> None:
    joe, secret, app, _ = await with_app(house)
    shown = await house.factors.own_codes(joe, secret)
    done = await house.proof.by_code(joe, app.at(int(house.time)), HERE)
    assert isinstance(done, Proven)
    now = await house.factors.own_codes(joe, done.secret)
    assert shown is not None
    assert now is not None
    assert now.secret != shown.secret
