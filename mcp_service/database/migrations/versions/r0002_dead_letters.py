"""Dead letters: events that no function could take."""

import sqlalchemy as sa
from alembic import op

from mcp_service.database.steps import make_index, make_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_table(
        "dead_letters",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("refused_by", sa.String(length=500), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("event", sa.LargeBinary(length=2097152), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    make_index("dead_letters_by_age", table="dead_letters", column="at")


def downgrade() -> None:
    op.drop_table("dead_letters")
