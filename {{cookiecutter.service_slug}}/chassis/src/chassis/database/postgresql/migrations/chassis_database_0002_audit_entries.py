"""The audit log: append-only.

Revision ID: chassis_database_0002
Revises: chassis_database_0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "chassis_database_0002"
down_revision = "chassis_database_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; a release that does not know it records nothing."""
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("entity_kind", sa.Text),
        sa.Column("entity_id", sa.Text),
        sa.Column("entity_version", sa.BigInteger),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("correlation_id", sa.Text),
    )
    op.create_index("audit_entries_by_entity", "audit_entries", ["entity_id", "recorded_at"])
    op.create_index("audit_entries_by_time", "audit_entries", ["recorded_at", "id"])


def downgrade() -> None:
    """Drop it, with every entry in it."""
    op.drop_table("audit_entries")
