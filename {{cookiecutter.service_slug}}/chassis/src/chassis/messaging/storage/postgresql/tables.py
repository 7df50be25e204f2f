"""The tables of messaging on PostgreSQL as their migrations leave them; a test compares them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP

metadata = MetaData()

# A relay locks rows of this table: it alone may publish the messages of these lanes.
outbox_lanes = Table(
    "outbox_lanes",
    metadata,
    Column("lane", SmallInteger, primary_key=True, autoincrement=False),
    # No message of the lane has a lower position, now or later.
    Column("low_watermark", BigInteger, nullable=False, server_default=text("0")),
)

outbox = Table(
    "outbox",
    metadata,
    Column("lane", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, Identity(), primary_key=True),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
)

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("received_at", TIMESTAMP(timezone=True), nullable=False),
    Index("inbox_by_age", "received_at"),
)

history = Table(
    "history",
    metadata,
    Column("aggregate", Text, primary_key=True),
    Column("aggregate_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", TIMESTAMP(timezone=True), nullable=False),
    Column("data", JSON, nullable=False),
    # The order in which entries were appended, over all aggregates.
    Column("position", BigInteger, Identity(), nullable=False),
    UniqueConstraint("position", name="history_position"),
)
