"""Deliveries of the sample's events, and a processor of them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

import orjson
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from chassis.background import Backoff
from chassis.database.memory import MemoryDatabase
from chassis.database.retries import Retries
from chassis.database.transactions import Transactions
from chassis.identity import utc_now
from chassis.messaging.contracts import Envelope
from chassis.messaging.inbox import (
    ConsumerMetrics,
    EventHandler,
    HandlerContext,
    Handlers,
    MessageProcessor,
    RetryPolicy,
)
from chassis.messaging.inbox.processor import Check
from chassis.messaging.port import Delivery
from chassis.messaging.storage.memory import MemoryMessageStorage

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
CHANNEL = "warehouse-service.parcel"
CONSUMER = "warehouse-service.history"
ATTEMPTS = 3
Handle = Callable[[HandlerContext, Envelope], Awaitable[None]]


class AnyData(BaseModel):
    """Data that is not read."""


def handlers(handle: Handle) -> Mapping[str, EventHandler]:
    """A handler for created parcels."""
    return {f"{CHANNEL}.created": EventHandler(1, AnyData, handle)}


def create_processor(
    database: MemoryDatabase,
    storage: MemoryMessageStorage,
    handlers: Handlers,
    *,
    check: Check | None = None,
    metrics: ConsumerMetrics | None = None,
    attempts: int = ATTEMPTS,
    **limits: float,
) -> MessageProcessor:
    """A processor with short pauses."""
    return MessageProcessor(
        CONSUMER,
        handlers,
        transactions=Transactions(database, Retries()),
        inbox=storage.inbox,
        policy=RetryPolicy(attempts, Backoff(first=0.1, longest=1)),
        metrics=metrics or ConsumerMetrics(CollectorRegistry()),
        now=utc_now,
        check=check or database.check,
        **limits,
    )


def delivery_of(aggregate: UUID, version: int, action: str = "created", **changes: object) -> Delivery:
    """A delivered event."""
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/warehouse-service",
        "type": f"{CHANNEL}.{action}",
        "subject": str(aggregate),
        "time": NOW.isoformat(),
        "dataschema": f"urn:event-schema:{CHANNEL}.{action}:1.0",
        "aggregateversion": version,
        "data": {"id": str(aggregate), "reference": "A-1001", "quantity": 3},
    }
    return Delivery(orjson.dumps(envelope | changes))
