"""Domain names: which are names at all, who owns them, and when two belong together."""

from __future__ import annotations

import functools
import re

from publicsuffixlist import PublicSuffixList

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")


def is_domain(name: str) -> bool:
    """True for a name of several labels in lower-case A-labels, as mail identities need it (RFC 7208 §4.3).

    Address literals, single labels and dotted numbers are none.
    """
    labels = name.split(".")
    return (
        len(labels) > 1
        and len(name) <= 253
        and not labels[-1].isdigit()
        and all(_LABEL.match(label) is not None for label in labels)
    )


@functools.cache
def _suffixes() -> PublicSuffixList:
    # Unknown top-level domains count as public suffixes, so that two names below one of them are strangers.
    return PublicSuffixList(accept_unknown=True)


@functools.lru_cache(maxsize=4096)
def organisational_domain(name: str) -> str:
    """Return the name its owner registered, `oak.example` of `mail.oak.example` (RFC 7489 §3.2).

    "" for a public suffix (`co.uk`, `github.io`) and for what is no domain: nobody owns these as one.
    """
    if not is_domain(name):
        return ""
    return _suffixes().privatesuffix(name) or ""


def aligned(author: str, identity: str, strict: bool) -> bool:
    """True when an identity speaks for an author's domain (RFC 7489 §3.1); both in lower-case A-labels."""
    if not author or not identity:
        return False
    if author == identity:
        return True
    if strict:
        return False
    owner = organisational_domain(author)
    return bool(owner) and owner == organisational_domain(identity)
