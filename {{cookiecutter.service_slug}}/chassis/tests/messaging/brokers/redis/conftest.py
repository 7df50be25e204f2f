"""Two adapters on the Redis server of LIVE_REDIS_URL, for each test."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis import Redis

from chassis.messaging.brokers.redis import BrokerSettings, RedisBroker
from chassis.messaging.port import Broker
from tests.support import servers

# The streams of tests begin with these.
TEST_KEYS = ("events:test-*", "test-*")


@pytest.hookimpl(tryfirst=True)  # before the plugin that reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests in one process: each deletes the streams of all of them afterwards."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("redis"))


@pytest.fixture
def broker_url() -> str:
    """The server; tests touch only streams with names of their own."""
    return servers.url("redis")


@pytest.fixture
def server(broker_url: str) -> Iterator[Redis]:
    """A connection to inspect the server; the streams of the test are deleted afterwards."""
    with Redis.from_url(broker_url) as client:
        yield client
        for pattern in TEST_KEYS:
            if keys := list(client.scan_iter(pattern, count=1_000)):
                client.delete(*keys)


@pytest.fixture
def broker_settings(broker_url: str, server: Redis) -> BrokerSettings:  # noqa: ARG001 - cleans up
    """Time limits for a slow machine, and a short takeover."""
    return BrokerSettings(url=SecretStr(broker_url), takeover_seconds=2)


@asynccontextmanager
async def closing(settings: BrokerSettings) -> AsyncIterator[RedisBroker]:
    """An adapter, not opened, and closed at the end of the block."""
    broker = RedisBroker(settings, "warehouse")
    try:
        yield broker
    finally:
        await broker.close()


@pytest.fixture
async def broker(broker_settings: BrokerSettings) -> AsyncIterator[Broker]:
    """An open adapter."""
    async with closing(broker_settings) as broker:
        await broker.open()
        yield broker


@pytest.fixture
async def another(broker_settings: BrokerSettings) -> AsyncIterator[Broker]:
    """A second adapter on the same server, as in another process."""
    async with closing(broker_settings) as broker:
        await broker.open()
        yield broker
