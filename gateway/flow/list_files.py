"""Allow and deny entries as files: CSV, which spreadsheets know, and plain text, one pattern on each line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import TextIO

from gateway.domain.evidence import Proof
from gateway.domain.lists import ALIGNED, UNPROVEN, Entry, Verdict, parse_pattern, parse_scope
from gateway.domain.phrase import phrase, words_of
from gateway.flow.list_ports import EntryView

COLUMNS = ("verdict", "pattern", "for", "proof", "note", "expires")
_NEEDED = frozenset({"verdict", "pattern"})
_ALSO = {"list": "verdict"}
"""Names that mean the same."""

# A spreadsheet would run a cell that begins so (CWE-1236); an apostrophe in front makes it text. Every apostrophe
# in front of such a beginning is doubled by one and taken away again, so that what goes out comes back.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARDED = re.compile("'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file that is an entry."""

    number: int
    entry: Entry
    note: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One line that is none, with why in one sentence."""

    number: int
    words: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.words}" if self.number else self.words


@dataclass(frozen=True, slots=True)
class Lines:
    """A file, read."""

    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def take(self, one: Line | Fault) -> None:
        """Add a line, or what is wrong with one."""
        if isinstance(one, Line):
            self.lines.append(one)
        else:
            self.faults.append(one)


def cells(entries: Iterable[EntryView]) -> Iterator[Sequence[str]]:
    """Yield the cells of each entry in the order of COLUMNS, patterns and scopes in the form people type."""
    for entry in entries:
        found = (
            entry.verdict,
            typed(entry.pattern),
            typed(entry.scope),
            entry.proof,
            _one_line(entry.note),
            "" if entry.expires_at is None else moment(entry.expires_at),
        )
        yield tuple(f"'{cell}" if _FORMULA.match(cell) else cell for cell in found)


def typed(stored: str) -> str:
    """Write `@oak.example` as `oak.example`, and `@.oak.example` as `*.oak.example`."""
    if stored.startswith("@."):
        return f"*{stored[1:]}"
    return stored.removeprefix("@")


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def checked_note(text: str) -> str:
    """Return a note that a person typed. Raises ValueError where it is not one line of bearable length."""
    if _one_line(text) != text:
        raise ValueError(phrase("a note is one line of text"))
    if len(text) > 1000:
        raise ValueError(phrase("a note has 1000 characters at most"))
    return text.strip()


def moment(seconds: float) -> str:
    """Write a time as a file has it, in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return ""


def parse_expiry(text: str) -> float | None:
    """Read `2026-12-31`, the last moment of that day in UTC, or a whole time; None for "". Raises ValueError."""
    text = text.strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(phrase("{text} is no date; write it as 2026-12-31", text=repr(text))) from None
    if len(text) <= 10:
        at += timedelta(days=1)
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def read_csv(file: TextIO, default_scope: str = "") -> Lines:
    """Read a CSV file whose first line names the columns. default_scope: of lines that name none, in stored form."""
    return _together(csv_lines(file, default_scope))


def read_plain(file: TextIO, verdict: Verdict, scope: str) -> Lines:
    """Read one pattern from each line; what follows a # is a note, and a line that begins with one is passed over."""
    return _together(plain_lines(file, verdict, scope))


def _together(found: Iterable[Line | Fault]) -> Lines:
    lines = Lines()
    for one in found:
        lines.take(one)
    return lines


_NO_CSV = {
    "unexpected end of data": phrase(
        'a quotation mark (") opens here and is never closed; this line and all after it were not read'
    ),
    "',' expected after '\"'": phrase(
        'between a closing quotation mark (") and the comma stands something; double a quotation mark that is meant; '
        "this line and all after it were not read"
    ),
}
"""What people do wrong most often, by what the standard library says of it."""


def csv_lines(file: TextIO, default_scope: str = "") -> Iterator[Line | Fault]:
    """Yield the lines of a CSV file one by one, as `read_csv` reads them."""
    reader = csv.reader(file, strict=True)
    begun = 1
    try:
        names = [_ALSO.get(name.strip(), name.strip()) for name in next(reader, [])]
        if wrong := _header_fault(names):
            yield Fault(1, wrong)
            return
        begun = reader.line_num + 1
        for row in reader:
            begun = reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            try:
                entry, note = _entry(names, row, default_scope)
                yield Line(reader.line_num, entry, note)
            except ValueError as fault:
                yield Fault(reader.line_num, words_of(fault))
    except UnicodeDecodeError:
        yield Fault(0, phrase("it is not UTF-8; save it as “CSV UTF-8”"))
    except csv.Error as fault:
        # What was read since belongs to one line: the quotation mark that holds it together stands in its first.
        yield Fault(begun, _NO_CSV.get(str(fault)) or phrase("it is not CSV: {why}", why=str(fault)))


def plain_lines(file: TextIO, verdict: Verdict, scope: str) -> Iterator[Line | Fault]:
    """Yield the lines of plain text one by one, as `read_plain` reads them."""
    try:
        for number, text in enumerate(file, 1):
            words, mark, note = text.partition("#")
            if mark and words and not words[-1].isspace():
                words, note = text, ""  # A # inside of an address.
            if not words.strip():
                continue
            try:
                entry = Entry(verdict, parse_pattern(words), scope)
                yield Line(number, entry, checked_note(note.strip()))
            except ValueError as fault:
                yield Fault(number, words_of(fault))
    except UnicodeDecodeError:
        yield Fault(0, phrase("it is not UTF-8; save it as UTF-8 text"))


def _header_fault(names: Sequence[str]) -> str:
    """Return what is wrong with the first line, or ""."""
    wanted = ",".join(COLUMNS)
    if len(names) == 1 and re.search(r"[;\t|]", names[0]):
        return phrase("its columns are not parted by commas; save it with commas, as {columns}", columns=wanted)
    for name in names:
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1, 0.6)
            named = repr(name[:40])
            if near:
                return phrase(
                    "there is no column {name}; the nearest is {near}; the first line names the columns: {columns}",
                    name=named, near=near[0], columns=wanted,
                )  # fmt: skip
            return phrase(
                "there is no column {name}; the first line names the columns: {columns}", name=named, columns=wanted
            )
    if not set(names) >= _NEEDED or len(set(names)) < len(names):
        return phrase(
            "it names the columns, each once, of which verdict and pattern are needed: {columns}", columns=wanted
        )
    return ""


def _entry(names: Sequence[str], row: Sequence[str], default_scope: str) -> tuple[Entry, str]:
    """Read one line. Raises ValueError with one sentence."""
    if len(row) > len(names):
        raise ValueError(
            phrase("it has {count} cells, and the first line names {named}", count=len(row), named=len(names))
        )
    line = {name: cell[1:] if _GUARDED.match(cell) else cell for name, cell in zip(names, row, strict=False)}
    verdict = line.get("verdict", "").strip()
    if verdict not in ("allow", "deny"):
        raise ValueError(phrase("{text} is not a list; use allow or deny", text=repr(verdict)))
    proof = parse_proof(line.get("proof", ""))
    pattern = parse_pattern(line.get("pattern", ""))
    scope = parse_scope(line.get("for", "")) or default_scope
    expires = parse_expiry(line.get("expires", ""))
    return Entry(Verdict(verdict), pattern, scope, proof, expires_at=expires), checked_note(line.get("note", ""))


def parse_proof(text: str) -> str:
    """Read what an entry asks for: a word, or who vouches; "" is the usual word. Raises ValueError."""
    proof = " ".join(text.split()) or ALIGNED
    if proof not in (ALIGNED, UNPROVEN):
        for part in proof.split():
            _check_proof(part)
    return proof


def _check_proof(text: str) -> None:
    try:
        Proof.parse(text)
    except ValueError:
        raise ValueError(
            phrase(
                "{text} is no proof; use {aligned}, {unproven}, or who vouches, as dkim:oak.example",
                text=repr(text),
                aligned=ALIGNED,
                unproven=UNPROVEN,
            )
        ) from None
