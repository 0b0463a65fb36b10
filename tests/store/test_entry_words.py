"""Searching the lists: each way finds the same entries, and what changes is found as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway.domain.lists import Entry, Verdict
from gateway.flow.list_ports import Cut, Part
from gateway.store.engine import open_engine, sqlite_path
from gateway.store.entries import EntryTable
from gateway.store.schema import upgrade
from tests.store.fresh import lay_store
from tests.store.test_schema import to_version

ENTRIES = (
    ("anna@oak.example", "joe@example.org", "met at the fair"),
    ("*.oak.example", "@example.org", ""),
    ('say"so"@oak.example', "", 'in "quotes"'),
    ("list:news.elm.example", "kim@example.org", "Straße, ÄRGER"),
    ("bo@100%.example", "joe@example.net", "50_percent"),
)
PARTS = {
    "site": [Part()],
    "domain": [Part(domain="example.org")],
    "two": [Part(owner="joe@example.org"), Part(owner="joe@example.net")],
    "nothing": [Part(owner="liz@example.org")],
}


@pytest.fixture
def filled(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/gateway.db"
    lay_store(sqlite_path(url))
    engine = open_engine(url, writing=True)
    with engine.connect() as connection, connection.begin():
        entries = [(Entry(Verdict.ALLOW, pattern, scope), note) for pattern, scope, note in ENTRIES]
        EntryTable(connection).add_all(entries, "me", 1.0)
    engine.dispose()
    return url


def found(connection: Connection, words: str, parts: list[Part]) -> list[str]:
    cut = Cut("", words, None, None, 50)
    ways = [[view.pattern for view in EntryTable(connection, few).search(parts, cut)] for few in (0, 1, 5000)]
    assert ways[0] == ways[1] == ways[2]
    return ways[0]


@pytest.mark.parametrize("place", PARTS)
@pytest.mark.parametrize(
    "words",
    [
        "oak",
        "OAK.exam",
        "a",
        "fair",
        "the fair",
        "fair\nx",
        '"so"',
        '"',
        "100%",
        "0_p",
        "%",
        "news.elm.example",
        "ärger",
        "zzz",
    ],
)
def test_each_way_of_searching_finds_what_the_walk_finds(filled: str, place: str, words: str) -> None:
    engine = open_engine(filled, writing=False)
    with engine.connect() as connection:
        inside = {
            "site": {scope for _, scope, _ in ENTRIES},
            "domain": {"joe@example.org", "@example.org", "kim@example.org"},
            "two": {"joe@example.org", "joe@example.net"},
            "nothing": set[str](),
        }[place]
        meant = [
            pattern
            for pattern, scope, note in reversed(ENTRIES)
            if scope in inside and (words.lower() in pattern or words.lower() in note.lower())
        ]
        # Letters beyond ASCII are compared as they were typed.
        assert found(connection, words, PARTS[place]) == ([] if words == "ärger" else meant)
    engine.dispose()


def test_entry_is_found_by_its_new_note_and_not_when_it_is_gone(filled: str) -> None:
    engine = open_engine(filled, writing=True)
    with engine.connect() as connection, connection.begin():
        table = EntryTable(connection)
        (anna,) = table.search([Part()], Cut("", "fair", None, None, 9))
        table.change(anna.id, "", "an uncle", None)
        assert found(connection, "fair", [Part()]) == []
        assert found(connection, "uncle", [Part()]) == ["anna@oak.example"]
        removal = table.remove([anna.id], "me", 2.0)
        assert found(connection, "uncle", [Part()]) == []
        table.restore(removal)
        assert found(connection, "uncle", [Part()]) == ["anna@oak.example"]
        connection.exec_driver_sql("INSERT INTO entry_words(entry_words) VALUES ('integrity-check')")
    engine.dispose()


def test_upgrade_finds_entries_that_were_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    to_version(url, "0001")
    with closing(sqlite3.connect(sqlite_path(url))) as connection, connection:
        connection.execute(
            "INSERT INTO list_entry VALUES (7, 'allow', 'anna@oak.example', '', '', 'fair', 'me', 0, NULL, NULL, NULL, '', '')"
        )
    upgrade(url)
    engine = open_engine(url, writing=False)
    with engine.connect() as reading:
        assert found(reading, "oak", [Part()]) == ["anna@oak.example"]
    engine.dispose()
