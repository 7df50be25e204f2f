"""Fixtures of all tests: the whole service with its data in memory, and a client that needs no network."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from chassis.database import Database
from chassis.http.application import Service
from chassis.settings import load_settings, sections
from chassis.testing.environment import clear_settings
from chassis.testing.http import {{ "add_headers, " if cookiecutter.auth != "none" }}running

from {{ cookiecutter.package_name }}.bootstrap import Storage, create_service, in_memory
from {{ cookiecutter.package_name }}.config.settings import Settings
{{ "\nfrom tests.support.callers import HEADERS\n" if cookiecutter.auth != "none" }}

@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a variable of the machine nor a developer's `.env` reaches a test."""
    clear_settings(monkeypatch, sections(Settings).values())


@pytest.fixture
def settings() -> Settings:
    """The defaults of a developer's machine."""
    return load_settings(Settings)


@pytest.fixture
def storage() -> Storage:
    """In memory; the integration tests use the real database instead."""
    return in_memory()


@pytest.fixture
def store(storage: Storage) -> object:
    """The {{ cookiecutter.__nouns }} of the storage, whose methods a test may replace."""
    return storage.{{ cookiecutter.__entities }}


@pytest.fixture
def closed_database(storage: Storage) -> Database:
    """The database of the storage; the service opens it when it starts."""
    return storage.database


@pytest.fixture
async def database(closed_database: Database) -> AsyncIterator[Database]:
    """The same, opened: for tests without the service."""
    await closed_database.open()
    yield closed_database
    await closed_database.close()


@pytest.fixture
def service(settings: Settings, storage: Storage) -> Service:
    """The whole service, not started{{ "; a request without a token gets one that may do everything" if cookiecutter.auth != "none" }}."""
    {{ "service =" if cookiecutter.auth != "none" else "return" }} create_service(settings, storage{{ ", run_worker=True" if cookiecutter.broker != "none" }})
{{ "    return add_headers(service, HEADERS)\n" if cookiecutter.auth != "none" }}

@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the started service; an unexpected error of the service fails the test that sent the request."""
    async with running(service, raise_errors=True) as started:
        yield started
