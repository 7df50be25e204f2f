"""The tables of messaging as migrations should leave them; `alembic check` compares. Requests never come here."""

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP

from .schema import metadata

# Rows that a relay locks: whoever holds one may publish what lies in this lane.
outbox_lanes = Table(
    "outbox_lanes",
    metadata,
    Column("lane", SmallInteger, primary_key=True, autoincrement=False),
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
    "{{ cookiecutter.__entity }}_history",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", TIMESTAMP(timezone=True), nullable=False),
    Column("data", JSON, nullable=False),
    # The order in which the entries were made, over all aggregates.
    Column("position", BigInteger, Identity(), nullable=False),
    UniqueConstraint("position", name="{{ cookiecutter.__entity }}_history_position"),
)
