"""Brings a database to the newest schema. The one history also owns the tables of functions."""

from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from functions.core.errors import SourceUnavailable
from functions.stores.sql.engine import open_engine, reading, writing

OTHERS = 15
"""Seconds to wait for another process that migrates."""
LONGEST = 3600.0
"""Seconds that one step may take: an index of a large table is not made in a few."""
HISTORY = Path(__file__).parent / "migrations"
TOO_NEW = "A newer version of claude-monitor changed the database; install that version again."


class Schema(StrEnum):
    """How the schema of a database is to that of this version."""

    OLDER = "older"
    SAME = "same"
    NEWER = "newer"


def migrate(url: str) -> None:
    """Upgrade to the newest revision; nothing happens when it is there already.

    Raises SourceUnavailable when the database cannot be used, or is that of a newer version."""
    engine = open_engine(url, longest=LONGEST)
    try:
        with writing(engine) as connection:
            _prepare(connection)
            found = _schema(connection)
            if found is Schema.NEWER:
                raise SourceUnavailable(TOO_NEW)
            if found is Schema.OLDER:
                command.upgrade(configuration(connection), "head")
    finally:
        engine.dispose()


def schema(url: str) -> Schema:
    """Nothing is changed. Raises SourceUnavailable when the database cannot be used."""
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            return _schema(connection)
    finally:
        engine.dispose()


def _schema(connection: Connection) -> Schema:
    found = set(MigrationContext.configure(connection).get_current_heads())
    history = ScriptDirectory.from_config(configuration(connection))
    if found == set(history.get_heads()):
        return Schema.SAME
    known = {step.revision for step in history.walk_revisions()}
    return Schema.OLDER if found <= known else Schema.NEWER


def _prepare(connection: Connection) -> None:
    """MySQL alone: new tables tell letters apart by their bytes, and only one migrates at a time.
    Its changes of tables commit by themselves, so the transaction around them keeps nobody out."""
    if connection.dialect.name == "sqlite":
        return
    locked = connection.scalar(
        text("SELECT GET_LOCK(CONCAT('migrate ', DATABASE()), :seconds)"), {"seconds": OTHERS}
    )
    if not locked:
        raise SourceUnavailable("Another process migrates the database; try again when it is done.")
    connection.execute(text("ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"))


def configuration(connection: Connection) -> Config:
    """Alembic's, made here: there is no ini file to lose."""
    made = Config()
    made.set_main_option("script_location", str(HISTORY).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made
