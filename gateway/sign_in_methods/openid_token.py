"""ID tokens (OpenID Connect Core §2): is one signed by the provider, for us, now, and for this very sign-in?"""

from __future__ import annotations

import hmac
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from gateway.flow.openid import NotShown

Keys = Sequence[Mapping[str, object]]
"""JSON Web Keys, as the provider shows them."""

# Signatures by keys of two halves only: whoever knows the public half must not be able to sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
_LEEWAY = 60.0
"""Seconds that the provider's clock may be off."""
_LONGEST = 20_000
_LONGEST_SUBJECT = 255  # OpenID Connect Core §2.


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must say."""

    issuer: str
    client_id: str
    nonce: str


class KeyNotKnown(Exception):
    """The token names a key that is not among those given."""


def read_token(token: str, keys: Keys, rules: TokenRules, now: float) -> Mapping[str, object]:
    """Return what a token claims. Raises NotShown, KeyNotKnown."""
    # Imported here: only who signs in at a provider needs it.
    from joserfc import jws, jwt
    from joserfc.errors import InvalidKeyIdError, JoseError
    from joserfc.jwk import JWKRegistry, KeySet

    if len(token) > _LONGEST or not token.isascii():
        raise NotShown("the ID token is no token")
    usable = []
    for key in keys:
        if key.get("kty") not in ("RSA", "EC", "OKP") or key.get("use", "sig") != "sig":
            continue
        try:
            usable.append(JWKRegistry.import_key({name: text for name, text in key.items() if isinstance(text, str)}))
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # Of a kind that we do not know; others may do.
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        claims = jwt.decode(token, KeySet(usable), ALGORITHMS, registry).claims
    except InvalidKeyIdError:
        raise KeyNotKnown from None
    except (JoseError, ValueError, TypeError, KeyError) as refusal:
        raise NotShown(f"the ID token is not good: {type(refusal).__name__}") from None
    fault = _fault(claims, rules, now)
    if fault:
        raise NotShown(f"the ID token is not good: {fault}")
    return claims


def _fault(claims: Mapping[str, object], rules: TokenRules, now: float) -> str:
    """Say what is wrong with a token that is truly the signer's (OpenID Connect Core §3.1.3.7); "" where nothing is."""
    audience, subject, nonce = claims.get("aud"), claims.get("sub"), claims.get("nonce")
    audiences = [audience] if isinstance(audience, str) else audience
    if claims.get("iss") != rules.issuer:
        return "iss"
    if not isinstance(audiences, list) or rules.client_id not in audiences:
        return "aud"
    if claims.get("azp", rules.client_id if len(audiences) == 1 else None) != rules.client_id:
        return "azp"
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        return "sub"
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), rules.nonce.encode()):
        return "nonce"
    expiry, issued, start = claims.get("exp"), claims.get("iat"), claims.get("nbf", now)
    if not _is_time(expiry) or expiry <= now - _LEEWAY:
        return "exp"
    if not _is_time(issued) or issued > now + _LEEWAY:
        return "iat"
    return "" if _is_time(start) and start <= now + _LEEWAY else "nbf"


def _is_time(value: object) -> TypeGuard[int | float]:
    """True for a number of seconds; NaN is none, and compares with nothing."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
