"""A language: its catalogue, and how it writes dates, numbers and lengths of time."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path

from gateway.domain.phrase import Phrase, phrase_in
from gateway.languages.catalogue import EMPTY, Catalogue, one_text, read

_FOLDER = Path(__file__).parent
ENGLISH = "en"
NAME = phrase_in("name of this language, in itself", "English")

_MONTHS = (
    phrase_in("month in a date", "January"),
    phrase_in("month in a date", "February"),
    phrase_in("month in a date", "March"),
    phrase_in("month in a date", "April"),
    phrase_in("month in a date", "May"),
    phrase_in("month in a date", "June"),
    phrase_in("month in a date", "July"),
    phrase_in("month in a date", "August"),
    phrase_in("month in a date", "September"),
    phrase_in("month in a date", "October"),
    phrase_in("month in a date", "November"),
    phrase_in("month in a date", "December"),
)
_SHORT_MONTHS = (
    phrase_in("short month", "Jan"),
    phrase_in("short month", "Feb"),
    phrase_in("short month", "Mar"),
    phrase_in("short month", "Apr"),
    phrase_in("short month", "May"),
    phrase_in("short month", "Jun"),
    phrase_in("short month", "Jul"),
    phrase_in("short month", "Aug"),
    phrase_in("short month", "Sep"),
    phrase_in("short month", "Oct"),
    phrase_in("short month", "Nov"),
    phrase_in("short month", "Dec"),
)
_FIRST_DAY = phrase_in("first day of a month", "1")
_GROUP, _POINT = phrase_in("between thousands", ","), phrase_in("before decimals", ".")
_FOUR_DIGITS = phrase_in("how a number of four digits is written", "1,000")


class Language:
    """One language. Texts that it lacks are English."""

    def __init__(self, tag: str, catalogue: Catalogue, folder: Path) -> None:
        """tag: of RFC 5646. folder: where it is kept."""
        self.tag = tag
        self.catalogue = catalogue
        self.folder = folder
        self._group, self._point = self.said(_GROUP), self.said(_POINT)
        # Some write 1000, but 10.000.
        self._grouped_from = 10_000 if self.said(_FOUR_DIGITS).isdigit() else 1_000

    def text(self, english: str) -> str:
        """Return the translation of a text."""
        return self.catalogue.text(english)

    def said(self, value: object) -> str:
        """Write a value: a phrase in this language, a number as it is written here, anything else as it is."""
        if isinstance(value, Phrase):
            if value.many:
                template = self.catalogue.plural(value.template, value.many, value.number, value.context)
            else:
                template = self.catalogue.text(value.template, value.context)
            return value.said(template, self.said) if value.values else template
        if isinstance(value, int) and not isinstance(value, bool):
            return self.number(value)
        return str(value)

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number."""
        plain = (
            f"{value:,.{decimals}f}" if abs(round(value, decimals)) >= self._grouped_from else f"{value:.{decimals}f}"
        )
        return plain.translate({ord(","): self._group, ord("."): self._point})

    def size(self, octets: int) -> str:
        """Write a size, as `84 kB`, or `2.4 MB`."""
        if octets < 1_000:
            return self.said(phrase_in("size", "{number} B", number=octets))
        if octets < 1_000_000:
            return self.said(phrase_in("size", "{number} kB", number=round(octets / 1_000)))
        return self.said(phrase_in("size", "{number} MB", number=self.number(octets / 1_000_000, 1)))

    def moment(self, seconds: float, zone: tzinfo = UTC) -> str:
        """Write a time with its zone, as `20 November 2026, 14:05 UTC`. seconds: since the epoch."""
        at = datetime.fromtimestamp(seconds, zone)
        return self._with_time(self._date(at), f"{at:%H:%M} {at:%Z}")

    def short_moment(self, seconds: float, zone: tzinfo = UTC) -> str:
        """Write a time without its zone, as `20 Nov 2026, 14:05`."""
        at = datetime.fromtimestamp(seconds, zone)
        return self._with_time(self.short_day(seconds, zone, year=True), f"{at:%H:%M}")

    def short_day(self, seconds: float, zone: tzinfo = UTC, *, year: bool = False) -> str:
        """Write a day, as `20 Nov`, or `20 Nov 2026`."""
        at = datetime.fromtimestamp(seconds, zone)
        day = self.said(_FIRST_DAY) if at.day == 1 else str(at.day)
        month = _SHORT_MONTHS[at.month - 1]
        if year:
            return self.said(phrase_in("short date", "{day} {month} {year}", day=day, month=month, year=f"{at.year}"))
        return self.said(phrase_in("short date without year", "{day} {month}", day=day, month=month))

    def _date(self, at: datetime) -> str:
        day = self.said(_FIRST_DAY) if at.day == 1 else str(at.day)
        return self.said(
            phrase_in("date", "{day} {month} {year}", day=day, month=_MONTHS[at.month - 1], year=f"{at.year}")
        )

    def _with_time(self, date: str, time: str) -> str:
        return self.said(phrase_in("date and time", "{date}, {time}", date=date, time=time))


@lru_cache
def known() -> tuple[str, ...]:
    """Return the tags of all languages, English first."""
    tags = sorted(folder.name for folder in _FOLDER.iterdir() if (folder / "messages.po").is_file())
    return (ENGLISH, *tags)


@lru_cache
def language(tag: str) -> Language:
    """Return a language; English for a tag that is none of ours."""
    if tag not in known():
        tag = ENGLISH
    folder = _FOLDER / tag
    return Language(tag, EMPTY if tag == ENGLISH else read(folder / "messages.po"), folder)


@lru_cache
def language_name(tag: str) -> str:
    """Return a language's name in itself. Lists of all languages need no more of those that nobody reads here."""
    return NAME.template if tag == ENGLISH else one_text(_FOLDER / tag / "messages.po", NAME.template, NAME.context)
