"""The schema's age: create it, bring it up to date, tell whether it is."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from sqlalchemy import Connection

from gateway.flow.ports import StoreDown
from gateway.store.engine import open_engine, sqlite_path, translated_errors
from gateway.store.tables import SCHEMA_VERSION, metadata

MIGRATIONS = Path(__file__).parent / "migrations"


class Age(Enum):
    """How a store's schema compares with what this program needs."""

    EMPTY = "empty"
    OLD = "old"
    CURRENT = "current"
    NEWER = "newer"


def schema_version(connection: Connection) -> str:
    """Return the newest migration a store has seen; "" for an empty one."""
    named = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").scalar()
    if named is None:
        return ""
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")


def age(url: str) -> Age:
    """Tell how old a store's schema is."""
    if not sqlite_path(url).exists():
        return Age.EMPTY
    engine = open_engine(url, writing=False)
    with engine.connect() as connection:
        version = schema_version(connection)
    if not version:
        return Age.EMPTY
    if version == SCHEMA_VERSION:
        return Age.CURRENT
    return Age.OLD if version < SCHEMA_VERSION else Age.NEWER


def check_schema(url: str) -> None:
    """Make a new store, accept a current one. Raises StoreDown with what to do for any other."""
    match age(url):
        case Age.EMPTY:
            create(url)
        case Age.OLD:
            raise StoreDown("the store is of an older version: run `challenge-gateway db upgrade`")
        case Age.NEWER:
            raise StoreDown("the store is of a newer version than this program: upgrade the program")
        case Age.CURRENT:
            pass


def create(url: str) -> None:
    """Make the tables of a new store as they are now, and note that every migration is in them.

    The same as running the migrations, without the library that does it: that takes half a second at the first
    start and 20 MB for as long as the service runs.
    """
    engine = open_engine(url, writing=True)
    with translated_errors(), engine.connect() as connection, connection.begin():
        metadata.create_all(connection)
        connection.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL,"
            " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (SCHEMA_VERSION,))
    engine.dispose()


def upgrade(url: str) -> None:
    """Bring a store up to date, in one transaction for each step."""
    # Imported here: only this command needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = open_engine(url, writing=True)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
