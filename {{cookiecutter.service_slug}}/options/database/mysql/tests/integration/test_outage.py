"""What callers see while the server is away, and what happens when it comes back."""

import asyncio
import socket
import time
from types import NoneType
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import pytest
from sqlalchemy import Connection

from {{ cookiecutter.package_name }}.bootstrap import create_service
from {{ cookiecutter.package_name }}.config import Settings, load_settings
from {{ cookiecutter.package_name }}.config.database import DatabaseSettings
from {{ cookiecutter.package_name }}.domain.errors import Interrupted, KeyInUse, NotFound
from {{ cookiecutter.package_name }}.domain.ports import UnitOfWork
from {{ cookiecutter.package_name }}.domain.values import Quantity
from {{ cookiecutter.package_name }}.infrastructure.database.engine import create_migration_engine
from {{ cookiecutter.package_name }}.infrastructure.database.port import Database
from {{ cookiecutter.package_name }}.infrastructure.database.retrying import RetryingDatabase

from ..conftest import running
from ..persistence import KEY, NOW, new, store
from ..unit.test_api import DRAFT, URL
from .conftest import run

TABLE = "`{{ cookiecutter.__entities }}`"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Settings:
    """Impatient."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATABASE_POOL_SIZE", "2")
    monkeypatch.setenv("DATABASE_CONNECT_TIMEOUT_SECONDS", "0.5")
    monkeypatch.setenv("DATABASE_STATEMENT_TIMEOUT_SECONDS", "0.5")
    monkeypatch.setenv("DATABASE_LOCK_TIMEOUT_SECONDS", "1")
    return load_settings()


def connect(settings: DatabaseSettings) -> Connection:
    """Somebody else on the same database."""
    return create_migration_engine(settings).connect()


def kill_all(url: str) -> None:
    """End every connection to this database but the one that does it, and wait until they are gone."""
    others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    ids = [id for (id,) in run(url, others)]
    assert ids
    run(url, *(f"KILL {id}" for id in ids))
    for _ in range(100):
        if not {id for (id,) in run(url, others)} & {*ids}:
            return
        time.sleep(0.02)
    raise TimeoutError


async def test_starts_without_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    monkeypatch.setenv("DATABASE_URL", f"mysql://service:hidden@127.0.0.1:{port}/name")
    async with running(create_service(load_settings())) as client:
        assert (await client.get("/health/live")).status_code == 200
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "cannot be reached")
        refused = await client.post(URL, json=DRAFT)
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        assert int(refused.headers["retry-after"]) > 0
        assert "hidden" not in refused.text + ready.text


@pytest.mark.usefixtures("settings")
async def test_a_server_that_accepts_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("DATABASE_URL", f"mysql://service:hidden@127.0.0.1:{silent.getsockname()[1]}/name")
        async with running(create_service(load_settings())) as client:
            ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "no answer in time")


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"netloc": "nobody:wrong@{address}"}, "credentials are refused"), ({"path": "/nothing"}, "no such database")],
)
async def test_says_what_is_wrong_with_the_url(
    monkeypatch: pytest.MonkeyPatch, database_url: str, change: dict[str, str], reason: str
) -> None:
    url = urlsplit(database_url)
    address = f"{url.hostname}:{url.port or 3306}"
    changed = url._replace(**{name: part.format(address=address) for name, part in change.items()})
    monkeypatch.setenv("DATABASE_URL", urlunsplit(changed))
    async with running(create_service(load_settings())) as client:
        ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, reason)


async def test_recovers_from_lost_connections(settings: Settings, database_url: str) -> None:
    async with running(create_service(settings)) as client:
        created = await client.post(URL, json=DRAFT)
        await asyncio.gather(*(client.get(created.headers["location"]) for _ in range(10)))
        kill_all(database_url)
        answers = [await client.get(created.headers["location"]) for _ in range(3)]
        assert [answer.json() for answer in answers] == [created.json()] * 3
        kill_all(database_url)
        await asyncio.sleep(0.1)  # what ends while it is idle is noticed without a request that fails
        assert (await client.get("/health/ready")).status_code == 200


async def test_a_transaction_that_was_killed_runs_again_and_has_one_effect(
    database: Database, database_url: str
) -> None:
    stored = new()
    await store(database, stored)
    attempts = []

    async def step(work: UnitOfWork) -> None:
        attempts.append(await work.answers.claim(KEY))
        mine = await work.{{ cookiecutter.__entities }}.get(stored.id)
        mine.confirm(NOW)
        await work.{{ cookiecutter.__entities }}.save(mine)
        if len(attempts) == 1:
            kill_all(database_url)
        await work.answers.keep(KEY, b"answer", NOW)

    await RetryingDatabase(database, lambda: None).run(step)
    assert attempts == [None, None]
    assert (await database.find(stored.id)).version == 2
    async with database.begin() as work:
        assert await work.answers.claim(KEY) == b"answer"


async def test_a_deadlock_is_resolved_by_running_again(database: Database) -> None:
    stored = [new(), new()]
    await store(database, *stored)
    retries: list[None] = []
    data = RetryingDatabase(database, lambda: retries.append(None))
    both_began, one_is_through = asyncio.Barrier(2), asyncio.Event()

    async def change_both(first: UUID, second: UUID) -> None:
        async def step(work: UnitOfWork) -> None:
            if retries:  # whoever reads before the other has committed is told of a conflict, rightly
                await one_is_through.wait()
            for number, id in enumerate((first, second)):
                mine = await work.{{ cookiecutter.__entities }}.get(id)
                mine.amend(None, Quantity(mine.quantity.value + 1), NOW)
                await work.{{ cookiecutter.__entities }}.save(mine)
                if number == 0 and not retries:
                    await both_began.wait()

        await data.run(step)
        one_is_through.set()

    outcomes = await asyncio.gather(
        change_both(stored[0].id, stored[1].id),
        change_both(stored[1].id, stored[0].id),
        return_exceptions=True,
    )
    assert len(retries) == 1
    assert [type(outcome) for outcome in outcomes].count(NoneType) == 2
    assert [(await database.find(each.id)).version for each in stored] == [3, 3]


async def test_what_is_cancelled_in_the_middle_of_a_statement_leaves_nothing_behind(
    database: Database, database_settings: DatabaseSettings
) -> None:
    stored, lost = new(), new()
    await store(database, stored)

    async def change() -> None:
        async with database.begin() as work:
            await work.answers.claim(KEY)
            await work.{{ cookiecutter.__entities }}.add(lost)
            mine = await work.{{ cookiecutter.__entities }}.get(stored.id)
            mine.confirm(NOW)
            await work.{{ cookiecutter.__entities }}.save(mine)

    with connect(database_settings) as other:
        other.exec_driver_sql(f"SELECT 1 FROM {TABLE} FOR UPDATE")  # noqa: S608
        waiting = asyncio.create_task(change())
        await asyncio.sleep(0.2)
        assert waiting.cancel()
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert database.usage().in_use == 0
    assert await database.find(stored.id) == stored
    with pytest.raises(NotFound):
        await database.find(lost.id)
    assert await becomes_free(database)


async def becomes_free(database: Database) -> bool:
    """Whether the key is let go: the server notices that nobody is there once the statement has ended."""
    for _ in range(50):
        try:
            async with database.begin() as work:
                return await work.answers.claim(KEY) is None
        except KeyInUse:
            await asyncio.sleep(0.1)
    return False


async def test_says_when_the_schema_is_missing(monkeypatch: pytest.MonkeyPatch, empty_database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    async with running(create_service(load_settings())) as client:
        ready = await client.get("/health/ready")
        assert ready.json()["checks"]["database"].startswith("schema is missing")


async def test_a_locked_row_holds_no_request_past_its_time_limit(
    settings: Settings, database_settings: DatabaseSettings
) -> None:
    async with running(create_service(settings)) as client:
        created = await client.post(URL, json=DRAFT)
        with connect(database_settings) as other:
            other.exec_driver_sql(f"SELECT 1 FROM {TABLE} FOR UPDATE")  # noqa: S608
            blocked = await client.post(f"{created.headers['location']}/confirm", headers={"if-match": "*"})
        assert blocked.status_code == 503
        confirmed = await client.post(f"{created.headers['location']}/confirm", headers={"if-match": "*"})
        assert confirmed.status_code == 200


async def test_a_full_pool_refuses_in_time(settings: Settings, database_settings: DatabaseSettings) -> None:
    async with running(create_service(settings)) as client:
        created = await client.post(URL, json=DRAFT)
        with connect(database_settings) as other:
            other.exec_driver_sql(f"LOCK TABLES {TABLE} WRITE")
            answers = await asyncio.gather(*(client.get(created.headers["location"]) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {503}
        assert (await client.get(created.headers["location"])).status_code == 200


async def test_a_twin_on_another_server_of_a_cluster_is_stopped_by_the_key(
    database: Database, database_url: str
) -> None:
    with pytest.raises(Interrupted):
        async with database.begin() as work:
            await work.answers.claim(KEY)
            run(database_url, "INSERT INTO idempotency_keys VALUES ('key-1', '', '', NOW())")
            await work.answers.keep(KEY, b"answer", NOW)
