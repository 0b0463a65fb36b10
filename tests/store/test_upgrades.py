"""Stores of every older version are brought up to date with what is in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.store.engine import open_engine, sqlite_path
from gateway.store.schema import MIGRATIONS, Age, age, upgrade
from gateway.store.store import Store

OLDER = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][1:]


def make(url: str, version: str) -> None:
    """Make a store as it was at a version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = open_engine(url, writing=True)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()


@pytest.mark.parametrize("version", OLDER)
async def test_store_of_an_older_version_is_upgraded_with_what_is_in_it(url: str, version: str) -> None:
    make(url, version)
    with closing(sqlite3.connect(sqlite_path(url))) as connection, connection:
        connection.execute(
            "INSERT INTO account (name, name_key, full_name, role, disabled, password, totp_secret, totp_step, language,"
            " time_zone, created_at, created_by) VALUES ('Joe@example.org', 'joe@example.org', '', 'user', 0, '', '', 0,"
            " '', '', 0, 'tests')"
        )
        connection.execute("INSERT INTO sequence VALUES ('entries', 7)")
    assert age(url) is Age.OLD
    upgrade(url)
    assert age(url) is Age.CURRENT
    store = Store(url)
    joe = await store.look(lambda tx: tx.accounts.by_name("joe@example.org"))
    assert joe is not None
    assert await store.look(lambda tx: tx.tokens.of_account(joe.id)) == []
    assert await store.look(lambda tx: tx.connection.exec_driver_sql("SELECT value FROM sequence").scalar()) == 7
    await store.close()
