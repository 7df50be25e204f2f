"""Low watermarks: a claim begins at the first message of a lane, and not at rows deleted before it.

Revision ID: chassis_messaging_0002
Revises: chassis_messaging_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "chassis_messaging_0002"
down_revision = "chassis_messaging_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a release that does not know it reads whole lanes, as before."""
    op.add_column(
        "outbox_lanes", sa.Column("low_watermark", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("outbox_lanes", "low_watermark")
