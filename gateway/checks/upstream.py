"""What a trusted server in front of us already found out: its Authentication-Results (RFC 8601 §5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import authres

from gateway.checks.authentication_results import FIELD
from gateway.checks.names import is_domain
from gateway.domain.address import normal_domain
from gateway.domain.evidence import Dkim, Dmarc, Result, Spf
from gateway.domain.header import Header, unfold

_MOST_OCTETS = 8192
"""Of one field; authres copies the rest of the text at each step."""
_MOST_FIELDS = 10


@dataclass(frozen=True, slots=True)
class Told:
    """The results of one upstream; what it did not look for is None."""

    source: str
    """Its authserv-id."""
    spf: Spf | None = None
    dkim: tuple[Dkim, ...] | None = None
    dmarc: Dmarc | None = None


def read_upstream(head: Header, trusted: frozenset[str]) -> Told | None:
    """Return what the topmost trusted server tells, or None where none does. Never raises.

    trusted: authserv-ids in lower case. Believed are only fields above the second Received field: those the
    server that handed us the mail put there, whether above its own Received field or below it. It must remove
    fields that bear its id and come from outside, as RFC 8601 §5 demands of it; and nobody else may be able
    to hand us mail, for a client may write any field it likes.
    """
    if not trusted:
        return None
    source, results = "", []
    for value in _recent(head):
        parsed = _parse(value)
        if parsed is None:
            continue
        authserv_id = str(parsed.authserv_id).lower()
        if authserv_id in trusted and source in ("", authserv_id):
            source = authserv_id
            results += parsed.results
    return _told(source, results) if source else None


def _recent(head: Header) -> Iterable[bytes]:
    hops, found = 0, 0
    for field in head.fields:
        if field.name == b"received":
            hops += 1
            if hops > 1:
                return
        elif field.name == FIELD and found < _MOST_FIELDS:
            found += 1
            yield field.value


def _parse(value: bytes) -> Any:
    if len(value) > _MOST_OCTETS:
        return None
    try:
        return authres.AuthenticationResultsHeader.parse_value(unfold(value).decode("ascii"))
    except Exception:
        # Its own errors, and others that it lets out: RecursionError, AttributeError.
        return None


def _told(source: str, results: list[Any]) -> Told:
    spf: Spf | None = None
    dmarc: Dmarc | None = None
    signatures: list[Dkim] = []
    looked_at_signatures = False
    for each in results:
        method, result = str(each.method), _result(each.result)
        if result is None:
            continue
        if method == "spf" and spf is None:
            of_helo = not _value(each, "smtp", "mailfrom")
            spf = Spf(result, _domain(_value(each, "smtp", "helo" if of_helo else "mailfrom")), of_helo)
        elif method == "dkim":
            looked_at_signatures = True
            domain = _domain(_value(each, "header", "d") or _value(each, "header", "i"))
            if domain:
                signatures.append(Dkim(result, domain, _value(each, "header", "s")[:100]))
        elif method == "dmarc" and dmarc is None:
            dmarc = Dmarc(result, _domain(_value(each, "header", "from")))
    return Told(source, spf, tuple(signatures) if looked_at_signatures else None, dmarc)


def _result(word: Any) -> Result | None:
    try:
        return Result(str(word).lower())
    except ValueError:
        return None


def _value(result: Any, kind: str, name: str) -> str:
    for each in result.properties:
        if each.type == kind and each.name == name and each.value is not None:
            return str(each.value)
    return ""


def _domain(identity: str) -> str:
    """Return the domain of `user@domain`, `@domain` or `domain`; "" for what is none."""
    domain = normal_domain(identity.rpartition("@")[2])
    return domain if is_domain(domain) else ""
