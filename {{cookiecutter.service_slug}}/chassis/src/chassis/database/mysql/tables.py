"""The tables as migrations should leave them; `alembic check` compares. Requests never import this."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, MetaData, String, Table
from sqlalchemy.dialects.mysql import BINARY, DATETIME, MEDIUMBLOB, VARBINARY

# The collation compares text as it is written: letters with and without case or accents are different ones.
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
TIME = DATETIME(fsp=6)  # in UTC; TIMESTAMP would end in 2038

metadata = MetaData()

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    # Bytes, because text is compared without the spaces at its end.
    Column("idempotency_key", VARBINARY(255), primary_key=True),
    Column("fingerprint", VARBINARY(64), nullable=False),
    Column("response", MEDIUMBLOB, nullable=False),
    Column("created_at", TIME, nullable=False),
    Index("idempotency_keys_by_age", "created_at"),
    **OPTIONS,
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("id", BINARY(16), primary_key=True),
    Column("recorded_at", TIME, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("client_id", String(255)),
    Column("address", String(128)),
    Column("action", String(128), nullable=False),
    Column("entity_kind", String(128)),
    Column("entity_id", String(128)),
    Column("entity_version", BigInteger),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(128)),
    Column("correlation_id", String(128)),
    Index("audit_entries_by_entity", "entity_id", "recorded_at"),
    Index("audit_entries_by_time", "recorded_at", "id"),
    **OPTIONS,
)
