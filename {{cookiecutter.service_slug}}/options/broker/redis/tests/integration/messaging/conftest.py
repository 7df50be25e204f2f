"""Two brokers on the server that BROKER_URL names, for each test."""

import os
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.infrastructure.messaging import select_broker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Broker, Subscription

# Kept before tests start to change the environment.
BROKER_URL = os.environ.get("BROKER_URL")
# What every test puts into the names it uses: all streams of channels and subscriptions that begin so are its own.
OWN_KEYS = ("events:test-*", "test-*")


@pytest.fixture(scope="session")
def broker_url() -> str:
    """The server; only streams whose names begin as those of tests do are touched."""
    if BROKER_URL is None:
        pytest.skip("BROKER_URL is not set: `make up` starts a Redis, `make test-integration` uses it")
    return BROKER_URL


@pytest.fixture
def server(broker_url: str) -> Iterator[Redis]:
    """A connection to look at what is there; what the test declared is removed afterwards."""
    with Redis.from_url(broker_url) as client:
        yield client
        for pattern in OWN_KEYS:
            if keys := list(client.scan_iter(pattern, count=1_000)):
                client.delete(*keys)


@pytest.fixture
def type() -> str:
    """A type that no other test uses."""
    return f"test-{uuid4().hex}.thing.created"


@pytest.fixture
def subscription(type: str) -> Subscription:
    """A subscription that no other test uses."""
    return Subscription(f"test-{uuid4().hex}.history", [type])


@pytest.fixture
def broker_settings(broker_url: str, server: Redis) -> BrokerSettings:  # noqa: ARG001 - cleans up
    """Patient enough for a slow machine, and quick to take over."""
    return BrokerSettings(url=SecretStr(broker_url), takeover_seconds=2)


@pytest.fixture
async def broker(broker_settings: BrokerSettings) -> AsyncIterator[Broker]:
    """Open."""
    broker = select_broker(broker_settings)
    await broker.open()
    yield broker
    await broker.close()


@pytest.fixture
async def another(broker_settings: BrokerSettings) -> AsyncIterator[Broker]:
    """As if in another process."""
    broker = select_broker(broker_settings)
    await broker.open()
    yield broker
    await broker.close()
