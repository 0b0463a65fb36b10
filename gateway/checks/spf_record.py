"""The text of an SPF record, read whole before any of it is evaluated (RFC 7208 §4.6)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from gateway.domain.evidence import Result

MAX_OCTETS = 16_384
"""Longer records are refused as faulty: no real one is, and each is read on the event loop."""

_QUALIFIERS = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)\Z", re.IGNORECASE | re.DOTALL)
_MECHANISM = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*)(.*)\Z", re.IGNORECASE | re.DOTALL)
_PREFIXES = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_MACRO = re.compile(r"%(?:[%_-]|\{([a-z])([0-9]{0,3})(r?)([.+,/_=-]*)\})", re.IGNORECASE)
_LETTERS = frozenset("slodiphv")
"""Those for a domain-spec; c, r and t are for explanations only, which we never send."""


class RecordError(ValueError):
    """The record does not follow the grammar: permerror for its domain."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A piece of a domain-spec that stands for itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Macro:
    """A piece that is replaced (RFC 7208 §7.2)."""

    letter: str
    """Lower case."""
    escape: bool
    """The letter was upper case: the value is URL-escaped."""
    rightmost: int
    """How many parts are kept, counted from the right; 0 for all."""
    reverse: bool
    delimiters: str


DomainSpec = tuple[Literal | Macro, ...]
"""Empty: the domain whose record it is."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One directive."""

    result: Result
    """What is said when it matches."""
    name: str
    """all, include, a, mx, ptr, ip4, ip6 or exists."""
    spec: DomainSpec = ()
    prefix4: int = 32
    prefix6: int = 128
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    """For ip4 and ip6."""


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record."""

    mechanisms: tuple[Mechanism, ...]
    redirect: DomainSpec = ()
    """Empty where there is none."""


def is_spf(text: bytes) -> bool:
    """True for a TXT record that is an SPF record (RFC 7208 §4.5)."""
    return text[:7].lower() in (b"v=spf1", b"v=spf1 ")


def parse(octets: bytes) -> Record:
    """Read a record for which is_spf holds. Raises RecordError."""
    if len(octets) > MAX_OCTETS:
        raise RecordError("too long")
    try:
        terms = octets[6:].decode("ascii").split(" ")
    except UnicodeDecodeError:
        raise RecordError("not ASCII") from None
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in terms:
        if not term:
            continue
        match = _MODIFIER.match(term)
        if match is None:
            mechanisms.append(_mechanism(term))
            continue
        name, value = match[1].lower(), match[2]
        if name in ("redirect", "exp"):
            if name in modifiers:
                raise RecordError(f"two {name}=")
            modifiers[name] = value
            domain_spec(value)
        else:
            _pieces(value, any_letter=True)
    return Record(tuple(mechanisms), domain_spec(modifiers["redirect"]) if "redirect" in modifiers else ())


def _mechanism(term: str) -> Mechanism:
    match = _MECHANISM.match(term)
    if match is None:
        raise RecordError("unknown term")
    result, name, rest = _QUALIFIERS[match[1] or "+"], match[2].lower(), match[3]
    if name == "all":
        if rest:
            raise RecordError("all takes no value")
        return Mechanism(result, name)
    if name in ("ip4", "ip6"):
        return Mechanism(result, name, network=_network(name, rest))
    if name in ("include", "exists"):
        if not rest.startswith(":"):
            raise RecordError(f"{name} needs a domain")
        return Mechanism(result, name, domain_spec(rest[1:]))
    if name == "ptr":
        if rest and not rest.startswith(":"):
            raise RecordError("ptr takes only a domain")
        return Mechanism(result, name, domain_spec(rest[1:]) if rest else ())
    if name in ("a", "mx"):
        return _with_prefixes(result, name, rest)
    raise RecordError("unknown mechanism")


def _with_prefixes(result: Result, name: str, rest: str) -> Mechanism:
    # A slash may also stand in the domain, so that the prefixes are looked for at the end.
    prefixes = _PREFIXES.search(rest)
    head = rest[: prefixes.start()] if prefixes else rest
    if prefixes is None or (head and not head.startswith(":")):
        raise RecordError(f"malformed {name}")
    four, six = int(prefixes[1] or 32), int(prefixes[2] or 128)
    if four > 32 or six > 128:
        raise RecordError("prefix too long")
    return Mechanism(result, name, domain_spec(head[1:]) if head else (), four, six)


def _network(name: str, rest: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    address, slash, prefix = rest[1:].partition("/")
    if not rest.startswith(":") or (slash and (not prefix.isdigit() or (prefix[0] == "0" and prefix != "0"))):
        raise RecordError(f"malformed {name}")
    if "%" in address:
        raise RecordError("an address has no zone here")
    try:
        if name == "ip4":
            return ipaddress.IPv4Network((address, int(prefix or 32)), strict=False)
        return ipaddress.IPv6Network((address, int(prefix or 128)), strict=False)
    except ValueError:
        raise RecordError(f"malformed {name}") from None


def domain_spec(text: str) -> DomainSpec:
    """Read a domain-spec: it ends with a macro or a top label (RFC 7208 §7.1). Raises RecordError."""
    pieces = _pieces(text, any_letter=False)
    if not pieces:
        raise RecordError("empty domain")
    last = pieces[-1]
    if isinstance(last, Literal) and not _ends_well(text):
        raise RecordError("not a full domain name")
    return pieces


def _ends_well(text: str) -> bool:
    if text.endswith(("%%", "%_", "%-")):
        return True
    _, dot, label = text.removesuffix(".").rpartition(".")
    if not dot or not label or not label.isascii():
        return False
    if label.isalnum():
        return not label.isdigit()
    return label[0].isalnum() and label[-1].isalnum() and "-" in label and label.replace("-", "").isalnum()


def _pieces(text: str, *, any_letter: bool) -> DomainSpec:
    pieces: list[Literal | Macro] = []
    at = 0
    while at < len(text):
        percent = text.find("%", at)
        plain = text[at:] if percent < 0 else text[at:percent]
        if plain:
            if not all("\x21" <= char <= "\x7e" for char in plain):
                raise RecordError("not a visible character")
            pieces.append(Literal(plain))
        if percent < 0:
            break
        match = _MACRO.match(text, percent)
        if match is None:
            raise RecordError("malformed macro")
        pieces.append(_macro(match, any_letter))
        at = match.end()
    return tuple(pieces)


def _macro(match: re.Match[str], any_letter: bool) -> Literal | Macro:
    if match[1] is None:
        return Literal({"%%": "%", "%_": " ", "%-": "%20"}[match[0]])
    letter = match[1].lower()
    if letter not in _LETTERS and not (any_letter and letter in "crt"):
        raise RecordError("unknown macro letter")
    if match[2] and int(match[2]) == 0:
        raise RecordError("a macro keeps at least one part")
    return Macro(letter, match[1].isupper(), int(match[2] or 0), bool(match[3]), match[4] or ".")
