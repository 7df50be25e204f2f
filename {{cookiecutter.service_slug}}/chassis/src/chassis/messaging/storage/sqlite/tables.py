"""The tables as migrations should leave them; `alembic check` compares. Requests never import this."""

from sqlalchemy import BLOB, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint

metadata = MetaData()

outbox = Table(
    "outbox",
    metadata,
    Column("position", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", BLOB, nullable=False),
    Column("created_at", Text, nullable=False),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("received_at", Text, nullable=False),
    Index("inbox_by_age", "received_at"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

history = Table(
    "history",
    metadata,
    # The order in which the entries were made, over all aggregates.
    Column("position", Integer, primary_key=True),
    Column("aggregate", Text, nullable=False),
    Column("aggregate_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", Text, nullable=False),
    Column("data", Text, nullable=False),
    UniqueConstraint("aggregate", "aggregate_id", "version", name="history_version"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
