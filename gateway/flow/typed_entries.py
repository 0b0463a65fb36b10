"""Entries as people type them: each field is looked at, and what is wrong with one is said in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.lists import ALIGNED, UNPROVEN, Entry, Verdict, parse_pattern, parse_scope
from gateway.domain.phrase import phrase, words_of
from gateway.domain.roles import Right, Viewer
from gateway.flow.list_files import checked_note
from gateway.flow.list_rights import may_be_unproven


class Refused(Exception):
    """What was typed cannot be an entry: the field, and why in one sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry as it was typed."""

    verdict: str
    pattern: str
    whose: str
    """A recipient, a domain, or "" for everybody."""
    proof: str = ALIGNED
    note: str = ""
    expires_at: float | None = None


def checked(viewer: Viewer, new: NewEntry, now: float) -> tuple[Entry, str]:
    """Return the entry and its note. Raises Refused."""
    if new.verdict not in ("allow", "deny"):
        raise Refused("verdict", phrase("Choose whether to allow or to block."))
    try:
        pattern = parse_pattern(new.pattern)
    except ValueError as fault:
        raise Refused("pattern", words_of(fault)) from fault
    try:
        scope = parse_scope(new.whose)
    except ValueError as fault:
        raise Refused("for", words_of(fault)) from fault
    if not viewer.may(Right.EDIT_LISTS) or not viewer.reach.covers_scope(scope):
        raise Refused("for", phrase("That is not yours to decide. Choose an address or a domain of your own."))
    if new.proof not in (ALIGNED, UNPROVEN):
        raise Refused("proof", phrase("Choose what mail must prove."))
    if new.proof == UNPROVEN and not may_be_unproven(viewer):
        raise Refused("proof", phrase("Only an admin may allow a sender without any proof."))
    check_end(new.expires_at, now)
    return Entry(Verdict(new.verdict), pattern, scope, new.proof, expires_at=new.expires_at), stored_note(new.note)


def check_end(expires_at: float | None, now: float) -> None:
    """Let an entry end in the future, or never. Raises Refused."""
    if expires_at is not None and expires_at <= now:
        raise Refused("expires", phrase("That day is over. Choose a later one, or leave it empty."))


def stored_note(text: str) -> str:
    """Return a note as it is kept. Raises Refused."""
    try:
        return checked_note(text)
    except ValueError as fault:
        raise Refused("note", words_of(fault)) from fault
