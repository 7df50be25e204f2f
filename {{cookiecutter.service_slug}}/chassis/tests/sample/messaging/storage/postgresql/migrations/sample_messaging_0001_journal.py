"""The journal.

Revision ID: sample_messaging_0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "sample_messaging_0001"
down_revision = None
branch_labels = ("sample_messaging",)
depends_on = None


def upgrade() -> None:
    """Create its table."""
    op.create_table(
        "journal",
        sa.Column("position", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("aggregate", sa.Text, nullable=False),
        sa.Column("aggregate_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("journal_by_aggregate", "journal", ["aggregate", "aggregate_id", "version"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("journal")
