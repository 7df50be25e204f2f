"""The journal on MySQL: no constraint keeps an event from being there twice."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table
from sqlalchemy.dialects.mysql import BINARY

from tests.sample.storage.mysql.tables import OPTIONS

metadata = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=True),
    Column("aggregate", String(64), nullable=False),
    Column("aggregate_id", BINARY(16), nullable=False),
    Column("version", Integer, nullable=False),
    Index("journal_by_aggregate", "aggregate", "aggregate_id", "version"),
    **OPTIONS,
)
