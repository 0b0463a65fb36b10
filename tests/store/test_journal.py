"""Lines of the log against a plain model: lists that are looked through from the last line on."""

from __future__ import annotations

import random
import string
from dataclasses import replace

from sqlalchemy import Connection, delete, update

from gateway.flow.journal import Deed
from gateway.store.journal import JournalTable
from gateway.store.journal_find import JournalFinder
from gateway.store.tables.overview import journal
from tests.store.letters import NOW

SIGNS = 'aAbB%_/"\\é -.*'
ACTORS, DOMAINS = ("eve", "Eve", "cli:root"), ("a.example", "b.example", "")


def plain(text: str) -> str:
    """Return a text as it is compared: small and large letters of English are the same."""
    return "".join(sign.lower() if sign in string.ascii_uppercase else sign for sign in text)


def says(deed: Deed, words: str) -> bool:
    return any(plain(words) in plain(text) for text in (deed.deed, deed.object, deed.detail, deed.actor))


def drawn(chance: random.Random, most: int) -> str:
    return "".join(chance.choices(SIGNS, k=chance.randrange(most)))


def test_lines_are_found_by_any_part_of_what_they_say_whoever_asks(connection: Connection) -> None:
    chance, table = random.Random(4), JournalTable(connection)
    deeds = [
        Deed(
            NOW,
            chance.choice(ACTORS),
            drawn(chance, 9),
            drawn(chance, 4),
            drawn(chance, 12),
            "",
            chance.choice(DOMAINS),
        )
        for _ in range(80)
    ]
    for deed in deeds:
        table.add(deed)
    deeds = [replace(deed, id=number) for number, deed in enumerate(deeds, 1)]
    for look in range(200):
        actor, words = chance.choice(("", "", *ACTORS, "nobody")), drawn(chance, 6)
        domains = chance.choice((None, None, set[str](), {"a.example"}, {"a.example", "b.example", "none.example"}))
        before, most = chance.choice((0, 0, 40, 99)), chance.choice((3, 100))
        wanted = [
            deed.id
            for deed in reversed(deeds)
            if (domains is None or deed.domain in domains) and actor in ("", deed.actor) and says(deed, words)
            and deed.id < (before or 99)
        ][:most]  # fmt: skip
        found = JournalFinder(connection, few=(0, 5, 2000)[look % 3]).find(domains, actor, words, before, most)
        assert found == wanted, (domains, actor, words, before, most)


def test_line_that_changed_is_found_by_what_it_says_now(connection: Connection) -> None:
    table = JournalTable(connection)
    table.add(Deed(NOW, "eve", "list-new", "", "allow ann@elm.example", ""))
    connection.execute(update(journal).values(detail="allow (erased)"))
    assert [deed.detail for deed in table.page(None, "", "eras", 0, 9)] == ["allow (erased)"]
    assert table.page(None, "", "ann@", 0, 9) == []
    connection.execute(delete(journal))
    assert table.page(None, "", "eras", 0, 9) == []
    connection.exec_driver_sql("INSERT INTO journal_words(journal_words) VALUES ('integrity-check')")
    assert (
        connection.exec_driver_sql("SELECT count(*) FROM journal_words WHERE journal_words MATCH 'era'").scalar() == 0
    )
