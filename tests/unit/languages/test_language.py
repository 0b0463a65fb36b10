from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from gateway.domain.phrase import phrase, phrase_in, phrases
from gateway.languages.catalogue import CatalogueFault, read
from gateway.languages.language import ENGLISH, NAME, known, language, language_name
from gateway.languages.small_words import small_words

AT = datetime(2026, 11, 20, 14, 5, tzinfo=UTC).timestamp()
OTHERS = [tag for tag in known() if tag != ENGLISH]


def test_five_languages_are_known_english_first() -> None:
    assert known() == ("en", "cs", "de", "es", "fr")
    names = ["English", "Čeština", "Deutsch", "Español", "Français"]
    assert [language_name(tag) for tag in known()] == names
    assert [language(tag).said(NAME) for tag in known()] == names


def test_unknown_language_is_english() -> None:
    assert language("tlh").tag == "en"


@pytest.mark.parametrize(
    ("tag", "moment", "short"),
    [
        ("en", "20 November 2026, 14:05 UTC", "20 Nov 2026, 14:05"),
        ("de", "20. November 2026, 14:05 UTC", "20. Nov. 2026, 14:05"),
        ("fr", "20 novembre 2026 à 14:05 UTC", "20 nov. 2026 à 14:05"),
        ("es", "20 de noviembre de 2026, 14:05 UTC", "20 nov 2026, 14:05"),
        ("cs", "20. listopadu 2026, 14:05 UTC", "20. 11. 2026, 14:05"),
    ],
)
def test_times_are_written_as_the_language_writes_them(tag: str, moment: str, short: str) -> None:
    assert (language(tag).moment(AT), language(tag).short_moment(AT)) == (moment, short)


def test_times_are_written_in_the_reader_s_zone() -> None:
    assert language("de").moment(AT, ZoneInfo("Europe/Berlin")) == "20. November 2026, 15:05 CET"


@pytest.mark.parametrize(
    ("tag", "first"),
    [("fr", "1er mai 2026 à 00:00 UTC"), ("de", "1. Mai 2026, 00:00 UTC"), ("en", "1 May 2026, 00:00 UTC")],
)
def test_first_of_a_month_is_written_as_the_language_counts(tag: str, first: str) -> None:
    assert language(tag).moment(datetime(2026, 5, 1, tzinfo=UTC).timestamp()) == first


@pytest.mark.parametrize("tag", known())
def test_months_and_numbers_are_those_of_the_common_locale_data(tag: str) -> None:
    locale, own = Locale.parse(tag), language(tag)
    for month in range(1, 13):
        assert locale.months["format"]["wide"][month] in own.moment(datetime(2026, month, 2, tzinfo=UTC).timestamp())
    symbols = locale.number_symbols["latn"]
    assert own.number(1_234_567.5, 1) == f"1{symbols['group']}234{symbols['group']}567{symbols['decimal']}5"


@pytest.mark.parametrize(("tag", "thousands"), [("en", "2,000 10,000"), ("de", "2.000 10.000"), ("es", "2000 10.000")])
def test_four_digits_are_parted_where_the_language_parts_them(tag: str, thousands: str) -> None:
    assert f"{language(tag).number(2000)} {language(tag).number(10_000)}" == thousands


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("en", ["1 minute", "2 minutes", "5 minutes", "1,000 minutes"]),
        ("de", ["1 Minute", "2 Minuten", "5 Minuten", "1.000 Minuten"]),
        ("fr", ["1 minute", "2 minutes", "5 minutes", "1\u202f000 minutes"]),
        ("es", ["1 minuto", "2 minutos", "5 minutos", "1000 minutos"]),
        ("cs", ["1 minutu", "2 minuty", "5 minut", "1\xa0000 minut"]),
    ],
)
def test_plurals_agree_with_their_numbers(tag: str, said: list[str]) -> None:
    told = [language(tag).said(phrases(n, "{n} minute", "{n} minutes")) for n in (1, 2, 5, 1000)]
    assert told == said


def test_zero_is_one_in_french_and_many_in_german() -> None:
    assert language("fr").said(phrases(0, "{n} hour", "{n} hours")) == "0 heure"
    assert language("de").said(phrases(0, "{n} hour", "{n} hours")) == "0 Stunden"


def test_phrase_in_a_phrase_is_said_too() -> None:
    inner = phrases(2, "{n} hour", "{n} hours")
    outer = phrase("{organisation} mail desk", organisation=inner)
    assert language("de").said(outer) == "Poststelle 2 Stunden"


def test_context_tells_two_meanings_of_a_word_apart() -> None:
    assert language("de").said(phrase_in("sender of a mail", "From")) == "Von"
    assert language("de").said(phrase_in("no such meaning", "From")) == "From"


def test_what_is_not_translated_stays_english() -> None:
    assert language("de").said(phrase("Nobody has translated this {x}", x=1)) == "Nobody has translated this 1"
    assert language("de").said("Subject") == "Subject"


def test_small_words_are_those_of_our_languages_and_their_neighbours() -> None:
    assert set(known()) < set(small_words())
    assert all(word == word.lower() for words in small_words().values() for word in words)


# --- catalogues ---


def test_catalogue_reads_what_translators_write(tmp_path: Path) -> None:
    file = tmp_path / "messages.po"
    file.write_text(
        '# Head.\nmsgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
        '#: some/file.py\nmsgid "a \\"b\\""\nmsgstr ""\n"c\\n"\n"d"\n\n'
        'msgctxt "meaning"\nmsgid "one"\nmsgid_plural "many"\nmsgstr[0] "eins"\nmsgstr[1] "viele"\n\n'
        '#, fuzzy\nmsgid "unsure"\nmsgstr "unsicher"\n\n'
        'msgid "empty"\nmsgstr ""\n\n#~ msgid "gone"\n#~ msgstr "weg"\n\nmsgid "last"\nmsgstr "letztes"'
    )
    read_of_it = read(file)
    assert dict(read_of_it.texts) == {
        ("", 'a "b"'): ("c\nd",), ("meaning", "one"): ("eins", "viele"), ("", "last"): ("letztes",),
    }  # fmt: skip
    assert read_of_it.plural("one", "many", 0, "meaning") == "eins"
    assert read_of_it.plural("one", "many", 2, "meaning") == "viele"
    assert read_of_it.plural("one", "many", 2) == "many"
    assert read_of_it.text("unsure") == "unsure"


@pytest.mark.parametrize(
    "text",
    ["msgid x\n", '"astray"\n', 'msgid "a\\q"\n', 'msgid "a"\nmsgstr "b"\nmsgid "c"\nmsgstr "d"\n', 'domain "x"\n'],
)
def test_catalogue_that_is_none_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "messages.po"
    file.write_text(text)
    with pytest.raises(CatalogueFault, match=rf"{file}, line \d"):
        read(file)
