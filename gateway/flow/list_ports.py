"""What the lists page hands to the store, and what it gets back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.lists import Entry, Verdict
from gateway.flow.transactions import StoreOf

WRITTEN_TO = "written-to"
"""Origin of entries that were learned: somebody of ours wrote to this sender. Stored."""


@dataclass(frozen=True, slots=True)
class EntryView:
    """One allow or deny entry, with its story."""

    id: int
    verdict: str
    pattern: str
    scope: str
    proof: str
    note: str
    added_by: str
    added_at: float
    pending_id: int | None
    """The mail that gave rise to it."""
    expires_at: float | None = None
    last_used_at: float | None = None
    """When it last decided a mail; None: never, or not yet written down."""
    origin: str = ""
    """WRITTEN_TO where it was learned; "" where a person made it, or made it his own by changing it."""
    origin_mail: str = ""
    """The transaction of the mail it was learned from."""

    @property
    def entry(self) -> Entry:
        """Return it as the decision sees it."""
        return Entry(
            Verdict(self.verdict), self.pattern, self.scope, self.proof, self.id, self.expires_at, bool(self.origin)
        )


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the entries, which the store can page through by key."""

    owner: str | None = None
    """Those of one scope and of its sub-addresses."""
    domain: str | None = None
    """Those of a domain and of all its recipients. Both None: all there are."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Which entries of a part."""

    verdict: str = ""
    words: str = ""
    """Part of the pattern or the note."""
    before: int | None = None
    """Only smaller ids: what follows."""
    after: int | None = None
    """Only larger ids: what stands before, in rising order."""
    most: int = 50
    origin: str = ""
    """Only those that came about so."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that was brought and not yet saved."""

    id: int
    made_by: str
    form: str
    """`csv`, or the verdict of plain lines."""
    scope: str
    """For lines that name none."""
    words: str


class EntryTable(Protocol):
    """Entries as people see and change them, within one transaction of the store."""

    def page(self, part: Part, cut: Cut) -> list[EntryView]:
        """Return entries, the newest first; with `after` the oldest first. It looks for no words."""

    def near(self, parts: Sequence[Part], cut: Cut) -> list[EntryView] | None:
        """Return what `page` would of all these parts together; None where it does not lie among the next of all entries."""

    def search(self, parts: Sequence[Part], cut: Cut) -> list[EntryView]:
        """Return entries of any of these parts with the words in their pattern or note, in the same order."""

    def get(self, entry_id: int) -> EntryView | None:
        """Return an entry by its id; None where there is none."""

    def named(self, pattern: str, scope: str, verdict: str) -> EntryView | None:
        """Return the one entry of this pattern, scope and verdict; None where there is none."""

    def of_patterns(self, patterns: Sequence[str], most: int | None = None) -> list[EntryView]:
        """Return entries with one of these patterns, whatever their scope. most: no more than that; None is all."""

    def add_all(self, entries: Sequence[tuple[Entry, str]], added_by: str, now: float) -> None:
        """Keep entries, each with its note, none of which is there."""

    def change(self, entry_id: int, proof: str, note: str, expires_at: float | None) -> None:
        """Save what can change of an entry."""

    def remove(self, ids: Sequence[int], removed_by: str, now: float) -> int:
        """Take entries out, together and so that they can come back; return the number of the removal."""

    def removed_at(self, removal_id: int, removed_by: str) -> float | None:
        """Return when this person removed something; None where there is no such removal of his."""

    def restore(self, removal_id: int) -> tuple[int, int]:
        """Put back what was removed together.

        Returns how many are back and how many are not, for an entry of the same name was made meanwhile. A second
        time it does nothing.
        """

    def forget_removed(self, before: float) -> None:
        """Drop what was removed, and what was brought and not saved, before then."""

    def used(self, moments: Sequence[tuple[int, float]]) -> None:
        """Note when entries last decided a mail: id, seconds since the epoch."""

    def put_draft(self, made_by: str, form: str, scope: str, words: str, now: float) -> int:
        """Keep a file until it is saved; return its number."""

    def draft(self, draft_id: int, made_by: str) -> Draft | None:
        """Return a file that this person brought."""

    def drop_draft(self, draft_id: int) -> None:
        """Forget a file that was brought."""


class EntryTx(Protocol):
    """What the lists page needs of a transaction."""

    @property
    def entries(self) -> EntryTable:
        """Entries."""


EntryStore = StoreOf[EntryTx]
