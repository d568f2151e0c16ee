"""Rows to frozen values and back. Columns are named like fields; binary ones hold JSON."""

from typing import Any, TypeVar

import msgspec
from sqlalchemy import LargeBinary, Row, Table

R = TypeVar("R", bound=msgspec.Struct)


def record_of(kind: type[R], table: Table, *, row: Row[Any]) -> R:
    # SQLAlchemy's names are a subclass of str, and msgspec takes str alone.
    values = {str(name): value for name, value in row._mapping.items()}
    for name in _documents(table):
        values[name] = msgspec.json.decode(values[name])
    return msgspec.convert(values, kind)


def values_of(record: msgspec.Struct, table: Table) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(record)
    for name in _documents(table):
        values[name] = msgspec.json.encode(values[name])
    return values


def _documents(table: Table) -> list[str]:
    return [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
