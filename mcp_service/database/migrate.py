"""Brings a database to the newest schema. The one history also owns the tables of functions."""

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


def migrate(url: str) -> None:
    """Upgrade to the newest revision; nothing happens when it is there already.

    Raises SourceUnavailable when the database cannot be used."""
    engine = open_engine(url, longest=LONGEST)
    try:
        with writing(engine) as connection:
            _prepare(connection)
            command.upgrade(configuration(connection), "head")
    finally:
        engine.dispose()


def is_newest(url: str) -> bool:
    """Whether the schema is the newest one; nothing is changed. Errors as of `migrate`."""
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            found = MigrationContext.configure(connection).get_current_heads()
            history = ScriptDirectory.from_config(configuration(connection))
        return set(found) == set(history.get_heads())
    finally:
        engine.dispose()


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
