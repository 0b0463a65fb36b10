from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.domain.lifecycle import State
from gateway.domain.query import Score, Term
from gateway.flow.history import Asked
from gateway.flow.ports import StoreDown
from gateway.flow.queue_ports import Owner, Place, Selection
from gateway.flow.session_ports import LinkRequest
from gateway.store.engine import open_engine, sqlite_path
from gateway.store.history_lines import page_of
from gateway.store.journal import JournalTable
from gateway.store.queue import QueueTable
from gateway.store.queue_parts import Limits
from gateway.store.schema import MIGRATIONS, Age, age, check_schema, create, upgrade
from gateway.store.service_lock import ServiceLock
from gateway.store.store import Store
from gateway.store.tables import SCHEMA_VERSION, metadata
from gateway.store.transaction import Transaction


def execute(url: str, *statements: str) -> None:
    with closing(sqlite3.connect(sqlite_path(url))) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_schema_of_no_file_is_empty_and_looking_makes_none(url: str) -> None:
    assert age(url) is Age.EMPTY
    assert not sqlite_path(url).exists()


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """Leave out the tables that SQLite's full-text index keeps for itself."""
    return not (kind == "table" and name is not None and "_words" in name)


def pieces(text: str) -> set[str]:
    """Part a statement at its commas: a column that was added later stands behind what it was made with."""
    plain = "".join(text.split()).replace("IFNOTEXISTS", "")
    begin, _, inside = plain.partition("(")
    inside, _, end = inside.rpartition(")")
    return {begin, *inside.split(","), end}


def test_upgrade_makes_exactly_the_tables(url: str) -> None:
    upgrade(url)
    assert age(url) is Age.CURRENT
    with open_engine(url, writing=False).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "include_name": is_ours},
        )
        assert compare_metadata(context, metadata) == []
        made = {
            (name, text)
            for name, text in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            if not name.startswith("alembic")
        }
    fresh = url.replace("gateway.db", "fresh.db")
    engine = open_engine(fresh, writing=True)
    with engine.begin() as connection:
        metadata.create_all(connection)
    with engine.connect() as connection:
        wanted = {
            (name, text)
            for name, text in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        }

    assert {name: pieces(text) for name, text in made} == {
        name: pieces(text) for name, text in wanted
    }  # Partial indexes and WITHOUT ROWID too, which alembic does not compare.


def test_schema_version_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == SCHEMA_VERSION


def test_upgrade_of_a_current_store_changes_nothing(url: str) -> None:
    upgrade(url)
    before = sqlite_path(url).read_bytes()
    upgrade(url)
    check_schema(url)
    assert sqlite_path(url).read_bytes() == before


def test_upgrade_that_fails_half_way_leaves_nothing_behind(url: str) -> None:
    execute(url, "CREATE TABLE pending (x)")  # In the way of the migration.
    with pytest.raises(Exception, match="already exists"):
        upgrade(url)
    with closing(sqlite3.connect(sqlite_path(url))) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names <= {"pending", "alembic_version"}


def test_store_of_an_older_version_is_refused_with_what_to_do(url: str) -> None:
    upgrade(url)
    execute(url, "UPDATE alembic_version SET version_num = '0000'")
    assert age(url) is Age.OLD
    with pytest.raises(StoreDown, match="db upgrade"):
        Store(url)


def test_store_of_a_newer_version_is_refused_with_what_to_do(url: str) -> None:
    upgrade(url)
    execute(url, "UPDATE alembic_version SET version_num = '9999'")
    assert age(url) is Age.NEWER
    with pytest.raises(StoreDown, match="upgrade the program"):
        Store(url)


def test_store_whose_version_is_empty_counts_as_empty(url: str) -> None:
    execute(url, "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    assert age(url) is Age.EMPTY


async def test_store_in_a_folder_that_is_missing_makes_it(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/a/b/gateway.db")
    await store.close()
    assert (tmp_path / "a/b/gateway.db").is_file()


def test_second_service_on_the_same_store_is_refused_until_the_first_ends(url: str) -> None:
    lock = ServiceLock(url)
    with pytest.raises(StoreDown, match="another service uses"):
        ServiceLock(url)
    lock.release()
    ServiceLock(url).release()


async def test_command_line_opens_the_store_beside_a_running_service(url: str) -> None:
    lock = ServiceLock(url)
    one, two = Store(url), Store(url)
    assert await one.key("mark") == await two.key("mark")
    await one.close()
    await two.close()
    lock.release()


def test_created_store_is_what_the_migrations_make(url: str) -> None:
    create(url)
    assert age(url) is Age.CURRENT
    migrated = url.replace("gateway.db", "migrated.db")
    upgrade(migrated)

    def tables(of: str) -> dict[str, set[str]]:
        with closing(sqlite3.connect(sqlite_path(of))) as connection:
            rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        return {name: pieces(text) for name, text in rows}

    assert tables(url) == tables(migrated)
    upgrade(url)
    assert age(url) is Age.CURRENT


def to_version(url: str, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with open_engine(url, writing=True).connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


async def test_upgrade_keeps_sessions_and_counts_them_as_proven_when_they_began(url: str) -> None:
    to_version(url, "0001")
    execute(
        url,
        "INSERT INTO account (id, name, name_key, full_name, role, disabled, password, totp_secret, totp_step, language,"
        " time_zone, created_at, created_by) VALUES (1, 'root', 'root', '', 'site-admin', 0, '', '', 0, '', '', 1, 'x')",
        "INSERT INTO session VALUES"
        " (7, x'aa', 1, 'full', 'link', 0, 100.0, 200.0, 300.0, '::1', 'curl', '/console/', 'totp:x', '')",
    )
    upgrade(url)
    store = Store(url)
    session = await store.look(lambda tx: tx.sessions.find(b"\xaa"))
    await store.close()
    assert session is not None
    assert (session.id, session.wanted, session.scratch, session.looks_as) == (7, "/console/", "totp:x", "")
    assert (session.created_at, session.used_at, session.ends_at, session.proven_at) == (100.0, 200.0, 300.0, 100.0)


def test_upgrade_finds_older_history_by_the_domain_of_its_senders_and_words_of_the_log(url: str) -> None:
    to_version(url, "0019")
    passage = (
        "INSERT INTO passage VALUES (1, 5.0, 't', 'Ann@elm.example', 'ann@elm.example', 'joe@z.example', 'joe@z.example',"
        " 'z.example', 1, 'deliver', '', 'relayed', '', '', '')"
    )
    line = "INSERT INTO journal VALUES (3, 5.0, 'root', '', 'list-new', '', 'z.example', 'allow Ann@elm.example', '')"
    execute(url, MAIL, ROW.format(id=7, state="pending", source=""), passage, line)
    upgrade(url)
    engine = open_engine(url, writing=False)
    with engine.connect() as connection:
        for asked, found in ((Asked(), [("passage", 1), ("held", 7)]), (Asked("@elm.example"), [("passage", 1)])):
            lines = page_of(connection, Place(site=True), asked, None, 9)
            assert [(line.kind, line.id) for line in lines] == found
        for words, ids in (("nn@elm", [3]), ("NEW", [3]), ("ann@oak", [])):
            assert [deed.id for deed in JournalTable(connection).page({"z.example"}, "", words, 0, 9)] == ids
    engine.dispose()


async def test_upgrade_keeps_links_that_were_asked_for_and_not_sent_yet(url: str) -> None:
    to_version(url, "0010")
    execute(url, "INSERT INTO sign_in_order VALUES (7, 'joe@example.org', '/console/', '192.0.2.7', 1.0, 2.0, 3)")
    upgrade(url)
    store = Store(url)
    asked_for = await store.look(lambda tx: tx.sessions.link_requests(9.0, 9))
    await store.close()
    assert asked_for == [LinkRequest(7, "joe@example.org", "/console/", "192.0.2.7", 1.0, 3, "")]


async def test_upgrade_to_digests_keeps_what_is_there(url: str) -> None:
    to_version(url, "0002")
    assert age(url) is Age.OLD
    execute(
        url, "INSERT INTO list_entry VALUES (7, 'allow', '@oak.example', '', '', '', 'me', 0, NULL, NULL, NULL, '', '')"
    )
    upgrade(url)
    store = Store(url)
    assert [entry.pattern for entry in await store.entries(("@oak.example",))] == ["@oak.example"]
    assert await store.look(lambda tx: tx.digests.cursor()) == 0
    await store.close()


MAIL = (
    "INSERT INTO message (id, key, sha256, received_at, transaction_id, reverse_path, sender_key, author, author_name,"
    " subject, message_id, reference_ids, list_id, size, client_address, client_name, helo, protocol, queue_id, evidence,"
    " proofs, network, trace, cuts, body_8bit, smtputf8, ret, envid)"
    " VALUES (1, x'', x'', 1, '', '', '', '', '', '', '', '', '', 1, '', '', '', '', '', '{}', '', '', x'', '[]', 0, 0, '', '')"
)
ROW = (
    "INSERT INTO pending (id, message_id, recipient, recipient_key, recipient_domain, notify, orcpt, sender_key, state,"
    " reason, silence, held_at, expires_at, changed_at, as_spam, attempts, last_reply, source)"
    " VALUES ({id}, 1, '', '', '', '', '', '', '{state}', '', '', 1, 2, 1, 0, 0, '', '{source}')"
)
LISTED = (
    "INSERT INTO queue (id, age, state, listed, lane, domain, owner, recipient_key, held_at, expires_at, size, reason,"
    " sender_sort, subject_sort, source, files, w_from, w_to, w_subject, w_file, marks)"
    " VALUES ({id}, -{id}, '{state}', {listed}, '{lane}', 'z.example', 'u@z.example', '{key}', 1, 2, 1, '', '', '', '{source}',"
    " '[]', ' anna ', '', ' invoices ', '', 'dz7azz2ezexample l{lane}')"
)


async def test_upgrade_of_a_list_keeps_its_rows_and_finds_them_by_recipient_and_source(url: str) -> None:
    to_version(url, "0001")
    rows = [
        {"id": 1, "state": "pending", "listed": 1, "lane": "people", "key": "u+shop@z.example", "source": ""},
        {"id": 2, "state": "pending", "listed": 1, "lane": "machine", "key": "u@z.example", "source": "list:n.example"},
        {"id": 3, "state": "deleted", "listed": 0, "lane": "people", "key": "u@z.example", "source": ""},
    ]
    execute(url, MAIL, *(text.format(**row) for row in rows for text in (ROW, LISTED)))
    upgrade(url)
    store = Store(url)
    mine, shop = Owner("z.example", "u@z.example"), Owner("z.example", "u@z.example", "u+shop@z.example")
    words = (Term(("invoic",)),)

    def found(chosen: Selection) -> set[int]:
        few = QueueTable(tx.connection).find(chosen, "arrival", False, None, 9)
        many = QueueTable(tx.connection, Limits(0, 0, 0)).find(chosen, "arrival", False, None, 9)
        assert few == many
        return {row_id for _, row_id in few}

    engine = open_engine(url, writing=False)
    with engine.connect() as connection:
        tx = Transaction(connection)
        assert found(Selection(Place(owners=(mine,)), terms=words)) == {1, 2}
        assert found(Selection(Place(owners=(shop,)), terms=words)) == {1}
        assert found(Selection(Place(site=True), terms=words, source="list:n.example")) == {2}
        assert found(Selection(Place(site=True), states=(State.DELETED,), terms=words)) == {3}
        assert found(Selection(Place(site=True), score=Score("<", 100.0))) == set()
    engine.dispose()
    await store.transact(lambda tx: tx.connection.exec_driver_sql("UPDATE pending SET state = 'deleted' WHERE id = 1"))
    await store.close()
    for table in ("waiting_words", "ended_words"):
        execute(url, f"INSERT INTO {table}({table}) VALUES ('integrity-check')")


async def test_upgrade_finds_the_rows_of_a_challenge_that_were_there(url: str) -> None:
    to_version(url, "0009")
    columns = (
        "id, message_id, recipient, recipient_key, recipient_domain, notify, orcpt, sender_key, source, state, reason, "
    )
    columns += "silence, challenge_id, held_at, expires_at, changed_at, as_spam, attempts, last_reply"
    execute(
        url,
        "PRAGMA foreign_keys = OFF",
        f"INSERT INTO pending ({columns}) VALUES (1, 1, 'joe@example.org', 'joe@example.org', 'example.org', '', '', 's', '',"
        " 'pending', 'unknown-sender', '', 7, 1, 2, 1, 0, 0, '')",
    )
    upgrade(url)
    store = Store(url)
    assert [passage.recipient for passage in await store.look(lambda tx: tx.pending.of_challenge(7))] == [
        "joe@example.org"
    ]
    await store.close()
