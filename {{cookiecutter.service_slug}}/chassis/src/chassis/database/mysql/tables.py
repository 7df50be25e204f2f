"""The table as migrations should leave it; `alembic check` compares. Requests never import this."""

from typing import Any

from sqlalchemy import Column, Index, MetaData, Table
from sqlalchemy.dialects.mysql import DATETIME, MEDIUMBLOB, VARBINARY

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
