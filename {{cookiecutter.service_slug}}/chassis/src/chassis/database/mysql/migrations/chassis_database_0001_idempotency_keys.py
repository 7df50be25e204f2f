"""Responses by idempotency key.

Revision ID: chassis_database_0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME, MEDIUMBLOB, VARBINARY

revision = "chassis_database_0001"
down_revision = None
branch_labels = ("chassis_database",)
depends_on = None

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create the table of responses saved for repeated requests."""
    op.create_table(
        "idempotency_keys",
        sa.Column("idempotency_key", VARBINARY(255), primary_key=True),
        sa.Column("fingerprint", VARBINARY(64), nullable=False),
        sa.Column("response", MEDIUMBLOB, nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        **OPTIONS,
    )
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    """Drop it, with every response in it."""
    op.drop_table("idempotency_keys")
