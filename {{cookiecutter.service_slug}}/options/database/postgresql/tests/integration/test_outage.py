"""What callers see while PostgreSQL is away, and what happens when it comes back."""

import asyncio
import socket
from types import NoneType
from uuid import UUID

import pytest
from psycopg import connect

from {{ cookiecutter.package_name }}.bootstrap import create_service
from {{ cookiecutter.package_name }}.config import Settings, load_settings
from {{ cookiecutter.package_name }}.domain.ports import UnitOfWork
from {{ cookiecutter.package_name }}.domain.values import Quantity
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.database.retrying import ATTEMPTS, RetryingDatabase

from ..conftest import running
from ..persistence import NOW, new, store
from ..unit.test_api import DRAFT, URL


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Settings:
    """Impatient."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATABASE_POOL_SIZE", "2")
    monkeypatch.setenv("DATABASE_CONNECT_TIMEOUT_SECONDS", "0.5")
    monkeypatch.setenv("DATABASE_STATEMENT_TIMEOUT_SECONDS", "0.5")
    return load_settings()


async def test_starts_without_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    monkeypatch.setenv("DATABASE_URL", f"postgresql://service:hidden@127.0.0.1:{port}/name")
    async with running(create_service(load_settings())) as client:
        assert (await client.get("/health/live")).status_code == 200
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "cannot be reached")
        refused = await client.post(URL, json=DRAFT)
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        assert int(refused.headers["retry-after"]) > 0
        assert "hidden" not in refused.text + ready.text


async def test_recovers_from_lost_connections(settings: Settings, database_url: str) -> None:
    async with running(create_service(settings)) as client:
        created = await client.post(URL, json=DRAFT)
        with connect(database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        answers = [await client.get(created.headers["location"]) for _ in range(3)]
        assert answers[-1].json() == created.json()
        assert {answer.status_code for answer in answers} <= {200, 503}


async def test_a_deadlock_is_resolved_by_running_again(database: Database) -> None:
    stored = [new(), new()]
    await store(database, *stored)
    retries: list[None] = []
    data = RetryingDatabase(database, lambda: retries.append(None))
    both_began = asyncio.Barrier(2)

    async def cancel_both(first: UUID, second: UUID) -> None:
        async def step(work: UnitOfWork) -> None:
            for number, id in enumerate((first, second)):
                mine = await work.{{ cookiecutter.__entities }}.get(id)
                mine.amend(None, Quantity(mine.quantity.value + 1), NOW)
                await work.{{ cookiecutter.__entities }}.save(mine)
                if number == 0 and not retries:
                    await both_began.wait()

        await data.run(step)

    outcomes = await asyncio.gather(
        cancel_both(stored[0].id, stored[1].id),
        cancel_both(stored[1].id, stored[0].id),
        return_exceptions=True,
    )
    assert 1 <= len(retries) <= ATTEMPTS  # the one that runs again may meet the other once more
    assert [type(outcome) for outcome in outcomes].count(NoneType) == 2
    assert [(await database.find(each.id)).version for each in stored] == [3, 3]


async def test_says_when_the_schema_is_missing(monkeypatch: pytest.MonkeyPatch, empty_database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    async with running(create_service(load_settings())) as client:
        ready = await client.get("/health/ready")
        assert ready.json()["checks"]["database"].startswith("schema is missing")


async def test_a_locked_row_holds_no_request_past_its_time_limit(settings: Settings, database_url: str) -> None:
    async with running(create_service(settings)) as client:
        created = await client.post(URL, json=DRAFT)
        with connect(database_url) as other:
            other.execute("SELECT 1 FROM {{ cookiecutter.__entities }} FOR UPDATE")
            blocked = await client.post(f"{created.headers['location']}/confirm", headers={"if-match": "*"})
        assert blocked.status_code == 503
        confirmed = await client.post(f"{created.headers['location']}/confirm", headers={"if-match": "*"})
        assert confirmed.status_code == 200


async def test_a_full_pool_refuses_in_time(settings: Settings, database_url: str) -> None:
    async with running(create_service(settings)) as client:
        created = await client.post(URL, json=DRAFT)
        with connect(database_url) as other:
            other.execute("LOCK TABLE {{ cookiecutter.__entities }}")
            answers = await asyncio.gather(*(client.get(created.headers["location"]) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {503}
        assert (await client.get(created.headers["location"])).status_code == 200
