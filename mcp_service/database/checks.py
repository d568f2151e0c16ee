"""The latest live run of each definition: the proof without which nothing is armed."""

from sqlalchemy import Engine, delete, select

from functions.stores.sql.engine import reading, writing
from functions.stores.sql.upsert import put
from mcp_service.database.records import Check
from mcp_service.database.rows import record_of, values_of
from mcp_service.database.tables import checks

LIFE = 86_400
"""Seconds for which a successful check lets its definition be armed."""


class Checks:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, check: Check) -> None:
        """Keep this run, and forget the tenant's that are too old to arm anything."""
        stale = (checks.c.tenant == check.tenant) & (checks.c.at < check.at - LIFE)
        with writing(self._engine) as connection:
            connection.execute(delete(checks).where(stale))
            put(connection, checks, values=values_of(check, checks))

    def get(self, tenant: str, definition: str, *, now: float) -> Check | None:
        """The latest run of exactly this definition, unless it is too old."""
        mine = (checks.c.tenant == tenant) & (checks.c.definition == definition)
        with reading(self._engine) as connection:
            row = connection.execute(select(checks).where(mine, checks.c.at >= now - LIFE)).first()
        return record_of(Check, checks, row=row) if row else None
