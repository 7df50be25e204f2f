"""The tables as migrations should leave them; `alembic check` compares. Requests never import this."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, SmallInteger, String, Table, UniqueConstraint
from sqlalchemy.dialects.mysql import BINARY, MEDIUMBLOB, MEDIUMTEXT, VARBINARY

from ....database.mysql.tables import OPTIONS, TIME

metadata = MetaData()

# Rows that a relay locks: the holder of a lane may publish its messages.
outbox_lanes = Table(
    "outbox_lanes",
    metadata,
    Column("lane", SmallInteger, primary_key=True, autoincrement=False),
    **OPTIONS,
)

outbox = Table(
    "outbox",
    metadata,
    # New rows go to the end of the table, and one number is enough to find a row to delete.
    Column("position", BigInteger, primary_key=True, autoincrement=True),
    Column("lane", SmallInteger, nullable=False),
    Column("id", String(255), nullable=False),
    Column("type", String(255), nullable=False),
    Column("message_key", String(255), nullable=False),
    Column("body", MEDIUMBLOB, nullable=False),
    Column("created_at", TIME, nullable=False),
    Index("outbox_by_lane", "lane", "position"),
    **OPTIONS,
)

inbox = Table(
    "inbox",
    metadata,
    # Bytes, because text is compared without the spaces at its end. A message id is a source and an id, which
    # have up to 255 characters each, of up to 4 bytes, and a space between them.
    Column("consumer", VARBINARY(255), primary_key=True),
    Column("message_id", VARBINARY(2044), primary_key=True),
    Column("received_at", TIME, nullable=False),
    Index("inbox_by_age", "received_at"),
    **OPTIONS,
)

history = Table(
    "history",
    metadata,
    # The order in which the entries were made, over all aggregates.
    Column("position", BigInteger, primary_key=True, autoincrement=True),
    Column("aggregate", String(64), nullable=False),
    Column("aggregate_id", BINARY(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("event_id", BINARY(16), nullable=False),
    Column("type", String(255), nullable=False),
    Column("occurred_at", TIME, nullable=False),
    # JSON as it was written: the type JSON means different things on MySQL and on MariaDB.
    Column("data", MEDIUMTEXT, nullable=False),
    UniqueConstraint("aggregate", "aggregate_id", "version", name="history_version"),
    **OPTIONS,
)
