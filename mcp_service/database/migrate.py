"""Brings a database to the newest schema. The one history also owns the tables of functions."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from functions.stores.sql.engine import open_engine, writing

HISTORY = Path(__file__).parent / "migrations"


def migrate(url: str) -> None:
    """Upgrade to the newest revision; nothing happens when it is there already.

    Raises SourceUnavailable when the database cannot be used."""
    engine = open_engine(url)
    try:
        with writing(engine) as connection:
            command.upgrade(configuration(connection), "head")
    finally:
        engine.dispose()


def configuration(connection: Connection) -> Config:
    """Alembic's, made here: there is no ini file to lose."""
    made = Config()
    made.set_main_option("script_location", str(HISTORY).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made
