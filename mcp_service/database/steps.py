"""Steps of a migration, each of which looks first. MySQL commits every change of a table by itself,
so whatever stopped half-way is done again from its beginning."""

import sqlalchemy as sa
from alembic import op


def make_table(name: str, *columns: sa.Column[object] | sa.PrimaryKeyConstraint) -> None:
    if not sa.inspect(op.get_bind()).has_table(name):
        op.create_table(name, *columns)


def drop_table(name: str, *, having: str) -> None:
    """Only while it has this column: another table may have its name by now."""
    if sa.inspect(op.get_bind()).has_table(name) and _has(name, having):
        op.drop_table(name)


def add_column(table: str, column: sa.Column[bool]) -> None:
    if not _has(table, column.name):
        op.add_column(table, column)


def make_index(name: str, *, table: str, column: str) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, [column])


def _has(table: str, column: str) -> bool:
    return column in {one["name"] for one in sa.inspect(op.get_bind()).get_columns(table)}
