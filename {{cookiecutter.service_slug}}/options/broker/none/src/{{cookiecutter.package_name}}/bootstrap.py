"""The composition root, the one place that knows all: settings -> adapters -> use cases -> application."""

import platform
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import metadata

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from .api import application
from .api.commands import Commands
from .api.lifecycle import Lifecycle
from .api.operations import Health, Info
from .config import Settings
from .domain.use_cases import Amend, Cancel, Confirm, Create, UseCases
from .infrastructure.database import select_database
from .infrastructure.database.memory import MemoryDatabase
from .infrastructure.database.port import Database
from .infrastructure.database.retrying import RetryingDatabase
from .infrastructure.housekeeping import forgetting
from .infrastructure.identity import new_id, utc_now
from .infrastructure.telemetry.event_loop import measuring_lag
from .infrastructure.telemetry.metrics import EventMetrics, PoolCollector, RetryMetrics, create_registry

TITLE = {{ cookiecutter.__title_python }}
PACKAGE = metadata("{{ cookiecutter.service_slug }}")


@dataclass(frozen=True, slots=True)
class Service:
    """What is served, and what its server has to know."""

    app: FastAPI
    lifecycle: Lifecycle


def create_service(settings: Settings, database: Database | None = None) -> Service:
    """Build the service; nothing is opened before its application is started.

    Args:
        settings: everything that can be set.
        database: used instead of the one that the settings name.
    """
    database = database or select_database(settings.database)
    lifecycle = Lifecycle()
    registry = create_registry()
    registry.register(PoolCollector(database.usage))
    data = RetryingDatabase(database, RetryMetrics(registry), EventMetrics(registry))
    app = application.create_api(
        application.Parts(
            commands=Commands(data, create_use_cases(), utc_now),
            queries=data,
            health=Health(lifecycle, {"database": database.check}, settings.readiness.timeout_seconds),
            info=_info(settings, database),
            registry=registry,
            limits=application.Limits(settings.http.max_body_bytes, settings.http.timeout_seconds),
            lifespan=_lifespan(settings, database, registry),
        ),
        TITLE,
        PACKAGE["Summary"],
    )
    return Service(app, lifecycle)


def create_service_in_memory(settings: Settings) -> Service:
    """The same with its data in memory, whatever the settings name: for its documents, and for tests."""
    return create_service(settings, MemoryDatabase())


def create_use_cases() -> UseCases:
    """Every use case with what it needs."""
    return UseCases(
        create=Create(new_id, utc_now),
        amend=Amend(utc_now),
        confirm=Confirm(utc_now),
        cancel=Cancel(utc_now),
    )


def _lifespan(settings: Settings, database: Database, registry: CollectorRegistry) -> application.Lifespan:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        """Opened from top to bottom, closed from bottom to top."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(measuring_lag(registry))
            stack.push_async_callback(database.close)
            await database.open()
            retention = timedelta(hours=settings.idempotency.retention_hours)
            await stack.enter_async_context(forgetting("answers", database.forget_answers, retention, utc_now))
            yield

    return lifespan


def _info(settings: Settings, database: Database) -> Info:
    return Info(
        name=PACKAGE["Name"],
        version=PACKAGE["Version"],
        commit=settings.service.build_commit,
        build_time=settings.service.build_time,
        environment=settings.service.environment,
        python=platform.python_version(),
        dependencies={"database": database.kind},
    )
