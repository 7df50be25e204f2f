"""Outbox, inbox and history.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LANES = 16
# A table whose rows come and go by the thousand: vacuum must not wait for a share of its size, which is next to none.
VACUUM_OFTEN = {
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
        "{{ cookiecutter.__entity }}_history",
        sa.Column("aggregate_id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("occurred_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
        sa.UniqueConstraint("position", name="{{ cookiecutter.__entity }}_history_position"),
    )


def downgrade() -> None:
    """Drop them, with every event that was not published yet."""
    op.drop_table("{{ cookiecutter.__entity }}_history")
    op.drop_table("inbox")
    op.drop_table("outbox")
    op.drop_table("outbox_lanes")
