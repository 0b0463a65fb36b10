"""The public key of a signer, from its TXT record (RFC 6376 §3.6.1, RFC 8301, RFC 8463)."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import nacl.exceptions
import nacl.signing

from gateway.checks.tag_list import TagError, read_base64, read_tags, read_words
from gateway.domain.evidence import Result

_MIN_RSA_BITS = 1024  # RFC 8301 §3.2
_MAX_RSA_BITS = 4096
_MAX_EXPONENT = 2**33
"""A verification costs as much as the key says; no honest key says more."""
_MAX_RECORD = 4096
_P_TAG = re.compile(rb"(?:\A|[;\s])p[ \t]?=")
"""What tells a key from other text at the same name."""
_SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
"""DigestInfo of SHA-256 (RFC 8017 §9.2)."""


class KeyUnusable(Exception):
    """The record is not a key we can or may use; says with which result and words."""

    def __init__(self, result: Result, note: str) -> None:
        super().__init__(note)
        self.result = result
        self.note = note


@dataclass(frozen=True, slots=True)
class RsaKey:
    """modulus and exponent (RFC 8017 §3.1)."""

    modulus: int
    exponent: int


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """RFC 8032 §5.1.5."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """A key that may be used, and what for."""

    public: RsaKey | Ed25519Key
    strict_identity: bool = False
    """t=s: the domain of i= must be d= itself, not a sub-domain."""

    @property
    def algorithm(self) -> str:
        """The a= this key can verify."""
        return "rsa-sha256" if isinstance(self.public, RsaKey) else "ed25519-sha256"


def choose(records: tuple[bytes, ...]) -> Key:
    """Return the one key among the TXT records of a selector. Raises KeyUnusable.

    t=y (testing) changes nothing: a signature that does not verify never counts against a mail here anyway.
    """
    keys = [record for record in records if _P_TAG.search(record)]
    if not keys:
        raise KeyUnusable(Result.PERMERROR, "no key")
    if len(keys) > 1:
        # RFC 6376 §3.6.2.2: undefined; to try one after the other would let an abandoned key live on.
        raise KeyUnusable(Result.PERMERROR, "several keys")
    return parse(keys[0])


@functools.lru_cache(maxsize=1024)
def parse(record: bytes) -> Key:
    """Read one key record. Raises KeyUnusable."""
    if len(record) > _MAX_RECORD:
        raise KeyUnusable(Result.PERMERROR, "key record too long")
    try:
        return _parse(read_tags(record))
    except (TagError, _DerError):
        raise KeyUnusable(Result.PERMERROR, "malformed key record") from None


def _parse(tags: dict[str, bytes]) -> Key:
    if "v" in tags and (tags["v"] != b"DKIM1" or next(iter(tags)) != "v"):
        raise KeyUnusable(Result.PERMERROR, "unknown key version")
    if "h" in tags and "sha256" not in read_words(tags["h"]):
        raise KeyUnusable(Result.PERMERROR, "key not for this hash")
    if "s" in tags and not {"*", "email"} & set(read_words(tags["s"])):
        raise KeyUnusable(Result.PERMERROR, "key not for mail")
    if not tags["p"]:
        raise KeyUnusable(Result.PERMERROR, "key revoked")
    octets = read_base64(tags["p"])
    strict = "s" in read_words(tags.get("t", b""))
    kind = tags.get("k", b"rsa").lower()
    if kind == b"rsa":
        return Key(_rsa(octets), strict)
    if kind == b"ed25519":
        if len(octets) != 32:
            raise KeyUnusable(Result.PERMERROR, "malformed key record")
        return Key(Ed25519Key(octets), strict)
    raise KeyUnusable(Result.PERMERROR, "unknown kind of key")


class _DerError(ValueError):
    pass


def _rsa(octets: bytes) -> RsaKey:
    """Read a SubjectPublicKeyInfo, or the bare RSAPublicKey some publish (RFC 5280 §4.1, RFC 8017 §A.1.1)."""
    body, _ = _element(octets, 0x30)
    if body[:1] == b"\x30":
        _, rest = _element(body, 0x30)
        bits, _ = _element(rest, 0x03)
        if bits[:1] != b"\0":
            raise _DerError
        body, _ = _element(bits[1:], 0x30)
    modulus, rest = _element(body, 0x02)
    exponent, _ = _element(rest, 0x02)
    key = RsaKey(int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big"))
    bits_long = key.modulus.bit_length()
    if bits_long < _MIN_RSA_BITS:
        raise KeyUnusable(Result.POLICY, "key too short")
    if bits_long > _MAX_RSA_BITS or not 3 <= key.exponent <= _MAX_EXPONENT or not key.exponent & key.modulus & 1:
        raise KeyUnusable(Result.PERMERROR, "unreasonable key")
    return key


def _element(octets: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the content of the first DER element, and what follows it (X.690 §8.1)."""
    if len(octets) < 2 or octets[0] != tag:
        raise _DerError
    length, at = octets[1], 2
    if length & 0x80:
        at += length & 0x7F
        if not 2 < at <= 6 or len(octets) < at:
            raise _DerError
        length = int.from_bytes(octets[2:at], "big")
    if len(octets) < at + length:
        raise _DerError
    return octets[at : at + length], octets[at + length :]


def verifies(key: Key, digest: bytes, signature: bytes) -> bool:
    """True when the signature over a SHA-256 digest was made with the private half of this key."""
    if isinstance(key.public, Ed25519Key):
        return _verifies_ed25519(key.public, digest, signature)
    modulus = key.public.modulus
    size = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= modulus:
        return False
    # RSASSA-PKCS1-v1_5: compare with the one right encoding instead of taking the found one apart
    # (RFC 8017 §8.2.2). All of it is public, so that time tells nothing.
    info = _SHA256_PREFIX + digest
    expected = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    return pow(number, key.public.exponent, modulus) == int.from_bytes(expected, "big")


def _verifies_ed25519(key: Ed25519Key, digest: bytes, signature: bytes) -> bool:
    try:
        nacl.signing.VerifyKey(key.octets).verify(digest, signature)
    except (nacl.exceptions.CryptoError, ValueError):
        return False
    return True
