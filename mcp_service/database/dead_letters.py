"""Events that no function could take, kept until they are replayed or too old."""

import hashlib
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, delete, false, func, select, true

from functions.core.cloudevent import Event
from functions.stores.sql.engine import reading, writing
from functions.stores.sql.upsert import put
from mcp_service.database.rows import record_of, values_of
from mcp_service.database.tables import dead_letters

MOST = 10_000
"""Letters kept of what nobody believes; whoever can reach the port must not fill the database."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """`refused_by` and `code` are what the Broker noted: the subscriber and its HTTP status. `ours`
    says whether the event has a MAC of ours, so that a function would believe it."""

    id: str
    at: float
    refused_by: str
    code: str
    ours: bool
    event: Event

    @staticmethod
    def of(event: Event, *, at: float, ours: bool) -> "DeadLetter":
        """The letter of an event as the Broker delivers it: the same for every repetition. Of ours
        there is one for each event, by its MAC: what that does not cover, anybody could vary."""
        said = event.extensions
        refused_by = said.get("knativeerrordest", "")
        kept = {name: text for name, text in said.items() if not name.startswith("knative")}
        whose = ("ours",) if ours else ("", refused_by)
        identity = "\n".join((event.source, event.type, event.id, said.get("mac", ""), *whose))
        return DeadLetter(
            id=hashlib.sha256(identity.encode()).hexdigest()[:32],
            at=at,
            refused_by=refused_by[:500],
            code=said.get("knativeerrorcode", "")[:16],
            ours=ours,
            event=msgspec.structs.replace(event, extensions=kept),
        )


class DeadLetters:
    def __init__(self, engine: Engine, *, most: int = MOST) -> None:
        self._engine = engine
        self._most = most

    def put(self, letter: DeadLetter) -> bool:
        """Keep it, once. False for one that is not ours when there are too many of them already."""
        with writing(self._engine) as connection:
            if not letter.ours and _is_full(connection, letter, most=self._most):
                return False
            put(connection, dead_letters, values=values_of(letter, dead_letters))
        return True

    def count(self) -> int:
        with reading(self._engine) as connection:
            return _count(connection, true())

    def count_ours(self) -> int:
        with reading(self._engine) as connection:
            return _count(connection, dead_letters.c.ours == true())

    def oldest(self, *, skip: int = 0, limit: int) -> list[DeadLetter]:
        """Oldest first."""
        return self._some(dead_letters.c.at, dead_letters.c.id, skip=skip, limit=limit)

    def newest(self, *, limit: int) -> list[DeadLetter]:
        """Oldest first."""
        order = (dead_letters.c.at.desc(), dead_letters.c.id.desc())
        return self._some(*order, limit=limit)[::-1]

    def drop(self, letter: DeadLetter) -> None:
        """Forget it, unless the same event has become one again meanwhile."""
        same = (dead_letters.c.id == letter.id) & (dead_letters.c.at == letter.at)
        with writing(self._engine) as connection:
            connection.execute(delete(dead_letters).where(same))

    def expire(self, before: float) -> None:
        with writing(self._engine) as connection:
            connection.execute(delete(dead_letters).where(dead_letters.c.at < before))

    def _some(self, *order: ColumnElement[Any], limit: int, skip: int = 0) -> list[DeadLetter]:
        query = select(dead_letters).order_by(*order).offset(skip).limit(limit)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [record_of(DeadLetter, dead_letters, row=row) for row in rows]


def _is_full(connection: Connection, letter: DeadLetter, *, most: int) -> bool:
    """Whether there is no place for one more that is not ours; one that is there has its place."""
    there = _count(connection, dead_letters.c.id == letter.id)
    return not there and _count(connection, dead_letters.c.ours == false()) >= most


def _count(connection: Connection, which: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(dead_letters).where(which)
    return connection.execute(query).scalar_one()
