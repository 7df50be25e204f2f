"""First table.

Revision ID: 0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY, DATETIME

revision = "0001"
down_revision = None
branch_labels = ("service",)
depends_on = None

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create the table of {{ cookiecutter.__nouns }}."""
    op.create_table(
        "{{ cookiecutter.__entities }}",
        sa.Column("id", BINARY(16), primary_key=True),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        sa.Column("updated_at", DATETIME(fsp=6), nullable=False),
        sa.CheckConstraint(
            "quantity BETWEEN 1 AND 1000000",
            name="{{ cookiecutter.__entities }}_quantity",
        ),
        sa.CheckConstraint(
            "status IN ('created', 'confirmed', 'cancelled')",
            name="{{ cookiecutter.__entities }}_status",
        ),
        **OPTIONS,
    )
    op.create_index(
        "{{ cookiecutter.__entities }}_by_status",
        "{{ cookiecutter.__entities }}",
        ["status", "id"],
    )


def downgrade() -> None:
    """Drop it, with everything in it."""
    op.drop_table("{{ cookiecutter.__entities }}")
