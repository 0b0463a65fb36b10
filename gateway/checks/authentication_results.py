"""Our Authentication-Results field, and those that others forged in our name (RFC 8601)."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.domain.address import normal_domain
from gateway.domain.evidence import Dkim, Dmarc, Evidence, Result, Spf
from gateway.domain.header import Header

FIELD = b"authentication-results"
_WIDTH = 77
_UNSAFE = re.compile(r"[^\x20-\x7e]")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+\Z")  # RFC 2045 §5.1
_MAX_VALUE = 255


def results_field(authserv_id: str, evidence: Evidence) -> bytes:
    """Return the field that tells what we found, folded, with its last CRLF (RFC 8601 §2.2).

    Lines have at most 77 octets, unless one single name is longer.
    """
    return _results_field(authserv_id, evidence.spf, evidence.dkim, evidence.dmarc)


@lru_cache(maxsize=512)  # What is found of one sender is mostly the same.
def _results_field(authserv_id: str, spf: Spf | None, signatures: tuple[Dkim, ...], dmarc: Dmarc | None) -> bytes:
    results = []
    if spf is not None:
        identity = "smtp.helo" if spf.of_helo else "smtp.mailfrom"
        results.append([f"spf={spf.result.value}", *_property(identity, spf.domain)])
    for dkim in signatures:
        words = [f"dkim={dkim.result.value}"]
        if dkim.note:
            words.append(f"reason={_value(dkim.note)}")
        results.append([*words, *_property("header.d", dkim.domain), *_property("header.s", dkim.selector)])
    if dmarc is not None:
        words = [f"dmarc={dmarc.result.value}", *_property("header.from", dmarc.domain)]
        if dmarc.result is not Result.NONE:
            words += _property("policy.dmarc", dmarc.policy)
        results.append(words)
    lines = [f"Authentication-Results: {_value(authserv_id)}"]
    for words in results or [["none"]]:
        lines[-1] += ";"
        line = "\t" + words[0]
        for word in words[1:]:
            if len(line) + 1 + len(word) > _WIDTH - 1:  # A semicolon may follow.
                lines.append(line)
                line = "\t " + word
            else:
                line += " " + word
        lines.append(line)
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _property(name: str, value: str) -> list[str]:
    return [f"{name}={_value(value)}"] if value else []


def _value(text: str) -> str:
    """Return a value nothing can break out of: a token, or a quoted-string of printable ASCII."""
    text = _UNSAFE.sub("?", text[:_MAX_VALUE])
    if _TOKEN.match(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def forged_fields(head: Header, authserv_id: str) -> tuple[tuple[int, int], ...]:
    """Return [start, end) of each field that claims to be ours; the caller cuts them out (RFC 8601 §5).

    A claim is taken in the widest sense, for nobody knows how lenient the next reader is: letter case,
    blanks, folding, comments, quotes, versions and U-labels do not hide one.
    """
    fields = head.by_name.get(FIELD)
    if not fields:
        return ()
    ours = normal_domain(authserv_id.lower())
    return tuple((field.start, field.end) for field in fields if _claims(field.value, ours))


def _claims(value: bytes, ours: str) -> bool:
    text = value.decode("utf-8", "replace")
    bare, whole = _without_comments(text)
    claimed = bare.partition(";")[0].replace('"', " ").replace("\\", "")
    words = _words(claimed)
    if words and _same(words[0].partition("/")[0], ours):
        return True
    joined = "".join(words)
    if _same(joined, ours) or _same(joined.rstrip("0123456789").rstrip("/"), ours):
        return True
    # What cannot be read properly might be read as ours by somebody.
    return not whole and ours in "".join(_words(text)).lower()


def _same(name: str, ours: str) -> bool:
    return len(name) <= _MAX_VALUE and normal_domain(name.strip(".").lower()) == ours


def _words(text: str) -> list[str]:
    """Split at blanks; control characters are blanks as well."""
    return "".join(char if char.isprintable() else " " for char in text).split()


_MARKS = re.compile(r'\\.|[()"]', re.DOTALL)


def _without_comments(text: str) -> tuple[str, bool]:
    """Return text without comments, each a blank, and whether every comment and quote was closed."""
    kept: list[str] = []
    depth, quoted, at = 0, False, 0
    for mark in _MARKS.finditer(text):
        if depth == 0:
            kept.append(text[at : mark.start()])
        at = mark.end()
        if mark[0].startswith("\\"):
            if depth == 0:
                kept.append(mark[0])
        elif mark[0] == '"' and depth == 0:
            quoted = not quoted
            kept.append('"')
        elif mark[0] == "(" and not quoted:
            depth += 1
        elif mark[0] == ")" and not quoted and depth:
            depth -= 1
            kept.append(" ")
        elif depth == 0:
            kept.append(mark[0])
    if depth == 0:
        kept.append(text[at:])
    return "".join(kept), depth == 0 and not quoted
