"""Which lost deliveries their owner has been told about."""

from collections.abc import Sequence

from sqlalchemy import Engine, delete, select

from functions.stores.sql.engine import reading, writing
from functions.stores.sql.upsert import put
from mcp_service.database.tables import confessions


class Confessions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def confess(self, tenant: str, deliveries: Sequence[str], *, at: float) -> list[str]:
        """Of these deliveries the ones never confessed before; they count as confessed now."""
        column = confessions.c.delivery
        query = select(column).where(confessions.c.tenant == tenant, column.in_(deliveries))
        with reading(self._engine) as connection:
            known = set(connection.execute(query).scalars())
        fresh = [delivery for delivery in deliveries if delivery not in known]
        if fresh:
            with writing(self._engine) as connection:
                for delivery in fresh:
                    row = {"tenant": tenant, "delivery": delivery, "at": at}
                    put(connection, confessions, values=row)
        return fresh

    def expire(self, before: float) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(confessions).where(confessions.c.at < before))
