"""The journal on PostgreSQL: no constraint keeps an event from being there twice."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, MetaData, Table, Text, Uuid

metadata = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("position", BigInteger, Identity(), primary_key=True),
    Column("aggregate", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Index("journal_by_aggregate", "aggregate", "aggregate_id", "version"),
)
