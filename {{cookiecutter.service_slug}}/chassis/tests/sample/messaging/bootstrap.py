"""The composition root of the sample."""

from typing import Any

from chassis.database.memory import MemoryDatabase
from chassis.http.application import Service
from chassis.messaging.history import history_handlers
from chassis.messaging.inbox import Subscriptions
from chassis.messaging.port import Broker
from chassis.messaging.storage import MessageStorage
from chassis.messaging.storage.memory import MemoryMessageStorage
from chassis.messaging.wiring import Messaging
from chassis.process import Process
from chassis.service import ServiceIdentity
from tests.sample import api
from tests.sample.domain import parcels
from tests.sample.messaging.choices import Storage, broker_adapters, storage_adapters
from tests.sample.messaging.contracts import SERVICE_NAME
from tests.sample.messaging.journal import journal_handlers
from tests.sample.messaging.releases import release

PROTOCOL = broker_adapters().PROTOCOL
SERVICE = ServiceIdentity(SERVICE_NAME, "Warehouse Service", "1.0.0", "Stores parcels and prints labels.")
_release = release()
CATALOG = _release.catalog


def create_broker(settings: Any) -> Broker:
    """The chosen one."""
    return broker_adapters().create_broker(settings.broker, SERVICE.name)


def create_subscriptions(messages: MessageStorage) -> Subscriptions:
    """Two consumers of every event."""
    return {
        f"{SERVICE.name}.history": history_handlers(CATALOG, messages.history),
        f"{SERVICE.name}.journal": journal_handlers(CATALOG, storage_adapters().JOURNAL),
    }


def create_subscriptions_in_memory() -> Subscriptions:
    """The same, independent of any server."""
    return create_subscriptions(MemoryMessageStorage(MemoryDatabase()))


def create_process(settings: Any) -> tuple[Process, Storage, Messaging]:
    """What every process has."""
    process = Process(SERVICE, settings)
    storage = storage_adapters().create_storage(settings.database, process.retries)
    process.use_database(storage.database, _release.events, parcels.DECISIONS)
    messaging = Messaging(
        process,
        settings,
        broker=create_broker(settings),
        storage=storage.messages,
        catalog=CATALOG,
        subscriptions=create_subscriptions(storage.messages),
    )
    return process, storage, messaging


def create_service(settings: Any, *, run_worker: bool = False) -> Service:
    """The application that answers requests."""
    process, storage, messaging = create_process(settings)
    messaging.serve_without_broker()
    if run_worker:
        messaging.run_worker()
    return process.create_api(
        [
            api.create_router(process.commands, storage.parcels, _release.confirm),
            api.create_labels_router(process.commands, storage.labels),
        ]
    )


def create_service_in_memory(settings: Any) -> Service:
    """Only documented, so that it need not be in memory."""
    return create_service(settings)


def create_worker_service(settings: Any) -> Service:
    """The process that publishes and consumes."""
    process, _, messaging = create_process(settings)
    messaging.run_worker()
    return process.create_operations_api()
