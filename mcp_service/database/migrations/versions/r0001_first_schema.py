"""The first schema: everything of the service and of its functions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What the schema was at this revision, whatever the code's tables become later.
_then = sa.MetaData()

sa.Table(
    "alert_monitors",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("monitor", sa.String(length=64), nullable=False),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("name", sa.String(length=500), nullable=False),
    sa.Column("interval", sa.Integer(), nullable=False),
    sa.Column("rules_version", sa.Integer(), nullable=False),
    sa.Column("channels", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("newest", sa.BigInteger(), nullable=False),
    sa.Column("paused", sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "monitor"),
)

sa.Table(
    "alerts",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("id", sa.String(length=160), nullable=False),
    sa.Column("monitor", sa.String(length=64), nullable=False),
    sa.Column("rule", sa.String(length=64), nullable=False),
    sa.Column("rule_text", sa.String(length=500), nullable=False),
    sa.Column("severity", sa.String(length=16), nullable=False),
    sa.Column("state", sa.String(length=16), nullable=False),
    sa.Column("number", sa.Integer(), nullable=False),
    sa.Column("started", sa.BigInteger(), nullable=False),
    sa.Column("slot", sa.BigInteger(), nullable=False),
    sa.Column("value", sa.Double(), nullable=True),
    sa.Column("blind", sa.String(length=500), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "id"),
    sa.Index("alerts_by_slot", "tenant", "slot"),
    sa.Index("alerts_of_rule", "tenant", "monitor", "rule", "state"),
)

sa.Table(
    "channel_code_sends",
    _then,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("at", sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint("id"),
    sa.Index("code_sends_of_tenant", "tenant", "at"),
)

sa.Table(
    "channel_codes",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("channel", sa.String(length=64), nullable=False),
    sa.Column("kind", sa.String(length=64), nullable=False),
    sa.Column("config", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("code_hash", sa.String(length=64), nullable=False),
    sa.Column("expires_at", sa.Double(), nullable=False),
    sa.Column("tries_left", sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "channel"),
)

sa.Table(
    "channels",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("name", sa.String(length=64), nullable=False),
    sa.Column("kind", sa.String(length=64), nullable=False),
    sa.Column("config", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("confirmed", sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "name"),
)

sa.Table(
    "checks",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("definition", sa.String(length=64), nullable=False),
    sa.Column("ok", sa.Boolean(), nullable=False),
    sa.Column("reading", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("at", sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "definition"),
)

sa.Table(
    "confessed_deliveries",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("delivery", sa.String(length=240), nullable=False),
    sa.Column("at", sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "delivery"),
)

sa.Table(
    "decisions",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("id", sa.String(length=32), nullable=False),
    sa.Column("monitor", sa.String(length=64), nullable=False),
    sa.Column("rule", sa.String(length=64), nullable=False),
    sa.Column("rule_text", sa.String(length=500), nullable=False),
    sa.Column("rules_version", sa.Integer(), nullable=False),
    sa.Column("alert", sa.String(length=160), nullable=False),
    sa.Column("owed", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("at", sa.Double(), nullable=False),
    sa.Column("slot", sa.BigInteger(), nullable=False),
    sa.Column("number", sa.Integer(), nullable=False),
    sa.Column("decision", sa.LargeBinary(length=1048576), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "id"),
    sa.Index("decisions_of_alert", "tenant", "alert"),
    sa.Index("decisions_of_monitor", "tenant", "monitor", "slot"),
)

sa.Table(
    "deliveries",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("id", sa.String(length=240), nullable=False),
    sa.Column("channel", sa.String(length=64), nullable=False),
    sa.Column("alert_id", sa.String(length=160), nullable=False),
    sa.Column("number", sa.Integer(), nullable=False),
    sa.Column("alert", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("monitor_name", sa.String(length=500), nullable=False),
    sa.Column("owed_at", sa.Double(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("next_try", sa.Double(), nullable=False),
    sa.Column("leased_until", sa.Double(), nullable=False),
    sa.Column("state", sa.String(length=16), nullable=False),
    sa.Column("answer", sa.String(length=500), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "id"),
    sa.Index("deliveries_due", "state", "next_try"),
    sa.Index("deliveries_in_order", "tenant", "alert_id", "channel", "number"),
)

sa.Table(
    "monitor_changes",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("monitor", sa.String(length=64), nullable=False),
    sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
    sa.Column("at", sa.Double(), nullable=False),
    sa.Column("what", sa.String(length=500), nullable=False),
    sa.Column("record", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("rules", sa.LargeBinary(length=1048576), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "monitor", "number"),
)

sa.Table(
    "monitors",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("id", sa.String(length=64), nullable=False),
    sa.Column("name", sa.String(length=64), nullable=False),
    sa.Column("version", sa.Integer(), nullable=False),
    sa.Column("provider", sa.String(length=64), nullable=False),
    sa.Column("config", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("interval", sa.Integer(), nullable=False),
    sa.Column("phase", sa.Integer(), nullable=False),
    sa.Column("secrets", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("state", sa.String(length=16), nullable=False),
    sa.Column("untested", sa.Boolean(), nullable=False),
    sa.Column("channels", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("created_at", sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "id"),
    sa.UniqueConstraint("tenant", "name", name="one_monitor_of_a_name"),
)

sa.Table(
    "secrets",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("name", sa.String(length=64), nullable=False),
    sa.Column("role", sa.String(length=16), nullable=False),
    sa.Column("hosts", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("sealed", sa.LargeBinary(length=1048576), nullable=False),
    sa.Column("created_at", sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint("tenant", "name"),
)

sa.Table(
    "delivery_attempts",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("delivery", sa.String(length=240), nullable=False),
    sa.Column("number", sa.Integer(), nullable=False),
    sa.Column("at", sa.Double(), nullable=False),
    sa.Column("answer", sa.String(length=500), nullable=False),
    sa.Column("message_id", sa.String(length=120), nullable=False),
    sa.ForeignKeyConstraint(
        ["tenant", "delivery"],
        ["deliveries.tenant", "deliveries.id"],
        name="attempts_of_delivery",
        ondelete="CASCADE",
    ),
    sa.PrimaryKeyConstraint("tenant", "delivery", "number"),
)

sa.Table(
    "rule_states",
    _then,
    sa.Column("tenant", sa.String(length=64), nullable=False),
    sa.Column("monitor", sa.String(length=64), nullable=False),
    sa.Column("rule", sa.String(length=64), nullable=False),
    sa.Column("position", sa.Integer(), nullable=False),
    sa.Column("text", sa.String(length=500), nullable=False),
    sa.Column("state", sa.LargeBinary(length=1048576), nullable=False),
    sa.ForeignKeyConstraint(
        ["tenant", "monitor"],
        ["alert_monitors.tenant", "alert_monitors.monitor"],
        name="rule_states_of_monitor",
        ondelete="CASCADE",
    ),
    sa.PrimaryKeyConstraint("tenant", "monitor", "rule"),
)


def upgrade() -> None:
    bind = op.get_bind()
    _then.create_all(bind)
    for table in _then.tables.values():  # of one that was there already, too
        for index in table.indexes:
            index.create(bind, checkfirst=True)


def downgrade() -> None:
    _then.drop_all(op.get_bind())
