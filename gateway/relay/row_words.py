"""One mail that waits, in the words of our letters: who wrote it, when it came, what files are in it."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from gateway.domain.lookalike import look_of
from gateway.flow.queue_ports import Row
from gateway.languages.language import Language
from gateway.relay.plain_words import one_line, without_links


def from_line(row: Row) -> str:
    """Name the author by name and address; the address as it is, whatever it looks like."""
    look = look_of(row.author or row.sender)
    address = look.text if not look.ascii_domain else f"{look.text} ({look.ascii_domain})"
    if look.doubt and look.ascii_domain:
        # What only looks like another's address is shown as it is, and not as it wants to look.
        address = f"{look.text.rpartition('@')[0]}@{look.ascii_domain}"
    name = without_links(one_line(row.author_name, 60))
    shown = one_line(address, 100)
    return f"{name} <{shown}>" if name and shown else shown or name


def came(at: float, now: float, zone: tzinfo, spoken: Language) -> str:
    """Write when it came: the hour, with its day where that is not today."""
    then, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone).date()
    if then.date() == today:
        return f"{then:%H:%M}"
    year = today - then.date() >= timedelta(days=300)
    return f"{spoken.short_day(at, zone, year=year)}, {then:%H:%M}"


def file_names(names: tuple[str, ...]) -> str:
    """Write the first file's name, and how many more there are."""
    if not names:
        return ""
    first = without_links(one_line(names[0], 60))
    return first if len(names) == 1 else f"{first} +{len(names) - 1}"
