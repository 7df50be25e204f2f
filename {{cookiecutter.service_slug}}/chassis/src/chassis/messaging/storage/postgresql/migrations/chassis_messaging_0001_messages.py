"""Outbox, inbox and history.

Revision ID: chassis_messaging_0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP

revision = "chassis_messaging_0001"
down_revision = None
branch_labels = ("chassis_messaging",)
depends_on = None

LANES = 16
# Thousands of rows come and go; vacuum must not wait for a share of the table's size, which is next to nothing.
VACUUM_OFTEN: dict[str, Any] = {
    "postgresql_with": {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "5000"},
}


def upgrade() -> None:
    """Create the tables of messaging."""
    lanes = op.create_table(
        "outbox_lanes",
        sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
    )
    op.bulk_insert(lanes, [{"lane": lane} for lane in range(LANES)])
    op.create_table(
        "outbox",
        sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=sa.text("now()")),
        **VACUUM_OFTEN,
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("received_at", TIMESTAMP(timezone=True), nullable=False),
    )
    op.create_index("inbox_by_age", "inbox", ["received_at"])
    op.create_table(
        "history",
        sa.Column("aggregate", sa.Text, primary_key=True),
        sa.Column("aggregate_id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("occurred_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
        sa.UniqueConstraint("position", name="history_position"),
    )


def downgrade() -> None:
    """Drop the tables, with every event that was not published yet."""
    op.drop_table("history")
    op.drop_table("inbox")
    op.drop_table("outbox")
    op.drop_table("outbox_lanes")
