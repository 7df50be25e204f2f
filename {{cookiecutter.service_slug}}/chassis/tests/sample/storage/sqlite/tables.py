"""The sample's tables on SQLite."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()

parcels = Table(
    "parcels",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    CheckConstraint("quantity BETWEEN 1 AND 1000000", name="parcels_quantity"),
    CheckConstraint("status IN ('created', 'confirmed', 'cancelled')", name="parcels_status"),
    Index("parcels_by_status", "status", "id"),
)

labels = Table(
    "labels",
    metadata,
    Column("id", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
)
