"""Admins of many domains: what is theirs is told by one statement, not by one for each of the domains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.domain.lists import Entry, Verdict
from gateway.domain.roles import Role
from gateway.flow.account_ports import Kind, NewAccount
from gateway.flow.list_ports import Cut, EntryView, Part
from gateway.flow.lists import MANY_PARTS
from gateway.store.engine import open_engine
from gateway.store.entries import EntryTable
from gateway.store.transaction import Transaction
from tests.store.fresh import lay_store

DOMAINS = [f"d{number}.example" for number in range(2000)]
"""More than a statement may have conditions."""
PEOPLE = (
    "joe@d1.example",
    "kim@sub.d1.example",
    "liz@other.example",
    '"a@b"@d7.example',
    '"x@d1.example"@other.example',
)


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Transaction]:
    file = tmp_path / "gateway.db"
    lay_store(file)
    engine = open_engine(f"sqlite:///{file}", writing=True)
    with engine.connect() as connection, connection.begin():
        yield Transaction(connection)
    engine.dispose()


def test_accounts_of_many_domains_are_those_with_an_address_there(tx: Transaction) -> None:
    for name in PEOPLE:
        tx.accounts.add(NewAccount(name, Role.USER, "me", 1.0, addresses=((name, Kind.OWN),)))

    assert [one.name for one in tx.accounts.page("", DOMAINS, "", 10)] == ['"a@b"@d7.example', "joe@d1.example"]
    assert [one.name for one in tx.accounts.page("joe", DOMAINS, "", 10)] == ["joe@d1.example"]
    assert tx.accounts.page("", [], "", 10) == []


def test_nothing_is_stuck_expected_or_chosen_in_many_domains(tx: Transaction) -> None:
    assert tx.digests.stuck(DOMAINS, "", 10) == []
    assert tx.expecting.within((), DOMAINS, 0.0, 10) == []
    assert tx.policies.scopes(DOMAINS, "", 10) == []


@pytest.mark.parametrize("cut", [Cut(most=5), Cut("deny", most=5), Cut(before=30, most=5), Cut(after=10, most=5)])
def test_entries_of_many_parts_are_those_of_each(tx: Transaction, cut: Cut) -> None:
    names = [f"d{number}.example" for number in range(MANY_PARTS + 2)]
    entries = [
        (Entry(Verdict.DENY if number % 3 else Verdict.ALLOW, f"p{number}@oak.example", f"@d{number % 20}.example"), "")
        for number in range(60)
    ]
    table = EntryTable(tx.connection)
    table.add_all(entries, "me", 1.0)
    parts = [Part(domain=name) for name in names]
    each: list[EntryView] = [view for part in parts for view in table.page(part, cut)]

    meant = sorted(each, key=lambda view: view.id, reverse=cut.after is None)[:5]
    assert table.near(parts, cut) == meant
    assert EntryTable(tx.connection, few=4).near(parts, cut) is None
