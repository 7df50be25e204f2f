"""A running application for each test: its real lifespan, requests without a network."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from {{ cookiecutter.package_name }}.bootstrap import Service, create_service
from {{ cookiecutter.package_name }}.config import Settings, load_settings
from {{ cookiecutter.package_name }}.config.settings import SECTIONS
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database

# Kept before tests start to change the environment: which real server the integration tests may use.
DATABASE_URL = os.environ.get("DATABASE_URL")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine, and no developer's `.env`, reaches a test."""
    for section in SECTIONS.values():
        for name in section.model_fields:
            monkeypatch.delenv(section.variable(name), raising=False)
        monkeypatch.setitem(section.model_config, "env_file", None)


@pytest.fixture
def settings() -> Settings:
    """The defaults of a developer's machine."""
    return load_settings()


@pytest.fixture
def closed_database() -> Database:
    """In memory; the integration tests put a real one in its place."""
    return MemoryDatabase()


@pytest.fixture
async def database(closed_database: Database) -> AsyncIterator[Database]:
    """The same, opened."""
    await closed_database.open()
    yield closed_database
    await closed_database.close()


@pytest.fixture
def service(settings: Settings, database: Database) -> Service:
    """The whole service, not started."""
    return create_service(settings, database)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends requests to the started service."""
    async with running(service) as started:
        yield started


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    """Start a service, and end it as a server would."""
    transport = httpx2.ASGITransport(app=service.app)
    async with (
        service.app.router.lifespan_context(service.app),
        httpx2.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        yield client
