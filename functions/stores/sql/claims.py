"""Which deliveries may be tried now, by whom, and for how long."""

from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    update,
)

from functions.core.alert_ports import Attempt, Delivery
from functions.stores.sql.tables import deliveries, delivery_attempts

PER_CHANNEL, PER_TENANT = 2, 8
"""Messages that may be under way at once."""


def claimable(now: float, limit: int) -> Select[Any]:
    """Due and not leased; of each channel, and of each tenant's channels together, only as many as
    may still be under way, and everybody's first before anybody's second. What is under way takes
    a place, so it stays in until the places are given out."""
    this = deliveries.c
    may_go = and_(
        this.state == "owed", or_(this.leased_until > now, this.next_try <= now), ~_waits()
    )
    in_channel = _place(this, now, this.tenant, this.channel)
    queued = select(deliveries, in_channel.label("in_channel")).where(may_go).subquery()
    in_tenant = _place(queued.c, now, queued.c.tenant)
    first = queued.c.in_channel <= PER_CHANNEL
    allowed = select(queued, in_tenant.label("in_tenant")).where(first).subquery()
    free = and_(allowed.c.in_tenant <= PER_TENANT, allowed.c.leased_until <= now)
    wanted = select(*(allowed.c[column.name] for column in deliveries.columns)).where(free)
    return wanted.order_by(allowed.c.in_tenant, allowed.c.owed_at, allowed.c.id).limit(limit)


def _waits() -> ColumnElement[bool]:
    """An earlier message of the same alert to the same channel is still owed."""
    this, other = deliveries.c, deliveries.alias("earlier")
    earlier = select(1).where(
        other.c.tenant == this.tenant,
        other.c.alert_id == this.alert_id,
        other.c.channel == this.channel,
        other.c.number < this.number,
        other.c.state == "owed",
    )
    # Before it has statistics of this table MariaDB walks through all of the tenant's, for each.
    in_order = earlier.with_hint(other, "FORCE INDEX (deliveries_in_order)", "mysql")
    return in_order.correlate(deliveries).exists()


def _place(row: Any, now: float, *among: ColumnElement[Any]) -> ColumnElement[int]:
    """From 1: those under way first, then the oldest."""
    order = (case((row.leased_until > now, 0), else_=1), row.owed_at, row.number, row.id)
    return func.row_number().over(partition_by=among, order_by=order)


def take(connection: Connection, due: Delivery, *, now: float, lease: float) -> Delivery | None:
    """The delivery as one more attempt, or None when somebody else was faster."""
    free = and_(deliveries.c.leased_until <= now, deliveries.c.attempts == due.attempts)
    values = {"attempts": due.attempts + 1, "leased_until": now + lease}
    taking = update(deliveries).where(*_still_owed(due), free).values(values)
    taken = connection.execute(taking).rowcount
    return msgspec.structs.replace(due, attempts=due.attempts + 1) if taken else None


def settle(connection: Connection, delivery: Delivery, *, attempt: Attempt) -> None:
    """Write the outcome and the attempt. The number of the attempt tells a lost lease, and what
    was written already: whoever lost the database's answer settles again."""
    if _is_settled(connection, delivery, number=attempt.number):
        return
    key = _still_owed(delivery)
    if delivery.state == "owed":
        key = (*key, deliveries.c.attempts == delivery.attempts)
    outcome = {
        "state": delivery.state,
        "answer": delivery.answer,
        "next_try": delivery.next_try,
        "leased_until": 0.0,
    }
    connection.execute(update(deliveries).where(*key).values(outcome))
    whose = {"tenant": delivery.tenant, "delivery": delivery.id}
    columns = msgspec.structs.asdict(attempt) | whose
    connection.execute(insert(delivery_attempts).values(columns))


def _is_settled(connection: Connection, delivery: Delivery, *, number: int) -> bool:
    columns = delivery_attempts.c
    mine = (columns.tenant == delivery.tenant) & (columns.delivery == delivery.id)
    query = select(columns.number).where(mine, columns.number == number)
    return connection.execute(query).first() is not None


def _still_owed(delivery: Delivery) -> tuple[ColumnElement[bool], ...]:
    columns = deliveries.c
    return (
        columns.tenant == delivery.tenant,
        columns.id == delivery.id,
        columns.state == "owed",
    )
