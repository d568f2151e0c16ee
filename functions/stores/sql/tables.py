"""The tables of rules' state, alerts, decisions, deliveries and channels. Every key begins with
the tenant; the types and lengths are those that SQLite, MySQL and MariaDB all keep."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

metadata = MetaData()

NAME, ALERT_ID, DELIVERY_ID, LINE = 64, 160, 240, 500
DOCUMENT = 1024 * 1024
"""Bytes of a JSON document; beyond 64 KiB MySQL takes its next larger type."""


def _tenant() -> Column[str]:
    return Column("tenant", String(NAME), primary_key=True)


alert_monitors = Table(
    "alert_monitors",
    metadata,
    _tenant(),
    Column("monitor", String(NAME), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", String(LINE), nullable=False),
    Column("interval", Integer, nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("channels", LargeBinary(DOCUMENT), nullable=False),
    Column("newest", BigInteger, nullable=False),
    Column("paused", Boolean, nullable=False),
)

# A rule that was removed stays behind with position -1: its count of transitions goes on when the
# name is used again, so that no new alert ever takes the id of an old one.
rule_states = Table(
    "rule_states",
    metadata,
    _tenant(),
    Column("monitor", String(NAME), primary_key=True),
    Column("rule", String(NAME), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("text", String(LINE), nullable=False),
    Column("state", LargeBinary(DOCUMENT), nullable=False),
    ForeignKeyConstraint(
        ["tenant", "monitor"],
        ["alert_monitors.tenant", "alert_monitors.monitor"],
        name="rule_states_of_monitor",
        ondelete="CASCADE",
    ),
)

alerts = Table(
    "alerts",
    metadata,
    _tenant(),
    Column("id", String(ALERT_ID), primary_key=True),
    Column("monitor", String(NAME), nullable=False),
    Column("rule", String(NAME), nullable=False),
    Column("rule_text", String(LINE), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("value", Double),
    Column("blind", String(LINE), nullable=False),
    Index("alerts_of_rule", "tenant", "monitor", "rule", "state"),
    Index("alerts_by_slot", "tenant", "slot"),
)

decisions = Table(
    "decisions",
    metadata,
    _tenant(),
    Column("id", String(32), primary_key=True),
    Column("monitor", String(NAME), nullable=False),
    Column("rule", String(NAME), nullable=False),
    Column("rule_text", String(LINE), nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("alert", String(ALERT_ID), nullable=False),
    Column("owed", LargeBinary(DOCUMENT), nullable=False),
    Column("at", Double, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("decision", LargeBinary(DOCUMENT), nullable=False),
    Index("decisions_of_monitor", "tenant", "monitor", "slot"),
    Index("decisions_of_alert", "tenant", "alert"),
    Index("decisions_by_age", "at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    _tenant(),
    Column("id", String(DELIVERY_ID), primary_key=True),
    Column("channel", String(NAME), nullable=False),
    Column("alert_id", String(ALERT_ID), nullable=False),
    Column("number", Integer, nullable=False),
    Column("alert", LargeBinary(DOCUMENT), nullable=False),
    Column("monitor_name", String(LINE), nullable=False),
    Column("owed_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", Double, nullable=False),
    Column("leased_until", Double, nullable=False),
    Column("state", String(16), nullable=False),
    Column("answer", String(LINE), nullable=False),
    Index("deliveries_due", "state", "next_try"),
    Index("deliveries_in_order", "tenant", "alert_id", "channel", "number"),
    Index("deliveries_by_age", "owed_at"),
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    _tenant(),
    Column("delivery", String(DELIVERY_ID), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("answer", String(LINE), nullable=False),
    Column("message_id", String(120), nullable=False),
    ForeignKeyConstraint(
        ["tenant", "delivery"],
        ["deliveries.tenant", "deliveries.id"],
        name="attempts_of_delivery",
        ondelete="CASCADE",
    ),
)

channels = Table(
    "channels",
    metadata,
    _tenant(),
    Column("name", String(NAME), primary_key=True),
    Column("kind", String(NAME), nullable=False),
    Column("config", LargeBinary(DOCUMENT), nullable=False),
    Column("confirmed", Boolean, nullable=False),
)
