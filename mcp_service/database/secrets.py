"""Sealed secrets by name. Nothing here can open one."""

from sqlalchemy import Engine, delete, select

from functions.stores.sql.engine import reading, writing
from functions.stores.sql.upsert import put
from mcp_service.database.records import SecretRecord
from mcp_service.database.rows import record_of, values_of
from mcp_service.database.tables import secrets


class Secrets:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, secret: SecretRecord) -> None:
        with writing(self._engine) as connection:
            put(connection, secrets, values=values_of(secret, secrets))

    def of(self, tenant: str) -> list[SecretRecord]:
        """A tenant's, in the order of their names."""
        query = select(secrets).where(secrets.c.tenant == tenant).order_by(secrets.c.name)
        with reading(self._engine) as connection:
            return [record_of(SecretRecord, secrets, row=row) for row in connection.execute(query)]

    def drop(self, tenant: str, name: str) -> bool:
        """Whether there was one."""
        mine = (secrets.c.tenant == tenant) & (secrets.c.name == name)
        with writing(self._engine) as connection:
            return bool(connection.execute(delete(secrets).where(mine)).rowcount)
