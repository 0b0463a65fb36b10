from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode

import cbor2
import pyotp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.domain.roles import Role, Viewer
from gateway.flow.account_ports import Account
from gateway.flow.second_factor import Enrolled
from gateway.flow.session_ports import Stage
from gateway.flow.sessions import Entered
from gateway.flow.sign_in import Refused
from gateway.store.store import Store
from tests.store.entrance import HERE, HOST, ORIGIN, ROOT, House


def text(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")


class Device:
    """A passkey in software (WebAuthn Level 2)."""

    def __init__(self, origin: str = ORIGIN) -> None:
        self._origin = origin
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = b"credential of this device"
        self._counter = 0

    def _seen(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self._origin}).encode()

    def _facts(self, flags: int, more: bytes = b"") -> bytes:
        self._counter += 1
        return hashlib.sha256(HOST.encode()).digest() + bytes([flags]) + self._counter.to_bytes(4, "big") + more

    def make(self, question: str) -> str:
        numbers = self._key.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        facts = self._facts(0x41, bytes(16) + len(self._id).to_bytes(2, "big") + self._id + public)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": facts})
        seen = self._seen("webauthn.create", json.loads(question)["challenge"])
        return self._told({"clientDataJSON": text(seen), "attestationObject": text(attestation)})

    def answer(self, question: str) -> str:
        seen, facts = self._seen("webauthn.get", json.loads(question)["challenge"]), self._facts(0x01)
        signature = self._key.sign(facts + hashlib.sha256(seen).digest(), ec.ECDSA(SHA256()))
        return self._told(
            {"clientDataJSON": text(seen), "authenticatorData": text(facts), "signature": text(signature)}
        )

    def _told(self, response: dict[str, str]) -> str:
        return json.dumps({"id": text(self._id), "rawId": text(self._id), "type": "public-key", "response": response})


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


async def signed_in(house: House, role: Role = Role.USER) -> tuple[Account, Viewer, str]:
    account = await house.accounts.add(ROOT, "joe@example.org", role)
    secret = (await house.enter(account)).secret
    viewer = await house.sessions.viewer(secret, HERE.client)
    assert viewer is not None
    return account, viewer, secret


async def with_app(house: House) -> tuple[Account, Viewer, pyotp.TOTP, tuple[str, ...]]:
    account, viewer, secret = await signed_in(house)
    enrolment = await house.factors.own_codes(viewer, secret)
    assert enrolment is not None
    assert "<svg" in enrolment.picture
    assert "style" not in enrolment.picture
    app = pyotp.TOTP(enrolment.secret)
    done = await house.factors.confirm_codes(secret, app.at(int(house.time)), HERE)
    assert isinstance(done, Enrolled)
    house.time += 30
    return account, viewer, app, done.codes


async def test_code_of_the_app_is_asked_for_and_counts_once(house: House) -> None:
    account, _, app, _ = await with_app(house)
    half = await house.enter(account, "/console/lists")
    assert half.stage is Stage.SECOND
    assert await house.sessions.viewer(half.secret, HERE.client) is None
    code = app.at(int(house.time))
    assert await house.factors.enter_by_code(half.secret, "000000", HERE) == Refused()
    entered = await house.factors.enter_by_code(half.secret, f"{code[:3]} {code[3:]}", HERE)
    assert isinstance(entered, Entered)
    assert entered.secret != half.secret
    assert entered.wanted == "/console/lists"
    viewer = await house.sessions.viewer(entered.secret, HERE.client)
    assert viewer is not None
    assert viewer.second_factor
    # Nobody comes in with what was seen over the shoulder, nor with the half session of before.
    other = await house.enter(account)
    assert await house.factors.enter_by_code(other.secret, code, HERE) == Refused()
    assert await house.factors.enter_by_code(half.secret, app.at(int(house.time) + 30), HERE) is None


async def test_code_of_a_clock_that_is_a_little_off_is_taken_and_of_one_far_off_is_not(house: House) -> None:
    account, _, app, _ = await with_app(house)
    house.time += 300
    half = await house.enter(account)
    for off in (-90, 90):
        assert await house.factors.enter_by_code(half.secret, app.at(int(house.time) + off), HERE) == Refused()
    assert isinstance(await house.factors.enter_by_code(half.secret, app.at(int(house.time) - 30), HERE), Entered)


async def test_codes_are_guessed_ever_more_slowly(house: House) -> None:
    account, _, app, _ = await with_app(house)
    half = await house.enter(account)
    for _ in range(5):
        assert await house.factors.enter_by_code(half.secret, "123", HERE) == Refused()
    assert await house.factors.enter_by_code(half.secret, app.at(int(house.time)), HERE) == Refused(2.0)
    # A new link does not begin the count anew.
    again = await house.enter(account)
    assert await house.factors.enter_by_code(again.secret, app.at(int(house.time)), HERE) == Refused(2.0)


async def test_recovery_code_lets_in_once(house: House) -> None:
    account, _, _, codes = await with_app(house)
    assert len(set(codes)) == 10
    for expected in (Entered, Refused):
        half = await house.enter(account)
        done = await house.factors.enter_by_code(half.secret, codes[0].upper().replace("-", " "), HERE)
        assert isinstance(done, expected)
    found = await house.accounts.get(ROOT, account.id)
    assert found is not None
    assert found.recovery_codes == 9


async def test_half_session_is_over_after_ten_minutes(house: House) -> None:
    account, _, app, _ = await with_app(house)
    half = await house.enter(account)
    house.time += 600
    assert await house.factors.enter_by_code(half.secret, app.at(int(house.time)), HERE) is None


async def test_recovery_codes_go_with_the_last_second_factor(house: House) -> None:
    account, viewer, _, _ = await with_app(house)
    fresh = await house.factors.fresh_recovery(viewer)
    assert len(fresh) == 10
    await house.factors.remove_codes(viewer)
    found = await house.accounts.get(ROOT, account.id)
    assert found is not None
    assert (found.has_second_factor, found.recovery_codes) == (False, 0)
    assert await house.factors.fresh_recovery(viewer) == ()
    assert (await house.enter(account)).stage is Stage.FULL


async def test_admin_who_must_have_one_sets_it_up_before_he_is_in(store: Store) -> None:
    house = House(store, strict=True)
    user = await house.accounts.add(ROOT, "mia@example.org", Role.USER)
    assert (await house.enter(user)).stage is Stage.FULL
    admin = await house.accounts.add(ROOT, "root", Role.SITE_ADMIN)
    half = await house.enter(admin)
    assert half.stage is Stage.ENROL
    assert await house.sessions.viewer(half.secret, HERE.client) is None
    found = await house.factors.enrolling(half.secret)
    assert found is not None
    assert (await house.factors.enrolling(half.secret)) == found
    app = pyotp.TOTP(found[1].secret)
    assert await house.factors.confirm_codes(half.secret, "000000", HERE) == Refused()
    done = await house.factors.confirm_codes(half.secret, app.at(int(house.time)), HERE)
    assert isinstance(done, Enrolled)
    assert done.entered is not None
    assert len(done.codes) == 10
    assert await house.sessions.viewer(done.entered.secret, HERE.client) is not None


async def test_passkey_lets_in_and_its_answer_counts_once(house: House) -> None:
    account, viewer, secret = await signed_in(house)
    device = Device()
    question = await house.factors.ask_for_passkey(viewer, HOST)
    added = await house.factors.add_passkey(viewer, secret, HOST, device.make(question), "My  telephone")
    assert added is not None
    assert len(added.codes) == 10
    assert [key.name for key in await house.factors.passkeys(viewer)] == ["My telephone"]
    half = await house.enter(account)
    asked = await house.factors.half(half.secret, HOST)
    assert asked is not None
    answer = device.answer(asked.question)
    assert await house.factors.enter_by_passkey(half.secret, HOST, Device().answer(asked.question), HERE) == Refused()
    assert await house.factors.enter_by_passkey(half.secret, HOST, "{}", HERE) == Refused()
    assert isinstance(await house.factors.enter_by_passkey(half.secret, HOST, answer, HERE), Entered)
    other = await house.enter(account)
    await house.factors.half(other.secret, HOST)
    assert await house.factors.enter_by_passkey(other.secret, HOST, answer, HERE) == Refused()


async def test_passkey_of_a_page_that_looks_like_ours_is_refused(house: House) -> None:
    _, viewer, secret = await signed_in(house)
    question = await house.factors.ask_for_passkey(viewer, HOST)
    forged = Device("https://console.example.org.evil.example").make(question)
    assert await house.factors.add_passkey(viewer, secret, HOST, forged, "x") is None
    assert await house.factors.add_passkey(viewer, secret, HOST, "nonsense", "x") is None


async def test_passkey_of_somebody_else_cannot_be_removed(house: House) -> None:
    _, viewer, secret = await signed_in(house)
    question = await house.factors.ask_for_passkey(viewer, HOST)
    await house.factors.add_passkey(viewer, secret, HOST, Device().make(question), "")
    (key,) = await house.factors.passkeys(viewer)
    mia = await house.accounts.add(ROOT, "mia@example.org", Role.USER)
    other = await house.sessions.viewer((await house.enter(mia)).secret, HERE.client)
    assert other is not None
    assert not await house.factors.remove_passkey(other, key.id)
    assert await house.factors.remove_passkey(viewer, key.id)
