"""The tables as migrations should leave them; `alembic check` compares. Requests never come here."""

from sqlalchemy import (
    BLOB,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()

{{ cookiecutter.__entities }} = Table(
    "{{ cookiecutter.__entities }}",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    CheckConstraint("quantity BETWEEN 1 AND 1000000", name="{{ cookiecutter.__entities }}_quantity"),
    CheckConstraint(
        "status IN ('created', 'confirmed', 'cancelled')",
        name="{{ cookiecutter.__entities }}_status",
    ),
    Index("{{ cookiecutter.__entities }}_by_status", "status", "id"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fingerprint", BLOB, nullable=False),
    Column("answer", BLOB, nullable=False),
    Column("created_at", Text, nullable=False),
    Index("idempotency_keys_by_age", "created_at"),
    sqlite_strict=True,
)
