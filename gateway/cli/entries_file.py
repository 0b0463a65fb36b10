"""The CSV form of allow and deny entries, which `lists export` writes and `lists import` reads."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import TextIO

from gateway.domain.evidence import Proof
from gateway.domain.lists import ALIGNED, UNPROVEN, Entry, Verdict, parse_pattern, parse_scope
from gateway.store.views import EntryView

COLUMNS = ("list", "pattern", "for", "proof", "note")
_NEEDED = frozenset({"list", "pattern"})

# A spreadsheet would run a cell that begins so (CWE-1236); an apostrophe in front makes it text. Every apostrophe
# in front of such a beginning is doubled by one and taken away again, so that what goes out comes back.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARDED = re.compile("'+[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def lines(entries: Iterable[EntryView]) -> Iterator[Sequence[str]]:
    """Yield the cells of each entry, patterns and scopes in the form people type."""
    for entry in entries:
        cells = (entry.verdict, typed(entry.pattern), typed(entry.scope), entry.proof, _one_line(entry.note))
        yield tuple(f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells)


def typed(stored: str) -> str:
    """Write `@oak.example` as `oak.example`, and `@.oak.example` as `*.oak.example`."""
    if stored.startswith("@."):
        return f"*{stored[1:]}"
    return stored.removeprefix("@")


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def checked_note(text: str) -> str:
    """Return a note that a person typed. Raises ValueError where it is not one line."""
    if _one_line(text) != text:
        raise ValueError("a note is one line of text")
    return text.strip()


def read(file: TextIO) -> tuple[list[tuple[Entry, str]], list[str]]:
    """Return the entries with their notes, and what is wrong: one sentence for each faulty line."""
    entries: list[tuple[Entry, str]] = []
    faults: list[str] = []
    reader = csv.reader(file, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        if wrong := _header_fault(names):
            return [], [wrong]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                entries.append(_entry(names, cells))
            except ValueError as fault:
                faults.append(f"line {reader.line_num}: {fault}")
    except UnicodeDecodeError:
        faults.append("it is not UTF-8; save it as “CSV UTF-8”")
    except csv.Error as fault:
        faults.append(f"line {reader.line_num}: it is not CSV: {fault}")
    return entries, faults


def _header_fault(names: Sequence[str]) -> str:
    """Return what is wrong with the first line, or ""."""
    wanted = ",".join(COLUMNS)
    if len(names) == 1 and re.search(r"[;\t|]", names[0]):
        return f"line 1: its columns are not parted by commas; save it with commas, as {wanted}"
    for name in names:
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1, 0.6)
            hint = f"; the nearest is {near[0]}" if near else ""
            return f"line 1: there is no column {name[:40]!r}{hint}; the first line names the columns: {wanted}"
    if not set(names) >= _NEEDED or len(set(names)) < len(names):
        return f"line 1: it names the columns, each once, of which list and pattern are needed: {wanted}"
    return ""


def _entry(names: Sequence[str], cells: Sequence[str]) -> tuple[Entry, str]:
    """Read one line. Raises ValueError with one sentence."""
    if len(cells) > len(names):
        raise ValueError(f"it has {len(cells)} cells, and the first line names {len(names)}")
    line = {name: cell[1:] if _GUARDED.match(cell) else cell for name, cell in zip(names, cells, strict=False)}
    verdict = line.get("list", "").strip()
    if verdict not in ("allow", "deny"):
        raise ValueError(f"{verdict!r} is not a list; use allow or deny")
    proof = " ".join(line.get("proof", "").split()) or ALIGNED
    if proof not in (ALIGNED, UNPROVEN):
        for part in proof.split():
            _check_proof(part)
    pattern, scope = parse_pattern(line.get("pattern", "")), parse_scope(line.get("for", ""))
    return Entry(Verdict(verdict), pattern, scope, proof), checked_note(line.get("note", ""))


def _check_proof(text: str) -> None:
    try:
        Proof.parse(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no proof; use {ALIGNED}, {UNPROVEN}, or who vouches, as dkim:oak.example"
        ) from None
