"""The journal.

Revision ID: sample_messaging_0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY

revision = "sample_messaging_0001"
down_revision = None
branch_labels = ("sample_messaging",)
depends_on = None

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create its table."""
    op.create_table(
        "journal",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
        sa.Column("aggregate", sa.String(64), nullable=False),
        sa.Column("aggregate_id", BINARY(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        **OPTIONS,
    )
    op.create_index("journal_by_aggregate", "journal", ["aggregate", "aggregate_id", "version"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("journal")
