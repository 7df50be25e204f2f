"""A small API over the sample's parcels, in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx2
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware

from chassis.database.memory import MemoryDatabase
from chassis.database.port import DatabaseTransaction, TransactionRunner
from chassis.http.application import Service, create_api
from chassis.http.commands import Commands
from chassis.http.lifecycle import Lifecycle
from chassis.http.operations import Check, Health, Info
from chassis.http.problems import ProblemKind
from chassis.http.settings import HttpSettings
from chassis.identity import utc_now
from chassis.service import ServiceIdentity
from chassis.settings import ServiceSettings
from tests.sample.api import URL, ParcelStore, create_router
from tests.sample.storage.memory import MemoryParcels

DRAFT = {"reference": "A-1001", "quantity": 3}
T = TypeVar("T")
IDENTITY = ServiceIdentity("warehouse-service", "Warehouse Service", "1.2.3", "Stores parcels.", "4.5.6")


class DirectTransactions:
    """Runs each step once, without retries."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def run(self, step: Callable[[DatabaseTransaction], Awaitable[T]]) -> T:
        """Run a step in a transaction and commit it."""
        async with self._database.begin() as transaction:
            return await step(transaction)


@asynccontextmanager
async def empty_lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Nothing to open."""
    yield


def create_service(
    *,
    database: MemoryDatabase | None = None,
    transactions: TransactionRunner | None = None,
    parcels: ParcelStore | None = None,
    routers: Sequence[APIRouter] = (),
    middleware: Sequence[Middleware] = (),
    checks: Mapping[str, Check] | None = None,
    optional: Sequence[str] = (),
    timeout_seconds: float = 10,
    settings: HttpSettings | None = None,
    problems: Mapping[type[Exception], ProblemKind] | None = None,
) -> Service:
    """The application of the sample's service.

    Args:
        database: of the parcels.
        transactions: where commands run.
        parcels: where they are stored, if not in memory.
        routers: in addition to that of the parcels.
        middleware: of the service.
        checks: of its dependencies.
        optional: dependencies that requests do not need.
        timeout_seconds: limit of each request.
        settings: instead of those with this limit.
        problems: how errors of the service's own are answered.
    """
    database = database or MemoryDatabase()
    commands = Commands(transactions or DirectTransactions(database), utc_now)
    lifecycle = Lifecycle()
    build = ServiceSettings(build_commit="4f2a9c1", build_time="unknown")
    app = create_api(
        IDENTITY,
        health=Health(lifecycle, {"database": database.check} if checks is None else checks, 0.05, optional),
        info=Info.of(IDENTITY, build, {"database": database.kind}),
        registry=CollectorRegistry(),
        settings=settings or HttpSettings(timeout_seconds=timeout_seconds),
        lifespan=empty_lifespan,
        routers=[create_router(commands, parcels or MemoryParcels(database)), *routers],
        middleware=middleware,
        problems=problems,
    )
    return Service(app, lifecycle)


async def create(client: httpx2.AsyncClient) -> str:
    """The URL of a new parcel."""
    response = await client.post(URL, json=DRAFT)
    assert response.status_code == 201
    return response.headers["location"]
