"""Sign-in at an identity provider: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636, S256).

Nothing is kept between a browser's leaving and its coming back: state, nonce and PKCE verifier are made from one
secret in its cookie. Whoever lacks the cookie can use neither the address he came back to nor the code in it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, urlencode

from gateway.domain.sign_in import safe_path
from gateway.flow.openid import Asking, Fetch, NotShown, Shown
from gateway.flow.sign_in_ports import CheckDown, Identity
from gateway.sign_in_methods.openid_token import KeyNotKnown, Keys, TokenRules, read_token

ASKING_SECONDS = 600.0
"""How long somebody may take at the provider."""
_FRESH_SECONDS = 3600.0
_DOWN_SECONDS = 5.0
"""For so long a provider that could not be asked is not asked again: those who wait would wait one after the other."""
_KEYS_PAUSE = 60.0
"""Seconds before keys are asked for anew because a token names one that is not known."""
_MOST_AT_ONCE = 20
_SECRET_OCTETS = 32
_LONGEST_CODE = 4096


@dataclass(frozen=True, slots=True)
class OpenidRules:
    """The provider, and who we are there."""

    issuer: str
    client_id: str
    secret_file: Path | None = None
    """Read anew for each sign-in; None for a public client."""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    second_factor: bool = False
    """Its word that it asked for a second factor is believed."""


class OpenidProvider:
    """Sends browsers there, and judges what they bring back; implements `flow.openid.Provider`."""

    def __init__(
        self, rules: OpenidRules, fetch: Fetch, *, now: Callable[[], float], random_octets: Callable[[int], bytes]
    ) -> None:
        self._rules = rules
        self._fetch = fetch
        self._now = now
        self._random_octets = random_octets
        self._turn = asyncio.Lock()
        self._document: Mapping[str, object] = {}
        self._document_at = 0.0
        self._down_at = 0.0
        self._keys: Keys = ()
        self._keys_at = 0.0
        self._count = 0

    # --- there ---

    async def begin(self, return_to: str, wanted: str) -> Asking:
        """Return where to send a browser. return_to: our address for those who come back. Raises CheckDown."""
        document = await self._discovered()
        path = base64.urlsafe_b64encode(safe_path(wanted).encode()).decode()
        secret = f"{int(self._now())}.{_text(self._random_octets(_SECRET_OCTETS))}.{path}"
        challenge = _text(sha256(_part(secret, "verifier").encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self._rules.client_id,
            "redirect_uri": return_to,
            "scope": " ".join(self._rules.scopes),
            "state": _part(secret, "state"),
            "nonce": _part(secret, "nonce"),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint(document, "authorization_endpoint")
        return Asking(endpoint + ("&" if "?" in endpoint else "?") + urlencode(query), secret)

    # --- and back ---

    async def finish(self, return_to: str, secret: str, query: Mapping[str, str]) -> Shown:
        """Return who came back. secret: from the browser's cookie. Raises NotShown, CheckDown."""
        wanted = self._wanted(secret)
        if not hmac.compare_digest(query.get("state", "").encode(), _part(secret, "state").encode()):
            raise NotShown("the state is not this browser's")
        if self._count >= _MOST_AT_ONCE:
            raise CheckDown("too many wait for the provider")
        self._count += 1
        try:
            document = await self._discovered()
            code = self._code(document, query)
            tokens = await self._redeem(document, return_to, code, _part(secret, "verifier"))
            claims = await self._claims(document, tokens.get("id_token"), _part(secret, "nonce"))
            claims = await self._with_mail(document, claims, tokens.get("access_token"))
        finally:
            self._count -= 1
        return Shown(self._identity(claims), wanted)

    def _wanted(self, secret: str) -> str:
        """Return where somebody wants to go. Raises NotShown for no cookie of ours, or an old one."""
        begun, dot, rest = secret.partition(".")
        random, _, path = rest.partition(".")
        if not dot or not begun.isascii() or not begun.isdigit() or len(begun) > 12 or len(random) < 40:
            raise NotShown("this browser was not sent to the provider by us")
        if abs(self._now() - int(begun)) > ASKING_SECONDS:
            raise NotShown("it took too long")
        try:
            return safe_path(base64.urlsafe_b64decode(path).decode("ascii"))
        except (binascii.Error, ValueError):
            raise NotShown("the cookie is broken") from None

    def _code(self, document: Mapping[str, object], query: Mapping[str, str]) -> str:
        named = query.get("iss")
        # RFC 9207 §2.4: what comes from another provider is not shown to this one.
        if named is None and document.get("authorization_response_iss_parameter_supported") is True:
            raise NotShown("the answer does not say whose it is")
        if named is not None and named != self._rules.issuer:
            raise NotShown("the answer is another provider's")
        if query.get("error") in ("server_error", "temporarily_unavailable"):
            raise CheckDown("the provider cannot sign anybody in now")
        code = query.get("code", "")
        if "error" in query or not code or len(code) > _LONGEST_CODE:
            raise NotShown("the provider signed nobody in")
        return code

    async def _redeem(
        self, document: Mapping[str, object], return_to: str, code: str, verifier: str
    ) -> Mapping[str, object]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": return_to,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        secret = await asyncio.to_thread(_read_secret, self._rules.secret_file)
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if secret and isinstance(methods, list) and "client_secret_basic" in methods:
            # RFC 6749 §2.3.1: both are encoded as in a form first.
            pair = f"{quote(self._rules.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self._rules.client_id
            form |= {"client_secret": secret} if secret else {}
        answer = await self._fetch(self._endpoint(document, "token_endpoint"), form, headers)
        if answer.status == 400 and answer.body.get("error") == "invalid_grant":
            raise NotShown("the provider does not take its code back")
        if answer.status != 200:
            raise CheckDown(f"the provider's token endpoint answered {answer.status}")
        return answer.body

    async def _claims(self, document: Mapping[str, object], token: object, nonce: str) -> Mapping[str, object]:
        if not isinstance(token, str):
            raise NotShown("the provider sent no ID token")
        rules = TokenRules(self._rules.issuer, self._rules.client_id, nonce)
        keys = await self._current_keys(document, self._now() - _FRESH_SECONDS)
        try:
            return await asyncio.to_thread(read_token, token, keys, rules, self._now())
        except KeyNotKnown:
            # The provider may have changed its keys since.
            keys = await self._current_keys(document, self._now() - _KEYS_PAUSE)
        try:
            return await asyncio.to_thread(read_token, token, keys, rules, self._now())
        except KeyNotKnown:
            raise NotShown("the ID token is signed by a key that the provider does not show") from None

    async def _with_mail(
        self, document: Mapping[str, object], claims: Mapping[str, object], access_token: object
    ) -> Mapping[str, object]:
        """Add what only the UserInfo endpoint tells (OpenID Connect Core §5.3), as some providers have it."""
        if "email" in claims or not document.get("userinfo_endpoint") or not isinstance(access_token, str):
            return claims
        if not access_token.isascii() or not access_token.isprintable():
            return claims
        headers = {"Authorization": f"Bearer {access_token}"}
        answer = await self._fetch(self._endpoint(document, "userinfo_endpoint"), None, headers)
        # §5.3.2: without this check the answer may be about somebody else.
        if answer.status != 200 or answer.body.get("sub") != claims.get("sub"):
            return claims
        return {**claims, **{name: answer.body.get(name) for name in ("email", "email_verified", "name")}}

    def _identity(self, claims: Mapping[str, object]) -> Identity:
        subject = str(claims["sub"])
        email = claims.get("email")
        # Nothing but true itself: anybody may claim an address that nobody has verified.
        sure = isinstance(email, str) and claims.get("email_verified") is True
        full_name, methods = claims.get("name"), claims.get("amr")
        return Identity(
            name=email if sure and isinstance(email, str) else subject,
            addresses=(email,) if sure and isinstance(email, str) else (),
            # The provider's name belongs to it: another one's subjects are other people.
            subject=f"{self._rules.issuer} {subject}",
            full_name=full_name[:200] if isinstance(full_name, str) and full_name.isprintable() else "",
            second_factor=self._rules.second_factor and isinstance(methods, list) and "mfa" in methods,
        )

    # --- what the provider says of itself ---

    async def _discovered(self) -> Mapping[str, object]:
        async with self._turn:
            if not self._document or not 0 <= self._now() - self._document_at < _FRESH_SECONDS:
                if 0 <= self._now() - self._down_at < _DOWN_SECONDS:
                    raise CheckDown("the provider could not be asked a moment ago")
                try:
                    self._document, self._document_at = await self._discover(), self._now()
                except CheckDown:
                    self._down_at = self._now()
                    raise
            return self._document

    async def _discover(self) -> Mapping[str, object]:
        answer = await self._fetch(f"{self._rules.issuer.rstrip('/')}/.well-known/openid-configuration")
        if answer.status != 200:
            raise CheckDown(f"the provider's discovery document answered {answer.status}")
        # OpenID Connect Discovery §4.3: else one provider could speak for another.
        if answer.body.get("issuer") != self._rules.issuer:
            raise CheckDown("the provider names itself otherwise than sign_in_openid.issuer")
        return answer.body

    async def _current_keys(self, document: Mapping[str, object], not_before: float) -> Keys:
        async with self._turn:
            if not self._keys or not not_before <= self._keys_at <= self._now():
                answer = await self._fetch(self._endpoint(document, "jwks_uri"))
                keys = answer.body.get("keys")
                if answer.status != 200 or not isinstance(keys, list):
                    raise CheckDown("the provider shows no keys")
                self._keys, self._keys_at = tuple(key for key in keys if isinstance(key, dict)), self._now()
            return self._keys

    def _endpoint(self, document: Mapping[str, object], name: str) -> str:
        url = document.get(name)
        # In the clear only where the provider itself is, which the settings allow on this machine alone.
        scheme = "http://" if self._rules.issuer.startswith("http://") else "https://"
        if not isinstance(url, str) or not url.startswith(("https://", scheme)) or not url.isprintable():
            raise CheckDown(f"the provider's {name} is no address by https")
        return url


def _part(secret: str, use: str) -> str:
    """Return what is made of the browser's secret for one use. None of them tells anything about another."""
    return _text(hmac.new(secret.encode(), f"openid {use}".encode(), sha256).digest())


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _read_secret(file: Path | None) -> str:
    try:
        return "" if file is None else file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise CheckDown("sign_in_openid.client_secret_file cannot be read") from fault
