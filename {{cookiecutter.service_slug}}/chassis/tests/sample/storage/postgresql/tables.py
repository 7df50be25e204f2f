"""The sample's tables on PostgreSQL."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, String, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = MetaData()

parcels = Table(
    "parcels",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", String(64), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("updated_at", TIMESTAMP(timezone=True), nullable=False),
    CheckConstraint("quantity BETWEEN 1 AND 1000000", name="parcels_quantity"),
    CheckConstraint("status IN ('created', 'confirmed', 'cancelled')", name="parcels_status"),
    Index("parcels_by_status", "status", "id"),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("text", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
)
