"""First tables.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY, DATETIME, MEDIUMBLOB, VARBINARY

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OPTIONS = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create the aggregates' table and the one that keeps answers for idempotency keys."""
    op.create_table(
        "{{ cookiecutter.__entities }}",
        sa.Column("id", BINARY(16), primary_key=True),
        sa.Column("reference", sa.String(64), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        sa.Column("updated_at", DATETIME(fsp=6), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000", name="{{ cookiecutter.__entities }}_quantity"),
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
    op.create_table(
        "idempotency_keys",
        sa.Column("idempotency_key", VARBINARY(255), primary_key=True),
        sa.Column("fingerprint", VARBINARY(64), nullable=False),
        sa.Column("answer", MEDIUMBLOB, nullable=False),
        sa.Column("created_at", DATETIME(fsp=6), nullable=False),
        **OPTIONS,
    )
    op.create_index("idempotency_keys_by_age", "idempotency_keys", ["created_at"])


def downgrade() -> None:
    """Drop both, with everything in them."""
    op.drop_table("idempotency_keys")
    op.drop_table("{{ cookiecutter.__entities }}")
