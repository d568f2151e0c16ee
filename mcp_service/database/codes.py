"""Codes that prove a channel's owner wants it: one live code per channel, few tries, few mails."""

from sqlalchemy import Engine, delete, insert, select, update

from functions.stores.sql.engine import reading, writing
from mcp_service.database.records import CodeRecord
from mcp_service.database.rows import put, record_of, values_of
from mcp_service.database.tables import code_sends, codes

HOUR = 3600


class Codes:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, code: CodeRecord) -> None:
        """The channel's one live code; an older one is dead."""
        with writing(self._engine) as connection:
            put(connection, codes, values=values_of(code, codes))

    def of(self, tenant: str) -> list[CodeRecord]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(codes).where(codes.c.tenant == tenant))
            return [record_of(CodeRecord, codes, row=row) for row in rows]

    def attempt(self, tenant: str, channel: str) -> CodeRecord | None:
        """The live code, with one try spent before anybody compares it; None without tries."""
        mine = (codes.c.tenant == tenant) & (codes.c.channel == channel)
        spent = update(codes).where(mine, codes.c.tries_left > 0)
        with writing(self._engine) as connection:
            if not connection.execute(spent.values(tries_left=codes.c.tries_left - 1)).rowcount:
                return None
            row = connection.execute(select(codes).where(mine)).one()
        return record_of(CodeRecord, codes, row=row)

    def drop(self, tenant: str, channel: str) -> None:
        mine = (codes.c.tenant == tenant) & (codes.c.channel == channel)
        with writing(self._engine) as connection:
            connection.execute(delete(codes).where(mine))

    def count_send(self, tenant: str, *, limit: int, at: float) -> float | None:
        """Count one mail against `limit` an hour; when it is used up, the time it frees again."""
        recent = (code_sends.c.tenant == tenant) & (code_sends.c.at > at - HOUR)
        with writing(self._engine) as connection:
            sent = sorted(connection.execute(select(code_sends.c.at).where(recent)).scalars())
            if len(sent) >= limit:
                return float(sent[-limit]) + HOUR
            connection.execute(delete(code_sends).where(code_sends.c.at <= at - HOUR))
            connection.execute(insert(code_sends).values(tenant=tenant, at=at))
        return None
