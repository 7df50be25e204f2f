"""The chassis' tables on PostgreSQL as its migrations leave them; a test compares them."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = MetaData()

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Index("idempotency_keys_by_age", "created_at"),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("recorded_at", TIMESTAMP(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("client_id", Text),
    Column("address", Text),
    Column("action", Text, nullable=False),
    Column("entity_kind", Text),
    Column("entity_id", Text),
    Column("entity_version", BigInteger),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("correlation_id", Text),
    Index("audit_entries_by_entity", "entity_id", "recorded_at"),
    Index("audit_entries_by_time", "recorded_at", "id"),
)
