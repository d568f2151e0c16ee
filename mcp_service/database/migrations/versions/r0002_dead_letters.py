"""Dead letters: events that no function could take."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("refused_by", sa.String(length=500), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("event", sa.LargeBinary(length=2097152), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("dead_letters_by_age", "dead_letters", ["at"])


def downgrade() -> None:
    op.drop_table("dead_letters")
