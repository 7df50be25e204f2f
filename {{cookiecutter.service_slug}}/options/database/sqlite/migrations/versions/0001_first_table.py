"""First table.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = ("service",)
depends_on = None


def upgrade() -> None:
    """Create the table of {{ cookiecutter.__nouns }}."""
    op.create_table(
        "{{ cookiecutter.__entities }}",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.CheckConstraint(
            "quantity BETWEEN 1 AND 1000000",
            name="{{ cookiecutter.__entities }}_quantity",
        ),
        sa.CheckConstraint(
            "status IN ('created', 'confirmed', 'cancelled')",
            name="{{ cookiecutter.__entities }}_status",
        ),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_index(
        "{{ cookiecutter.__entities }}_by_status",
        "{{ cookiecutter.__entities }}",
        ["status", "id"],
    )


def downgrade() -> None:
    """Drop it, with everything in it."""
    op.drop_table("{{ cookiecutter.__entities }}")
