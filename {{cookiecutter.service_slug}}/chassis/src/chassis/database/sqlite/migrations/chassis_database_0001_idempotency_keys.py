"""Responses by idempotency key.

Revision ID: chassis_database_0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "chassis_database_0001"
down_revision = None
branch_labels = ("chassis_database",)
depends_on = None


def upgrade() -> None:
    """Create the table of responses saved for repeated requests."""
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.BLOB, nullable=False),
        sa.Column("response", sa.BLOB, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    """Drop it, with every response in it."""
    op.drop_table("idempotency_keys")
