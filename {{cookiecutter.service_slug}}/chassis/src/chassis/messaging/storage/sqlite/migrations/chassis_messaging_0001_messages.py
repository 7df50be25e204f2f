"""Outbox, inbox and history.

Revision ID: chassis_messaging_0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "chassis_messaging_0001"
down_revision = None
branch_labels = ("chassis_messaging",)
depends_on = None


def upgrade() -> None:
    """Create the tables of messaging."""
    op.create_table(
        "outbox",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body", sa.BLOB, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sqlite_strict=True,
        # A position is never given twice, even after the newest message is gone.
        sqlite_autoincrement=True,
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("received_at", sa.Text, nullable=False),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_index("inbox_by_age", "inbox", ["received_at"])
    op.create_table(
        "history",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("aggregate", sa.Text, nullable=False),
        sa.Column("aggregate_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("occurred_at", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.UniqueConstraint("aggregate", "aggregate_id", "version", name="history_version"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Drop them, with every event that was not published yet."""
    op.drop_table("history")
    op.drop_table("inbox")
    op.drop_table("outbox")
