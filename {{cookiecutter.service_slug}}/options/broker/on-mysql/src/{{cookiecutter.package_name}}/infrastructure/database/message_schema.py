"""The tables of messaging as migrations should leave them; `alembic check` compares. Requests never come here."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table, UniqueConstraint
from sqlalchemy.dialects.mysql import BINARY, MEDIUMBLOB, MEDIUMTEXT, VARBINARY

from .schema import MOMENT, OPTIONS, metadata

# Rows that a relay locks: whoever holds one may publish what lies in this lane.
outbox_lanes = Table(
    "outbox_lanes",
    metadata,
    Column("lane", SmallInteger, primary_key=True, autoincrement=False),
    **OPTIONS,
)

outbox = Table(
    "outbox",
    metadata,
    # New rows come to the end of the table, and one number is enough to find a row that has to go.
    Column("position", BigInteger, primary_key=True, autoincrement=True),
    Column("lane", SmallInteger, nullable=False),
    Column("id", String(255), nullable=False),
    Column("type", String(255), nullable=False),
    Column("message_key", String(255), nullable=False),
    Column("body", MEDIUMBLOB, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Index("outbox_by_lane", "lane", "position"),
    **OPTIONS,
)

inbox = Table(
    "inbox",
    metadata,
    # Bytes, because text is compared without the spaces at its end. A source and an id
    # have up to 255 characters each, of up to 4 bytes, and a space is between them.
    Column("consumer", VARBINARY(255), primary_key=True),
    Column("message_id", VARBINARY(2044), primary_key=True),
    Column("received_at", MOMENT, nullable=False),
    Index("inbox_by_age", "received_at"),
    **OPTIONS,
)

history = Table(
    "{{ cookiecutter.__entity }}_history",
    metadata,
    # The order in which the entries were made, over all aggregates.
    Column("position", BigInteger, primary_key=True, autoincrement=True),
    Column("aggregate_id", BINARY(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("event_id", BINARY(16), nullable=False),
    Column("type", String(255), nullable=False),
    Column("occurred_at", MOMENT, nullable=False),
    # JSON as it was written; what is called JSON here is another thing on MySQL and on MariaDB.
    Column("data", MEDIUMTEXT, nullable=False),
    UniqueConstraint(
        "aggregate_id",
        "version",
        name="{{ cookiecutter.__entity }}_history_version",
    ),
    **OPTIONS,
)
