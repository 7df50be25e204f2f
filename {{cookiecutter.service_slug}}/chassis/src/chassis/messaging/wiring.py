"""One call that wires messaging, so that a service names only what is its own: storage, broker, events, handlers."""

from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CollectorRegistry

from ..database.port import TransactionRunner
from ..identity import new_id
from .contracts.catalog import EventCatalog
from .contracts.serializer import EventSerializer
from .inbox.handlers import Subscriptions
from .outbox.metrics import OutboxMetrics
from .outbox.outbox_check import outbox_check
from .outbox.transactions import OutboxTransactions
from .port import Broker
from .settings import ConsumerSettings, OutboxSettings
from .spans import TracedBroker, TracedSerializer
from .storage.port import MessageStorage
from .worker import Worker, create_worker

Check = Callable[[], Awaitable[None]]


class Messaging:
    """Outbox, relay and consumers of a process, with their metrics, checks and spans.

    `transactions` runs commands whose events are published; `broker` is opened before the worker runs.
    """

    def __init__(
        self,
        *,
        broker: Broker,
        storage: MessageStorage,
        catalog: EventCatalog,
        subscriptions: Subscriptions,
        transactions: TransactionRunner,
        check: Check,
        outbox: OutboxSettings,
        consumer: ConsumerSettings,
        registry: CollectorRegistry,
    ) -> None:
        """Wire; nothing is opened or started.

        Args:
            broker: where events are published and consumed.
            storage: outbox, inbox and history, on the database of the transactions.
            catalog: the events of the service.
            subscriptions: the handlers of each consumer.
            transactions: run commands and handlers.
            check: raises Unavailable while the database is away.
            outbox: how events are published.
            consumer: how messages are consumed.
            registry: of the metrics.
        """
        self.broker: Broker = TracedBroker(broker)
        self.transactions: TransactionRunner = OutboxTransactions(
            transactions, storage.outbox, TracedSerializer(EventSerializer(catalog, new_id), broker.kind)
        )
        self._storage = storage
        self._subscriptions = subscriptions
        self._check = check
        self._outbox = outbox
        self._consumer = consumer
        self._registry = registry
        self._metrics = OutboxMetrics(registry)

    @property
    def checks(self) -> Mapping[str, Check]:
        """Readiness checks. Both are optional for a process that serves requests: events wait in the outbox."""
        late = outbox_check(self._storage.outbox, self._outbox.late_seconds, self._metrics)
        return {"broker": self.broker.check, "outbox": late}

    def worker(self) -> Worker:
        """The relay and the consumers; a process has one at most."""
        return create_worker(
            outbox=self._outbox,
            consumer=self._consumer,
            broker=self.broker,
            storage=self._storage,
            subscriptions=self._subscriptions,
            transactions=self.transactions,
            check=self._check,
            outbox_metrics=self._metrics,
            registry=self._registry,
        )
