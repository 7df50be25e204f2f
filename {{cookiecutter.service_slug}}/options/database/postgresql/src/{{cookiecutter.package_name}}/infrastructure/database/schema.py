"""The tables as migrations should leave them; `alembic check` compares. Requests never come here."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
)
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
    CheckConstraint("quantity BETWEEN 1 AND 1000000", name="{{ cookiecutter.__entities }}_quantity"),
    CheckConstraint(
        "status IN ('created', 'confirmed', 'cancelled')",
        name="{{ cookiecutter.__entities }}_status",
    ),
    Index("{{ cookiecutter.__entities }}_by_status", "status", "id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Index("idempotency_keys_by_age", "created_at"),
)
