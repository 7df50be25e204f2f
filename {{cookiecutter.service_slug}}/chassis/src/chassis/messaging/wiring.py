"""One call that wires messaging into a process, so that a service names only what is its own."""

from datetime import timedelta
from typing import Protocol

from starlette.middleware import Middleware

from ..database.housekeeping import purging
from ..identity import new_id, utc_now
from ..lifespan import opened
from ..process import Process
from .contracts.catalog import EventCatalog
from .contracts.serializer import EventSerializer
from .http import CorrelationMiddleware
from .inbox.handlers import Subscriptions
from .outbox.metrics import OutboxAge, OutboxMetrics
from .outbox.outbox_check import outbox_check
from .outbox.transactions import OutboxTransactions
from .port import Broker
from .settings import ConsumerSettings, OutboxSettings
from .spans import TracedBroker, TracedSerializer
from .storage.port import MessageStorage
from .worker import create_worker


class MessagingSettings(Protocol):
    """The sections that messaging uses."""

    @property
    def outbox(self) -> OutboxSettings: ...

    @property
    def consumer(self) -> ConsumerSettings: ...


class Messaging:
    """Outbox, relay and consumers of a process, with their metrics, checks and spans."""

    def __init__(
        self,
        process: Process,
        settings: MessagingSettings,
        *,
        broker: Broker,
        storage: MessageStorage,
        catalog: EventCatalog,
        subscriptions: Subscriptions,
    ) -> None:
        """Publish the events of the process's transactions: they go to the outbox, and a worker publishes them.

        Args:
            process: has a database already; its transactions are replaced by those that enqueue events.
            settings: of the service.
            broker: opened at start.
            storage: outbox, inbox and history, on the database of the process.
            catalog: the events of the service.
            subscriptions: the handlers of each consumer.
        """
        self._process = process
        self._settings = settings
        self._broker = TracedBroker(broker)
        self._storage = storage
        self._subscriptions = subscriptions
        self._age = OutboxAge(process.registry)
        serializer = TracedSerializer(EventSerializer(catalog, new_id), broker.kind)
        process.transactions = OutboxTransactions(process.transactions, storage.outbox, serializer)
        process.checks["broker"] = self._broker.check
        process.kinds["broker"] = broker.kind
        process.middleware.append(Middleware(CorrelationMiddleware))
        process.open(lambda: opened(self._broker))

    def serve_without_broker(self) -> None:
        """Stay ready while the broker is away or events are late: requests do not need it, events wait."""
        late_seconds = self._settings.outbox.late_seconds
        late = outbox_check(self._storage.outbox, late_seconds, self._age, self._broker.check)
        self._process.checks["outbox"] = late
        self._process.optional |= {"broker", "outbox"}

    def run_worker(self) -> None:
        """Publish and consume in this process, from its start to its end."""
        worker = create_worker(
            outbox=self._settings.outbox,
            consumer=self._settings.consumer,
            broker=self._broker,
            storage=self._storage,
            subscriptions=self._subscriptions,
            transactions=self._process.transactions,
            check=self._process.checks["database"],
            outbox_metrics=OutboxMetrics(self._process.registry, self._age),
            registry=self._process.registry,
        )
        kept = timedelta(hours=self._settings.consumer.inbox_hours)
        self._process.open(lambda: purging("inbox", self._storage.inbox.purge, kept, utc_now))
        self._process.open(lambda: worker.running(self._process.settings.shutdown.grace_seconds))
