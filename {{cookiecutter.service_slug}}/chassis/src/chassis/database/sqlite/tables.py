"""The tables as migrations should leave them; `alembic check` compares. Requests never import this."""

from sqlalchemy import BLOB, Column, Index, Integer, MetaData, Table, Text

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

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("recorded_at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("client_id", Text),
    Column("address", Text),
    Column("action", Text, nullable=False),
    Column("entity_kind", Text),
    Column("entity_id", Text),
    Column("entity_version", Integer),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("correlation_id", Text),
    Index("audit_entries_by_entity", "entity_id", "recorded_at"),
    Index("audit_entries_by_time", "recorded_at", "id"),
    sqlite_strict=True,
)
