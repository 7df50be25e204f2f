"""The composition root, the one place that knows all: settings -> adapters -> use cases -> application."""

import platform
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import metadata

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware

from .api import application
from .api.causes import CausePass
from .api.commands import Commands
from .api.lifecycle import Lifecycle
from .api.operations import Health, Info
from .api.v1 import history
from .api.worker import create_worker_api
from .config import Settings
from .domain.use_cases import Amend, Cancel, Confirm, Create, UseCases
from .infrastructure.database import select_database
from .infrastructure.database.memory import MemoryDatabase
from .infrastructure.database.messages import create_message_store
from .infrastructure.database.port import Database
from .infrastructure.database.retrying import RetryingDatabase
from .infrastructure.housekeeping import forgetting
from .infrastructure.identity import new_id, utc_now
from .infrastructure.messaging import select_broker
{%- if cookiecutter.tracing == "none" %}
from .infrastructure.messaging.envelope import Packer
{%- endif %}
from .infrastructure.messaging.in_process import InProcessBroker
from .infrastructure.messaging.metrics import RelayMetrics
from .infrastructure.messaging.outbox_check import outbox_check
from .infrastructure.messaging.port import Broker
from .infrastructure.messaging.publishing import PublishingTransactions
from .infrastructure.messaging.store import MessageStore
{%- if cookiecutter.tracing != "none" %}
from .infrastructure.messaging.tracing import TracedBroker, TracedPacker
{%- endif %}
from .infrastructure.messaging.worker import Worker, create_worker
from .infrastructure.telemetry.event_loop import measuring_lag
from .infrastructure.telemetry.metrics import EventMetrics, PoolCollector, RetryMetrics, create_registry

TITLE = {{ cookiecutter.__title_python }}
PACKAGE = metadata("{{ cookiecutter.service_slug }}")


@dataclass(frozen=True, slots=True)
class Service:
    """What is served, and what its server has to know."""

    app: FastAPI
    lifecycle: Lifecycle


@dataclass(frozen=True, slots=True)
class Adapters:
    """What both processes, the one that serves and the one that works, are made of."""

    database: Database
    store: MessageStore
    broker: Broker
    registry: CollectorRegistry
    outbox: RelayMetrics
    data: RetryingDatabase
    transactions: PublishingTransactions

    @classmethod
    def create(cls, settings: Settings, database: Database | None, broker: Broker | None) -> "Adapters":
        """Those that are given, else those that the settings name."""
        database = database or select_database(settings.database)
{%- if cookiecutter.tracing != "none" %}
        broker = TracedBroker(broker or select_broker(settings.broker))
{%- else %}
        broker = broker or select_broker(settings.broker)
{%- endif %}
        store = create_message_store(database)
        registry = create_registry()
        registry.register(PoolCollector(database.usage))
        data = RetryingDatabase(database, RetryMetrics(registry), EventMetrics(registry))
        return cls(
            database=database,
            store=store,
            broker=broker,
            registry=registry,
            outbox=RelayMetrics(registry),
            data=data,
            transactions=PublishingTransactions(data, store, {{ "TracedPacker(new_id, broker.kind)" if cookiecutter.tracing != "none" else "Packer(new_id)" }}),
        )

    def worker(self, settings: Settings) -> Worker:
        """Relay and consumers."""
        return create_worker(
            settings,
            self.transactions,
            self.store,
            self.broker,
            self.outbox,
            self.registry,
            self.database.check,
        )


def create_service(
    settings: Settings,
    database: Database | None = None,
    broker: Broker | None = None,
    *,
    works: bool = False,
) -> Service:
    """Build the service; nothing is opened before its application is started.

    Args:
        settings: everything that can be set.
        database: used instead of the one that the settings name.
        broker: used instead of the one that the settings name.
        works: whether the process also does what is else left to workers: publish, and take in.
    """
    adapters = Adapters.create(settings, database, broker)
    lifecycle = Lifecycle()
    checks = {
        "database": adapters.database.check,
        "broker": adapters.broker.check,
        "outbox": outbox_check(adapters.store, settings.outbox.late_seconds, adapters.outbox.oldest.set),
    }
    app = application.create_api(
        application.Parts(
            commands=Commands(adapters.transactions, create_use_cases(), utc_now),
            queries=adapters.data,
            # Events wait in the outbox while the broker is away: requests are answered without it.
            health=Health(lifecycle, checks, settings.readiness.timeout_seconds, dispensable={"broker", "outbox"}),
            info=_info(settings, adapters),
            registry=adapters.registry,
            limits=application.Limits(settings.http.max_body_bytes, settings.http.timeout_seconds),
            lifespan=_lifespan(settings, adapters, adapters.worker(settings) if works else None),
        ),
        TITLE,
        PACKAGE["Summary"],
    )
    app.include_router(history.create_router(adapters.store, adapters.data))
    app.user_middleware.append(Middleware(CausePass))  # innermost
    return Service(app, lifecycle)


def create_service_in_memory(settings: Settings) -> Service:
    """Everything within this process, whatever the settings name: for the service's documents, and for tests."""
    return create_service(settings, MemoryDatabase(), InProcessBroker(), works=True)


def create_worker_service(
    settings: Settings,
    database: Database | None = None,
    broker: Broker | None = None,
) -> Service:
    """Build the process that publishes and takes in; it answers the operations endpoints and nothing else.

    Args:
        settings: everything that can be set.
        database: used instead of the one that the settings name.
        broker: used instead of the one that the settings name.
    """
    adapters = Adapters.create(settings, database, broker)
    lifecycle = Lifecycle()
    checks = {"database": adapters.database.check, "broker": adapters.broker.check}
    app = create_worker_api(
        Health(lifecycle, checks, settings.readiness.timeout_seconds),
        _info(settings, adapters),
        adapters.registry,
        _lifespan(settings, adapters, adapters.worker(settings)),
    )
    return Service(app, lifecycle)


def create_use_cases() -> UseCases:
    """Every use case of the API with what it needs."""
    return UseCases(
        create=Create(new_id, utc_now),
        amend=Amend(utc_now),
        confirm=Confirm(utc_now),
        cancel=Cancel(utc_now),
    )


def _lifespan(settings: Settings, adapters: Adapters, worker: Worker | None) -> application.Lifespan:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        """Opened from top to bottom, closed from bottom to top."""
        database, broker = adapters.database, adapters.broker
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(measuring_lag(adapters.registry))
            stack.push_async_callback(database.close)
            await database.open()
            stack.push_async_callback(broker.close)
            await broker.open()
            answers = timedelta(hours=settings.idempotency.retention_hours)
            await stack.enter_async_context(forgetting("answers", database.forget_answers, answers, utc_now))
            if worker is not None:
                inbox = timedelta(hours=settings.consumer.inbox_hours)
                forget = adapters.store.forget_received
                await stack.enter_async_context(forgetting("messages taken in", forget, inbox, utc_now))
                await stack.enter_async_context(worker.running(settings.shutdown.grace_seconds))
            yield

    return lifespan


def _info(settings: Settings, adapters: Adapters) -> Info:
    return Info(
        name=PACKAGE["Name"],
        version=PACKAGE["Version"],
        commit=settings.service.build_commit,
        build_time=settings.service.build_time,
        environment=settings.service.environment,
        python=platform.python_version(),
        dependencies={"database": adapters.database.kind, "broker": adapters.broker.kind},
    )
