"""The table as migrations should leave it; `alembic check` compares. Requests never import this."""

from sqlalchemy import BLOB, Column, Index, MetaData, Table, Text

metadata = MetaData()

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fingerprint", BLOB, nullable=False),
    Column("response", BLOB, nullable=False),
    Column("created_at", Text, nullable=False),
    Index("idempotency_keys_by_age", "created_at"),
    sqlite_strict=True,
)
