"""Dead letters that are ours do not count towards the limit of all others."""

import sqlalchemy as sa
from alembic import op

from mcp_service.database.steps import add_column, make_index

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default is for replicas of the version before, as long as they run.
    add_column(
        "dead_letters", sa.Column("ours", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    make_index("dead_letters_by_sender", table="dead_letters", column="ours")


def downgrade() -> None:
    op.drop_index("dead_letters_by_sender", "dead_letters")
    op.drop_column("dead_letters", "ours")
