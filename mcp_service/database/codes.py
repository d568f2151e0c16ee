"""Codes as rows, where no Redis keeps them."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from functions.stores.sql.engine import reading, writing
from functions.stores.sql.upsert import put
from mcp_service.codes import HOUR
from mcp_service.database.records import CodeRecord
from mcp_service.database.rows import record_of, values_of
from mcp_service.database.tables import code_sends, codes

T = TypeVar("T")


class SqlCodes:
    """Implements codes.Codes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put(self, code: CodeRecord) -> None:
        values = values_of(code, codes)
        await self._written(lambda connection: put(connection, codes, values=values))

    async def of(self, tenant: str) -> list[CodeRecord]:
        return await asyncio.to_thread(self._of, tenant)

    async def attempt(self, tenant: str, channel: str) -> CodeRecord | None:
        mine = (codes.c.tenant == tenant) & (codes.c.channel == channel)
        spent = update(codes).where(mine, codes.c.tries_left > 0)

        def spend(connection: Connection) -> CodeRecord | None:
            if not connection.execute(spent.values(tries_left=codes.c.tries_left - 1)).rowcount:
                return None
            row = connection.execute(select(codes).where(mine)).one()
            return record_of(CodeRecord, codes, row=row)

        return await self._written(spend)

    async def drop(self, tenant: str, channel: str) -> None:
        mine = (codes.c.tenant == tenant) & (codes.c.channel == channel)
        await self._written(lambda connection: connection.execute(delete(codes).where(mine)))

    async def count_send(self, tenant: str, *, limit: int, at: float) -> float | None:
        mine = code_sends.c.tenant == tenant

        def count(connection: Connection) -> float | None:
            known = select(code_sends.c.times).where(mine).with_for_update()
            row = connection.execute(known).scalar()
            times = msgspec.json.decode(row or b"[]", type=list[float])
            sent = sorted(time for time in times if time > at - HOUR)
            if len(sent) >= limit:
                return sent[-limit] + HOUR
            wanted = insert(code_sends) if row is None else update(code_sends).where(mine)
            text = msgspec.json.encode([*sent, at])
            connection.execute(wanted.values(tenant=tenant, times=text))
            return None

        return await self._written(count)

    async def _written(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._write, work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        try:
            with writing(self._engine) as connection:
                return work(connection)
        except IntegrityError:  # another wrote the first row meanwhile; now it is there to lock
            with writing(self._engine) as connection:
                return work(connection)

    def _of(self, tenant: str) -> list[CodeRecord]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(codes).where(codes.c.tenant == tenant))
            return [record_of(CodeRecord, codes, row=row) for row in rows]
