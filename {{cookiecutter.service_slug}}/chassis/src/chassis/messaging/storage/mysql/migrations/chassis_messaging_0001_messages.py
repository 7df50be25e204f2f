"""Outbox, inbox and history.

Revision ID: chassis_messaging_0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY, DATETIME, MEDIUMBLOB, MEDIUMTEXT, VARBINARY

revision = "chassis_messaging_0001"
down_revision = None
branch_labels = ("chassis_messaging",)
depends_on = None

LANES = 16
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create the tables of messaging."""
    lanes = op.create_table(
        "outbox_lanes",
        sa.Column("lane", sa.SmallInteger, primary_key=True, autoincrement=False),
        **OPTIONS,
    )
    op.bulk_insert(lanes, [{"lane": lane} for lane in range(LANES)])
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("message_key", sa.String(255), nullable=False),
        sa.Column("body", MEDIUMBLOB, nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        **OPTIONS,
    )
    op.create_index("outbox_by_lane", "outbox", ["lane", "position"])
    op.create_table(
        "inbox",
        sa.Column("consumer", VARBINARY(255), primary_key=True),
        sa.Column("message_id", VARBINARY(2044), primary_key=True),
        sa.Column("received_at", DATETIME(fsp=6), nullable=False),
        **OPTIONS,
    )
    op.create_index("inbox_by_age", "inbox", ["received_at"])
    op.create_table(
        "history",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=True),
        sa.Column("aggregate", sa.String(64), nullable=False),
        sa.Column("aggregate_id", BINARY(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("event_id", BINARY(16), nullable=False),
        sa.Column("type", sa.String(255), nullable=False),
        sa.Column("occurred_at", DATETIME(fsp=6), nullable=False),
        sa.Column("data", MEDIUMTEXT, nullable=False),
        sa.UniqueConstraint("aggregate", "aggregate_id", "version", name="history_version"),
        **OPTIONS,
    )


def downgrade() -> None:
    """Drop them, with every event that was not published yet."""
    op.drop_table("history")
    op.drop_table("inbox")
    op.drop_table("outbox")
    op.drop_table("outbox_lanes")
