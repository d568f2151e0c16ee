"""The service's own tables. They share one metadata, and one Alembic history, with the tables that
functions use, so that one database holds both. Binary columns hold JSON."""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from functions.stores.sql.tables import DELIVERY_ID, DOCUMENT, LINE, NAME, metadata


def _key(name: str, length: int = NAME) -> Column[str]:
    return Column(name, String(length), primary_key=True)


monitors = Table(
    "monitors",
    metadata,
    _key("tenant"),
    _key("id"),
    Column("name", String(NAME), nullable=False),
    Column("version", Integer, nullable=False),
    Column("provider", String(NAME), nullable=False),
    Column("config", LargeBinary(DOCUMENT), nullable=False),
    Column("interval", Integer, nullable=False),
    Column("phase", Integer, nullable=False),
    Column("secrets", LargeBinary(DOCUMENT), nullable=False),
    Column("state", String(16), nullable=False),
    Column("untested", Boolean, nullable=False),
    Column("channels", LargeBinary(DOCUMENT), nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("tenant", "name", name="one_monitor_of_a_name"),
)

changes = Table(
    "monitor_changes",
    metadata,
    _key("tenant"),
    _key("monitor"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("what", String(LINE), nullable=False),
    Column("record", LargeBinary(DOCUMENT), nullable=False),
    Column("rules", LargeBinary(DOCUMENT), nullable=False),
)

checks = Table(
    "checks",
    metadata,
    _key("tenant"),
    _key("definition"),
    Column("ok", Boolean, nullable=False),
    Column("reading", LargeBinary(DOCUMENT), nullable=False),
    Column("at", Double, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    _key("tenant"),
    _key("name"),
    Column("role", String(16), nullable=False),
    Column("hosts", LargeBinary(DOCUMENT), nullable=False),
    Column("sealed", LargeBinary(DOCUMENT), nullable=False),
    Column("created_at", Double, nullable=False),
)

codes = Table(
    "channel_codes",
    metadata,
    _key("tenant"),
    _key("channel"),
    Column("kind", String(NAME), nullable=False),
    Column("config", LargeBinary(DOCUMENT), nullable=False),
    Column("code_hash", String(64), nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("tries_left", Integer, nullable=False),
)

code_sends = Table(
    "channel_code_sends",
    metadata,
    _key("tenant"),
    Column("times", LargeBinary(DOCUMENT), nullable=False),
)

confessions = Table(
    "confessed_deliveries",
    metadata,
    _key("tenant"),
    _key("delivery", DELIVERY_ID),
    Column("at", Double, nullable=False),
)

# Of the operator, not of a tenant: an event that nobody believed may name any tenant.
dead_letters = Table(
    "dead_letters",
    metadata,
    _key("id"),
    Column("at", Double, nullable=False),
    Column("refused_by", String(LINE), nullable=False),
    Column("code", String(16), nullable=False),
    Column("ours", Boolean, nullable=False),
    Column("event", LargeBinary(2 * DOCUMENT), nullable=False),
    Index("dead_letters_by_age", "at"),
    Index("dead_letters_by_sender", "ours"),
)
