"""What is deleted by its age is found by its age."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("decisions_by_age", "decisions", ["at"])
    op.create_index("deliveries_by_age", "deliveries", ["owed_at"])


def downgrade() -> None:
    op.drop_index("deliveries_by_age", "deliveries")
    op.drop_index("decisions_by_age", "decisions")
