"""One DKIM-Signature field, read and judged before any key is fetched (RFC 6376 §3.5, §6.1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.checks.names import is_domain
from gateway.checks.tag_list import TagError, read_base64, read_tags, read_words, without_value
from gateway.domain.address import normal_domain
from gateway.domain.evidence import Dkim, Result
from gateway.domain.header import Field

_MAX_SIGNATURE = 512
"""Octets of b=: that of an RSA key of 4096 bits."""
_MAX_NAME = 1024
"""Octets of d=, s= or the domain of i=; to bring a longer one into A-labels would take long."""
_DIGITS = re.compile(rb"[0-9]{1,76}\Z")
_SELECTOR = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\Z")
_CLOCK_SKEW = 3600.0
"""Seconds by which the clocks of signers are believed to be wrong."""
_ALGORITHMS = frozenset({b"rsa-sha256", b"ed25519-sha256"})


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that is worth fetching a key for."""

    field: Field
    domain: str
    """d=, lower-case A-labels."""
    selector: str
    algorithm: str
    value: bytes
    """b=, decoded."""
    body_hash: bytes
    relaxed_header: bool
    relaxed_body: bool
    names: tuple[bytes, ...]
    """h=, lower case."""
    identity: str
    """The domain of i=."""
    length: int | None
    """l=, in octets of the canonical body."""
    unsigned: bytes
    """The field's value with b= emptied."""

    def result(self, result: Result, note: str = "") -> Dkim:
        """Return the outcome of this signature."""
        return Dkim(result, self.domain, self.selector, note)


class _Refused(Exception):
    def __init__(self, result: Result, note: str) -> None:
        super().__init__(note)
        self.result = result
        self.note = note


def read_signature(field: Field, from_fields: int, now: float) -> Signature | Dkim:
    """Return the signature, or at once its outcome where no key could make it good. Never raises.

    from_fields: how many From fields the message has. now: seconds since the epoch.
    """
    try:
        tags = read_tags(field.value)
    except TagError as error:
        return Dkim(Result.PERMERROR, "", "", str(error))
    domain, selector = _name(tags.get("d", b"")), _name(tags.get("s", b""))
    known_domain = domain if is_domain(domain) else ""
    known_selector = selector if _SELECTOR.match(selector) and len(selector) <= 190 else ""
    try:
        if not known_domain or not known_selector:
            raise _Refused(Result.PERMERROR, "malformed d= or s=")
        return _read(field, tags, known_domain, known_selector, from_fields, now)
    except TagError as error:
        return Dkim(Result.PERMERROR, known_domain, known_selector, str(error))
    except _Refused as refused:
        return Dkim(refused.result, known_domain, known_selector, refused.note)


def _name(value: bytes) -> str:
    if len(value) > _MAX_NAME:
        return ""
    try:
        return normal_domain(value.decode("utf-8"))  # RFC 8616 §5 allows U-labels.
    except UnicodeDecodeError:
        return ""


def _read(field: Field, tags: dict[str, bytes], domain: str, selector: str, from_fields: int, now: float) -> Signature:
    if tags.get("v") != b"1":
        raise _Refused(Result.PERMERROR, "unknown version")
    for tag in ("a", "b", "bh", "h"):
        if not tags.get(tag):
            raise _Refused(Result.PERMERROR, f"no {tag}=")
    algorithm = tags["a"].lower()
    if algorithm == b"rsa-sha1":
        raise _Refused(Result.POLICY, "rsa-sha1")  # RFC 8301 §3.1
    if algorithm not in _ALGORITHMS:
        raise _Refused(Result.PERMERROR, "unknown algorithm")
    if "q" in tags and "dns/txt" not in read_words(tags["q"]):
        raise _Refused(Result.PERMERROR, "unknown key source")
    names = tuple(word.encode("ascii") for word in read_words(tags["h"]))
    # A From that is not covered could be added or changed by anybody (RFC 6376 §8.15).
    if names.count(b"from") < max(from_fields, 1):
        raise _Refused(Result.POLICY, "From not covered")
    _check_times(tags, now)
    relaxed_header, relaxed_body = _canonicalization(tags.get("c", b"simple/simple").lower())
    identity = _name(tags["i"].rpartition(b"@")[2]) if "i" in tags else domain
    if identity != domain and not identity.endswith("." + domain):
        raise _Refused(Result.PERMERROR, "i= outside d=")
    value, body_hash = read_base64(tags["b"]), read_base64(tags["bh"])
    if len(value) > _MAX_SIGNATURE:
        raise _Refused(Result.PERMERROR, "signature too long")
    return Signature(
        field=field,
        domain=domain,
        selector=selector,
        algorithm=algorithm.decode("ascii"),
        value=value,
        body_hash=body_hash,
        relaxed_header=relaxed_header,
        relaxed_body=relaxed_body,
        names=names,
        identity=identity,
        length=_number(tags, "l"),
        unsigned=without_value(field.value, b"b"),
    )


def _canonicalization(value: bytes) -> tuple[bool, bool]:
    head, _, body = value.partition(b"/")
    forms = {b"simple": False, b"relaxed": True}
    if head not in forms or (body or b"simple") not in forms:
        raise _Refused(Result.PERMERROR, "unknown canonicalization")
    return forms[head], forms[body or b"simple"]


def _check_times(tags: dict[str, bytes], now: float) -> None:
    signed_at, expires_at = _number(tags, "t"), _number(tags, "x")
    if signed_at is not None and expires_at is not None and expires_at < signed_at:
        raise _Refused(Result.PERMERROR, "expires before it was made")
    if signed_at is not None and signed_at > now + _CLOCK_SKEW:
        raise _Refused(Result.POLICY, "made in the future")
    if expires_at is not None and expires_at < now - _CLOCK_SKEW:
        raise _Refused(Result.POLICY, "expired")


def _number(tags: dict[str, bytes], tag: str) -> int | None:
    if tag not in tags:
        return None
    if _DIGITS.match(tags[tag]) is None:
        raise _Refused(Result.PERMERROR, f"malformed {tag}=")
    return int(tags[tag])
