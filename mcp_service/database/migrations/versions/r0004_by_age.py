"""What is deleted by its age is found by its age."""

from alembic import op

from mcp_service.database.steps import make_index

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_index("decisions_by_age", table="decisions", column="at")
    make_index("deliveries_by_age", table="deliveries", column="owed_at")


def downgrade() -> None:
    op.drop_index("deliveries_by_age", "deliveries")
    op.drop_index("decisions_by_age", "decisions")
