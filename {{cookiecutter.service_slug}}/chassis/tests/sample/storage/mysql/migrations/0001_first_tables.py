"""First tables.

Revision ID: 0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY, DATETIME

revision = "0001"
down_revision = None
branch_labels = ("sample",)
depends_on = None

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create the aggregates' tables."""
    op.create_table(
        "parcels",
        sa.Column("id", BINARY(16), primary_key=True),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        sa.Column("updated_at", DATETIME(fsp=6), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000", name="parcels_quantity"),
        sa.CheckConstraint("status IN ('created', 'confirmed', 'cancelled')", name="parcels_status"),
        **OPTIONS,
    )
    op.create_index("parcels_by_status", "parcels", ["status", "id"])
    op.create_table(
        "labels",
        sa.Column("id", BINARY(16), primary_key=True),
        sa.Column("text", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        **OPTIONS,
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("labels")
    op.drop_table("parcels")
