"""Steps of a migration, each of which looks first. MySQL commits every change of a table by itself,
so whatever stopped half-way is done again from its beginning."""

import sqlalchemy as sa
from alembic import op


def make_table(name: str, *columns: sa.Column[object] | sa.PrimaryKeyConstraint) -> None:
    if not sa.inspect(op.get_bind()).has_table(name):
        op.create_table(name, *columns)


def drop_table(name: str, *, having: str) -> None:
    """Only while it has this column: another table may have its name by now."""
    seen = sa.inspect(op.get_bind())
    if seen.has_table(name) and having in {column["name"] for column in seen.get_columns(name)}:
        op.drop_table(name)


def make_index(name: str, *, table: str, column: str) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, [column])
