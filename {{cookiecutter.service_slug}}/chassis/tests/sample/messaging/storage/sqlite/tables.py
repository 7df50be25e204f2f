"""The journal on SQLite: no constraint keeps an event from being there twice."""

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("aggregate", Text, nullable=False),
    Column("aggregate_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Index("journal_by_aggregate", "aggregate", "aggregate_id", "version"),
)
