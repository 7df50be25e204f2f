"""The sample's tables on MySQL."""

from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, String, Table
from sqlalchemy.dialects.mysql import BINARY, DATETIME

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

metadata = MetaData()

parcels = Table(
    "parcels",
    metadata,
    Column("id", BINARY(16), primary_key=True),
    Column("reference", String(64), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DATETIME(fsp=6), nullable=False),
    Column("updated_at", DATETIME(fsp=6), nullable=False),
    CheckConstraint("quantity BETWEEN 1 AND 1000000", name="parcels_quantity"),
    CheckConstraint("status IN ('created', 'confirmed', 'cancelled')", name="parcels_status"),
    Index("parcels_by_status", "status", "id"),
    **OPTIONS,
)

labels = Table(
    "labels",
    metadata,
    Column("id", BINARY(16), primary_key=True),
    Column("text", String(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DATETIME(fsp=6), nullable=False),
    **OPTIONS,
)
