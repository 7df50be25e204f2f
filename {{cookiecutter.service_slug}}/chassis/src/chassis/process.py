"""The parts of every process of a service: metrics, a database, checks, contexts, and an application to serve.

A composition root creates one, adds what the service needs, and asks for its application:

    process = Process(SERVICE, settings)
    process.use_database(database, events=EVENTS, decisions=DECISIONS)
    return process.create_api([invoices.create_router(process.commands, ...)])
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from fastapi import APIRouter
from starlette.middleware import Middleware

from .audit.trail import AuditTrail
from .database.housekeeping import purging
from .database.metrics import PoolCollector, RetryMetrics
from .database.port import Database, TransactionRunner
from .database.retries import Retries
from .database.transactions import Transactions
from .domain import DomainEvent
from .http.application import Service, create_api, create_operations_api
from .http.caller import AccessControl
from .http.commands import Commands
from .http.lifecycle import Lifecycle
from .http.operations import Health, Info
from .http.problems import KINDS, ProblemKind
from .http.refusals import CommandRefusals
from .http.settings import HttpSettings, IdempotencySettings, ReadinessSettings, ShutdownSettings
from .identity import utc_now
from .lifespan import create_lifespan, opened
from .service import ServiceIdentity
from .settings import Environment, ServiceSettings
from .telemetry.event_loop import measuring_lag
from .telemetry.events import EventMetrics
from .telemetry.metrics import create_registry

Check = Callable[[], Awaitable[None]]
ContextFactory = Callable[[], AbstractAsyncContextManager[object]]


class ProcessSettings(Protocol):
    """The sections that every process uses."""

    @property
    def service(self) -> ServiceSettings: ...

    @property
    def http(self) -> HttpSettings: ...

    @property
    def readiness(self) -> ReadinessSettings: ...

    @property
    def idempotency(self) -> IdempotencySettings: ...

    @property
    def shutdown(self) -> ShutdownSettings: ...


class Process:
    """A process that is being put together; nothing is opened before its application starts."""

    def __init__(self, identity: ServiceIdentity, settings: ProcessSettings) -> None:
        """Begin with metrics of the process itself.

        Args:
            identity: of the service.
            settings: of the service.
        """
        self.identity = identity
        self.settings = settings
        self.registry = create_registry()
        self.lifecycle = Lifecycle()
        # For the adapter of the database, so that its retries are counted.
        self.retries = Retries(RetryMetrics(self.registry))
        self.checks: dict[str, Check] = {}
        self.optional: set[str] = set()
        self.kinds: dict[str, str] = {}
        self.problems: dict[type[Exception], ProblemKind] = dict(KINDS)
        self.middleware: list[Middleware] = []
        self.access: AccessControl | None = None
        self._contexts: list[ContextFactory] = [lambda: measuring_lag(self.registry)]
        self._transactions: TransactionRunner | None = None
        self._audit: AuditTrail | None = None
        self._has_commands = False

    @property
    def transactions(self) -> TransactionRunner:
        """Runs transactions of the database. Raises RuntimeError before `use_database`."""
        if self._transactions is None:
            raise RuntimeError("the process has no database: call use_database first")
        return self._transactions

    @transactions.setter
    def transactions(self, runner: TransactionRunner) -> None:
        """Wrap the runner, as messaging does. Raises RuntimeError after `commands`, which would bypass the new one."""
        if self._has_commands:
            raise RuntimeError("commands exist and would bypass the new runner: wrap it before creating routers")
        self._transactions = runner

    @property
    def audit(self) -> AuditTrail:
        """Records refusals in the audit log. Raises RuntimeError before `use_database`."""
        if self._audit is None:
            raise RuntimeError("the process has no database: call use_database first")
        return self._audit

    @property
    def commands(self) -> Commands:
        """The pipeline for commands. From now on the runner of transactions stays as it is."""
        self._has_commands = True
        return Commands(self.transactions, utc_now, CommandRefusals(self.audit, self.problems))

    def use_database(
        self, database: Database, events: Sequence[type[DomainEvent]], decisions: Sequence[type[DomainEvent]]
    ) -> None:
        """Store data in a database: it is opened at start and checked for readiness, and its events are counted.

        Args:
            database: of the service.
            events: every event of its aggregates.
            decisions: those at which the age of an aggregate is observed.
        """
        self.registry.register(PoolCollector(database.usage))
        self._transactions = Transactions(database, self.retries, EventMetrics(self.registry, events, decisions))
        self._audit = AuditTrail(database, self.registry)
        self.checks["database"] = database.check
        self.kinds["database"] = database.kind
        kept = timedelta(hours=self.settings.idempotency.retention_hours)
        self.open(lambda: opened(database))
        self.open(lambda: purging("idempotency keys", database.purge_idempotency_keys, kept, utc_now))

    def open(self, context: ContextFactory) -> None:
        """Enter a context at start, after those added before; it ends in reverse order.

        Args:
            context: creates it; called at each start.
        """
        self._contexts.append(context)

    def create_api(
        self, routers: Iterable[APIRouter], problems: Mapping[type[Exception], ProblemKind] | None = None
    ) -> Service:
        """The application with these routers and the operations endpoints.

        Args:
            routers: of the API, with their prefixes.
            problems: how errors of the service's own are answered.
        """
        self.problems |= problems or {}
        app = create_api(
            self.identity,
            health=self._health(),
            info=self._info(),
            registry=self.registry,
            settings=self.settings.http,
            lifespan=create_lifespan(self._entered),
            routers=list(routers),
            middleware=self.middleware,
            problems=self.problems,
            docs=self._serves_docs(),
            access=self.access,
        )
        return Service(app, self.lifecycle)

    def create_operations_api(self) -> Service:
        """The application of a process that serves the operations endpoints only."""
        app = create_operations_api(
            self.identity,
            health=self._health(),
            info=self._info(),
            registry=self.registry,
            lifespan=create_lifespan(self._entered),
        )
        return Service(app, self.lifecycle)

    def _serves_docs(self) -> bool:
        in_production = self.settings.service.environment is Environment.PRODUCTION
        return self.settings.http.docs == "on" or (self.settings.http.docs == "auto" and not in_production)

    def _entered(self) -> Iterable[AbstractAsyncContextManager[object]]:
        return (context() for context in self._contexts)

    def _health(self) -> Health:
        return Health(self.lifecycle, self.checks, self.settings.readiness.timeout_seconds, self.optional)

    def _info(self) -> Info:
        return Info.of(self.identity, self.settings.service, self.kinds)
