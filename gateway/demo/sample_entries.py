"""What people decided before the demo begins, so that its lists have something to show."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.lists import Entry, Verdict, parse_pattern, parse_scope


@dataclass(frozen=True, slots=True)
class SampleEntry:
    """One entry, and who made it when."""

    days: float
    """Ago."""
    by: str
    verdict: Verdict
    pattern: str
    """As a person types it."""
    whose: str
    """A recipient, a domain, or "" for everybody."""
    note: str = ""

    def entry(self) -> Entry:
        """Return it as it is kept."""
        return Entry(self.verdict, parse_pattern(self.pattern), parse_scope(self.whose))


ENTRIES = (
    SampleEntry(41, "joe@example.org", Verdict.ALLOW, "nan@willow-post.example", "joe@example.org", "Grandmother"),
    SampleEntry(
        33, "admin", Verdict.ALLOW, "signed:tax-office.example", "", "Their servers change, their signature stays"
    ),
    SampleEntry(29, "postmaster@example.org", Verdict.DENY, "*.bulk-offers.example", "example.org", "Three complaints"),
    SampleEntry(20, "mia@example.org", Verdict.ALLOW, "print.example", "mia@example.org", "The printers, all of them"),
    SampleEntry(12, "joe@example.org", Verdict.ALLOW, "list:members.sailing.example", "joe@example.org", "Club news"),
    SampleEntry(9, "joe@example.org", Verdict.DENY, "win@golden-wheel.example", "joe@example.org"),
    SampleEntry(6, "lea@example.net", Verdict.ALLOW, "school@hill-primary.example", "lea@example.net"),
    SampleEntry(2, "admin", Verdict.DENY, "parcel-fee.example", "", "Copies the parcel service"),
)
