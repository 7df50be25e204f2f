"""The audit log: append-only.

Revision ID: chassis_database_0002
Revises: chassis_database_0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY, DATETIME

revision = "chassis_database_0002"
down_revision = "chassis_database_0001"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create the table; a release that does not know it records nothing."""
    op.create_table(
        "audit_entries",
        sa.Column("id", BINARY(16), primary_key=True),
        sa.Column("recorded_at", DATETIME(fsp=6), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("client_id", sa.String(255)),
        sa.Column("address", sa.String(128)),
        sa.Column("action", sa.String(128), nullable=False),
        sa.Column("entity_kind", sa.String(128)),
        sa.Column("entity_id", sa.String(128)),
        sa.Column("entity_version", sa.BigInteger),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(128)),
        sa.Column("correlation_id", sa.String(128)),
        **OPTIONS,
    )
    op.create_index("audit_entries_by_entity", "audit_entries", ["entity_id", "recorded_at"])
    op.create_index("audit_entries_by_time", "audit_entries", ["recorded_at", "id"])


def downgrade() -> None:
    """Drop it, with every entry in it."""
    op.drop_table("audit_entries")
