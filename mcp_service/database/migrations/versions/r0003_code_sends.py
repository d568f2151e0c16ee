"""The mails with codes of a tenant in one row, which can be locked."""

import sqlalchemy as sa
from alembic import op

from mcp_service.database.steps import drop_table, make_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    drop_table("channel_code_sends", having="id")  # what an hour makes old anyway
    make_table(
        "channel_code_sends",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("times", sa.LargeBinary(length=1048576), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
    )


def downgrade() -> None:
    op.drop_table("channel_code_sends")
    op.create_table(
        "channel_code_sends",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("code_sends_of_tenant", "channel_code_sends", ["tenant", "at"])
