"""First tables.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = ("sample",)
depends_on = None


def upgrade() -> None:
    """Create the aggregates' tables."""
    op.create_table(
        "parcels",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000", name="parcels_quantity"),
        sa.CheckConstraint("status IN ('created', 'confirmed', 'cancelled')", name="parcels_status"),
    )
    op.create_index("parcels_by_status", "parcels", ["status", "id"])
    op.create_table(
        "labels",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("labels")
    op.drop_table("parcels")
