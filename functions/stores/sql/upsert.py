"""Rows that are there afterwards, whether or not they were before."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import mysql, sqlite


def put(
    connection: Connection, table: Table, *, values: dict[str, Any], new: Mapping[str, Any] = {}
) -> None:
    """Insert the row, with what only a `new` one gets, or change the one that has its primary key.
    It is one statement, so that those who put the same row at once wait for each other."""
    row = values | dict(new)
    if connection.dialect.name == "sqlite":
        key = table.primary_key.columns
        wanted = sqlite.insert(table).values(row).on_conflict_do_update(key, set_=values)
        connection.execute(wanted)
    else:
        connection.execute(mysql.insert(table).values(row).on_duplicate_key_update(values))
