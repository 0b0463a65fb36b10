"""What a provider may not say, and what must not be believed of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.flow.openid import Answer, NotShown
from gateway.flow.sign_in_ports import CheckDown
from gateway.sign_in_methods.openid import ASKING_SECONDS, OpenidProvider, OpenidRules
from gateway.sign_in_methods.openid_token import ALGORITHMS

NOW = 1_700_000_000.0
ISSUER, CLIENT, BACK = "https://id.example", "gateway", "https://gateway.example.org/sign-in/openid/back"
KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
RULES = OpenidRules(ISSUER, CLIENT)


class FakeProvider:
    """Answers as told, and signs what it is told."""

    def __init__(self) -> None:
        self.keys: list[Any] = [KEY.as_dict(private=False)]
        self.document: dict[str, object] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize?tenant=1",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
        }
        self.claims: dict[str, object] = {
            "iss": ISSUER, "aud": CLIENT, "sub": "4711", "exp": NOW + 300, "iat": NOW,
            "email": "joe@example.org", "email_verified": True,
        }  # fmt: skip
        self.userinfo: dict[str, object] = {}
        self.header: dict[str, object] = {"alg": "ES256", "kid": "one"}
        self.signer: Any = KEY
        self.token: str | None = None
        self.statuses: dict[str, int] = {}
        self.asked: list[str] = []
        self.headers: Mapping[str, str] = {}
        self.form: Mapping[str, str] = {}

    async def __call__(
        self, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        name = url.rpartition("/")[2]
        self.asked.append(name)
        status = self.statuses.get(name, 200)
        if name == "openid-configuration":
            return Answer(status, self.document)
        if name == "keys":
            return Answer(status, {"keys": self.keys})
        if name == "userinfo":
            return Answer(status, self.userinfo)
        self.form, self.headers = form or {}, headers or {}
        token = self.token
        if token is None:
            algorithms = [*ALGORITHMS, "HS256", "none"]
            token = jwt.encode(dict(self.header), dict(self.claims), self.signer, algorithms)
        return Answer(status, {"id_token": token, "access_token": "access", "error": "invalid_client"})


class Clock:
    def __init__(self) -> None:
        self.now = NOW


def provider(fake: FakeProvider, rules: OpenidRules = RULES, clock: Clock | None = None) -> OpenidProvider:
    numbers, told = itertools.count(), clock or Clock()
    return OpenidProvider(
        rules, fake, now=lambda: told.now, random_octets=lambda count: next(numbers).to_bytes(count, "big")
    )


async def come_back(
    fake: FakeProvider, made: OpenidProvider | None = None, nonce: str | None = None, **more: str
) -> tuple[Any, dict[str, str]]:
    """Go there and back; return what was shown and what the browser was sent there with."""
    made = made or provider(fake)
    asking = await made.begin(BACK, "/console/lists")
    query = dict(parse_qsl(urlsplit(asking.url).query))
    fake.claims["nonce"] = query["nonce"] if nonce is None else nonce
    return await made.finish(BACK, asking.secret, {"state": query["state"], "code": "c", **more}), query


async def test_openid_shows_who_came_back() -> None:
    fake = FakeProvider()
    shown, query = await come_back(fake)
    assert shown.wanted == "/console/lists"
    assert shown.identity.addresses == ("joe@example.org",)
    assert shown.identity.subject == f"{ISSUER} 4711"
    assert (query["tenant"], query["redirect_uri"], query["code_challenge_method"]) == ("1", BACK, "S256")
    assert len({query["state"], query["nonce"], query["code_challenge"], fake.form["code_verifier"]}) == 4
    assert (fake.form["redirect_uri"], fake.form["client_id"], fake.headers) == (BACK, CLIENT, {})


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "somebody-else"},
        {"aud": ["somebody-else"]},
        {"aud": [CLIENT, "somebody-else"]},
        {"aud": [CLIENT, "somebody-else"], "azp": "somebody-else"},
        {"azp": "somebody-else"},
        {"exp": NOW - 61},
        {"exp": "never"},
        {"exp": None},
        {"exp": True},
        {"iat": NOW + 61},
        {"nbf": NOW + 61},
        {"sub": ""},
        {"sub": 4711},
        {"sub": "x" * 256},
    ],
    ids=str,
)
async def test_openid_token_that_is_not_for_us_now_is_refused(claims: dict[str, object]) -> None:
    fake = FakeProvider()
    fake.claims |= claims
    with pytest.raises(NotShown):
        await come_back(fake)


async def test_openid_token_for_several_of_whom_we_are_the_one_meant_is_good() -> None:
    fake = FakeProvider()
    fake.claims |= {"aud": ["somebody-else", CLIENT], "azp": CLIENT}
    assert (await come_back(fake))[0].identity.subject


async def test_openid_token_of_another_sign_in_is_refused() -> None:
    for nonce in ("", "another"):
        with pytest.raises(NotShown, match="nonce"):
            await come_back(FakeProvider(), nonce=nonce)


async def test_openid_token_signed_by_another_or_with_a_public_key_as_secret_is_refused() -> None:
    other = FakeProvider()
    other.signer = ECKey.generate_key("P-256", {"kid": "one"})
    secret = FakeProvider()
    secret.header = {"alg": "HS256", "kid": "one"}
    secret.signer = OctKey.import_key(str(KEY.as_dict(private=False)["x"]))
    shown = FakeProvider()  # The provider itself shows a key of one half.
    shown.signer = OctKey.generate_key(256, {"kid": "one"})
    shown.header, shown.keys = {"alg": "HS256", "kid": "one"}, [shown.signer.as_dict(private=True)]
    nobody = FakeProvider()
    nobody.token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI0NzExIn0."
    large = FakeProvider()
    large.token = "a" * 20_001
    for fake in (other, secret, shown, nobody, large):
        with pytest.raises(NotShown):
            await come_back(fake)


async def test_openid_provider_may_change_its_keys() -> None:
    fake, clock = FakeProvider(), Clock()
    made = provider(fake, clock=clock)
    await come_back(fake, made)
    fresh = RSAKey.generate_key(2048, {"kid": "two"})
    fake.signer, fake.header = fresh, {"alg": "RS256", "kid": "two"}
    # One of a kind that nobody knows is no hindrance.
    fake.keys = [{"kty": "NEW", "kid": "three"}, {"kty": "EC", "crv": "X", "kid": "4"}, fresh.as_dict(private=False)]
    # Keys that were read just now are not read again for each token that names another.
    with pytest.raises(NotShown):
        await come_back(fake, made)
    clock.now += 61
    assert (await come_back(fake, made))[0].identity.subject
    assert (fake.asked.count("keys"), fake.asked.count("openid-configuration")) == (2, 1)


async def test_openid_cookie_that_is_old_foreign_or_broken_leads_nowhere() -> None:
    fake, clock = FakeProvider(), Clock()
    made = provider(fake, clock=clock)
    asking = await made.begin(BACK, "")
    state = dict(parse_qsl(urlsplit(asking.url).query))["state"]
    begun, random, path = asking.secret.split(".")
    for secret in (
        "",
        "x",
        f"{begun}.{random}",
        f"{begun}..{path}",
        f"{begun}.{random}.é",
        f"9{begun}.{random}.{path}",
    ):
        with pytest.raises(NotShown):
            await made.finish(BACK, secret, {"state": state, "code": "c"})
    for other in ("", "x", "é", state[:-1]):
        with pytest.raises(NotShown):
            await made.finish(BACK, asking.secret, {"state": other, "code": "c"})
    clock.now += ASKING_SECONDS + 1
    with pytest.raises(NotShown, match="too long"):
        await made.finish(BACK, asking.secret, {"state": state, "code": "c"})
    assert "token" not in fake.asked


async def test_openid_answer_must_be_this_providers() -> None:
    fake = FakeProvider()
    fake.document["authorization_response_iss_parameter_supported"] = True
    assert (await come_back(fake, iss=ISSUER))[0].identity.subject
    with pytest.raises(NotShown):
        await come_back(fake)
    with pytest.raises(NotShown):
        await come_back(fake, iss="https://other.example")


async def test_openid_address_may_come_from_userinfo_of_the_same_person_only() -> None:
    fake = FakeProvider()
    del fake.claims["email"], fake.claims["email_verified"]
    fake.userinfo = {"sub": "4711", "email": "joe@example.org", "email_verified": True, "amr": ["mfa"], "iss": "x"}
    rules = OpenidRules(ISSUER, CLIENT, second_factor=True)
    identity = (await come_back(fake, provider(fake, rules)))[0].identity
    assert (identity.addresses, identity.second_factor) == (("joe@example.org",), False)
    fake.userinfo["sub"] = "4712"
    assert (await come_back(fake))[0].identity.addresses == ()


async def test_openid_second_factor_is_believed_where_configured() -> None:
    fake = FakeProvider()
    fake.claims["amr"] = ["pwd", "mfa"]
    rules = OpenidRules(ISSUER, CLIENT, second_factor=True)
    assert (await come_back(fake, provider(fake, rules)))[0].identity.second_factor
    assert not (await come_back(fake))[0].identity.second_factor


async def test_openid_provider_that_is_down_or_somebody_else_is_not_asked_further() -> None:
    for name in ("openid-configuration", "keys", "token"):
        fake = FakeProvider()
        fake.statuses[name] = 500
        with pytest.raises(CheckDown):
            await come_back(fake)
    for change in ({"issuer": "https://other.example"}, {"token_endpoint": "http://id.example/token"}, {"jwks_uri": 7}):
        fake = FakeProvider()
        fake.document |= change
        with pytest.raises(CheckDown):
            await come_back(fake)


async def test_openid_provider_that_was_down_is_left_alone_for_a_moment() -> None:
    fake, clock = FakeProvider(), Clock()
    made = provider(fake, clock=clock)
    fake.statuses["openid-configuration"] = 500
    for _ in range(3):
        with pytest.raises(CheckDown):
            await made.begin(BACK, "")
    assert len(fake.asked) == 1
    fake.statuses.clear()
    clock.now += 5
    assert (await made.begin(BACK, "")).url


async def test_openid_waits_for_a_slow_provider_with_few_only() -> None:
    fake = FakeProvider()
    made = provider(fake)
    asking = await made.begin(BACK, "")
    query = {"state": dict(parse_qsl(urlsplit(asking.url).query))["state"], "code": "c"}
    done = await asyncio.gather(*(made.finish(BACK, asking.secret, query) for _ in range(25)), return_exceptions=True)
    assert sum(isinstance(one, CheckDown) for one in done) == 5
