"""The network between the service and its database breaks in every way, and heals."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit, urlunsplit

import httpx2
import pytest

from {{ cookiecutter.package_name }}.bootstrap import create_service
from {{ cookiecutter.package_name }}.config import load_settings

from ..conftest import running
from ..unit.test_api import DRAFT, URL
from .fault_proxy import FaultProxy, fault_proxy

DEFAULT_PORT = {{ {'postgresql': 5432, 'mysql': 3306}.get(cookiecutter.database) }}
# Time limits of half a second, with room for a machine that is busy.
SOON_SECONDS = 10


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[FaultProxy]:
    """Stands before the real database."""
    server = urlsplit(database_url)
    async with fault_proxy(server.hostname or "127.0.0.1", server.port or DEFAULT_PORT) as started:
        yield started


@pytest.fixture
async def client(
    proxy: FaultProxy, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx2.AsyncClient]:
    """Talks to a service that reaches its database through the proxy, and is impatient."""
    server = urlsplit(database_url)
    user = server.netloc.rpartition("@")[0]
    through_proxy = server._replace(netloc=f"{user}@127.0.0.1:{proxy.port}" if user else f"127.0.0.1:{proxy.port}")
    monkeypatch.setenv("DATABASE_URL", urlunsplit(through_proxy))
    monkeypatch.setenv("DATABASE_POOL_SIZE", "4")
    monkeypatch.setenv("DATABASE_CONNECT_TIMEOUT_SECONDS", "1.5")
    monkeypatch.setenv("DATABASE_STATEMENT_TIMEOUT_SECONDS", "1.5")
    monkeypatch.setenv("DATABASE_LOCK_TIMEOUT_SECONDS", "1.5")
    monkeypatch.setenv("READINESS_TIMEOUT_SECONDS", "1.5")
    monkeypatch.setenv("HTTP_TIMEOUT_SECONDS", "6")
    async with running(create_service(load_settings())) as started:
        yield started


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    deadline = monotonic() + SOON_SECONDS
    while not await condition():
        assert monotonic() < deadline


async def is_ready(client: httpx2.AsyncClient) -> bool:
    """What the readiness probe would say."""
    return (await client.get("/health/ready")).status_code == 200


@pytest.mark.parametrize("fault", ["refuse", "black_hole"])
async def test_fails_fast_lives_on_and_recovers_by_itself(
    client: httpx2.AsyncClient, proxy: FaultProxy, fault: str
) -> None:
    created = await client.post(URL, json=DRAFT)
    getattr(proxy, fault)()
    began = monotonic()
    answers = await asyncio.gather(
        client.get(created.headers["location"]),
        client.post(URL, json=DRAFT),
        client.get(URL),
        client.get("/health/ready"),
    )
    assert monotonic() - began < SOON_SECONDS
    assert [answer.status_code for answer in answers] == [503] * 4
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers[:3])
    assert (await client.get("/health/live")).status_code == 200
    proxy.mend()
    await eventually(lambda: is_ready(client))
    assert (await client.get(created.headers["location"])).json() == created.json()


async def test_nobody_notices_a_connection_lost_at_rest(client: httpx2.AsyncClient, proxy: FaultProxy) -> None:
    created = await client.post(URL, json=DRAFT)
    for _ in range(3):
        proxy.cut()
        assert (await client.get(created.headers["location"])).status_code == 200
        assert (await client.post(URL, json=DRAFT)).status_code == 201


async def test_latency_slows_but_breaks_nothing(client: httpx2.AsyncClient, proxy: FaultProxy) -> None:
    proxy.latency_seconds = 0.01
    answers = await asyncio.gather(*(client.post(URL, json=DRAFT) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}


@dataclass
class Load:
    """Clients that create and repeat with the same key until they know, as a careful client does."""

    client: httpx2.AsyncClient
    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: int = 0

    async def create(self, number: int) -> None:
        """One creation, repeated until it is acknowledged."""
        headers = {"idempotency-key": f"load-{number}"}
        draft = {"reference": f"load-{number}", "quantity": 1}
        while True:
            answer = await self.client.post(URL, json=draft, headers=headers)
            if answer.status_code == 201:
                self.acknowledged[draft["reference"]] = answer.json()["id"]  # type: ignore[index]
                return
            assert answer.status_code in (409, 503), answer.text
            self.refused += 1
            await asyncio.sleep(0.02)


async def test_nothing_acknowledged_is_lost_and_nothing_happens_twice(
    client: httpx2.AsyncClient, proxy: FaultProxy
) -> None:
    load = Load(client)
    chance = random.Random(7)  # noqa: S311 - the same faults in every run

    async def faults() -> None:
        for _ in range(12):
            await asyncio.sleep(0.1)
            chance.choice([proxy.cut, proxy.refuse, proxy.black_hole])()
            await asyncio.sleep(0.1)
            proxy.mend()

    async def client_from(first: int) -> None:
        for number in range(first, 400, 4):
            await load.create(number)

    async with asyncio.timeout(120), asyncio.TaskGroup() as tasks:
        tasks.create_task(faults())
        for first in range(4):
            tasks.create_task(client_from(first))

    stored: list[tuple[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get(URL, params={"limit": 100, **cursor})).json()
        stored += [(item["reference"], item["id"]) for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(stored) == 400
    assert dict(stored) == load.acknowledged
    assert load.refused > 0, "no fault was met: the test proves nothing"
