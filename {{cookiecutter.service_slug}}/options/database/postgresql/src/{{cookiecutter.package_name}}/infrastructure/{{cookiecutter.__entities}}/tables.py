"""The table of {{ cookiecutter.__nouns }} as migrations should leave it; requests never come here."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, String, Table, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = MetaData()

{{ cookiecutter.__entities }} = Table(
    "{{ cookiecutter.__entities }}",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", String(64), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("updated_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint(
        "quantity BETWEEN 1 AND 1000000",
        name="{{ cookiecutter.__entities }}_quantity",
    ),
    CheckConstraint(
        "status IN ('created', 'confirmed', 'cancelled')",
        name="{{ cookiecutter.__entities }}_status",
    ),
    Index(
        "{{ cookiecutter.__entities }}_by_status",
        "status",
        "id",
    ),
)
