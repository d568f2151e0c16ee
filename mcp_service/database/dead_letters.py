"""Events that no function could take, kept until they are replayed or too old."""

import hashlib

import msgspec
from sqlalchemy import Connection, Engine, delete, func, select

from functions.core.cloudevent import Event
from functions.stores.sql.engine import reading, writing
from functions.stores.sql.upsert import put
from mcp_service.database.rows import record_of, values_of
from mcp_service.database.tables import dead_letters

MOST = 10_000
"""Letters kept; whoever can reach the port must not fill the database."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """`refused_by` and `code` are what the Broker noted: the subscriber and its HTTP status."""

    id: str
    at: float
    refused_by: str
    code: str
    event: Event

    @staticmethod
    def of(event: Event, *, at: float) -> "DeadLetter":
        """The letter of an event as the Broker delivers it: the same for every repetition."""
        said = event.extensions
        refused_by = said.get("knativeerrordest", "")
        kept = {name: text for name, text in said.items() if not name.startswith("knative")}
        identity = "\n".join((event.source, event.type, event.id, refused_by))
        return DeadLetter(
            id=hashlib.sha256(identity.encode()).hexdigest()[:16],
            at=at,
            refused_by=refused_by[:500],
            code=said.get("knativeerrorcode", "")[:16],
            event=msgspec.structs.replace(event, extensions=kept),
        )


class DeadLetters:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, letter: DeadLetter) -> bool:
        """Keep it, once. False when there are too many already."""
        with writing(self._engine) as connection:
            if _count(connection) >= MOST:
                return False
            put(connection, dead_letters, values=values_of(letter, dead_letters))
        return True

    def count(self) -> int:
        with reading(self._engine) as connection:
            return _count(connection)

    def some(self, *, skip: int = 0, limit: int) -> list[DeadLetter]:
        """Oldest first."""
        order = (dead_letters.c.at, dead_letters.c.id)
        query = select(dead_letters).order_by(*order).offset(skip).limit(limit)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [record_of(DeadLetter, dead_letters, row=row) for row in rows]

    def drop(self, letter: DeadLetter) -> None:
        """Forget it, unless the same event has become one again meanwhile."""
        same = (dead_letters.c.id == letter.id) & (dead_letters.c.at == letter.at)
        with writing(self._engine) as connection:
            connection.execute(delete(dead_letters).where(same))

    def expire(self, before: float) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(dead_letters).where(dead_letters.c.at < before))


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(dead_letters)).scalar_one()
