"""An exchange of its own for each test, on the server that BROKER_URL names."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import aiormq
import pytest
from aiormq.abc import AbstractChannel
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Depth,
    Message,
    Subscription,
)
from {{ cookiecutter.package_name }}.infrastructure.messaging.rabbitmq import RabbitBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.topology import (
    BrokerTopology,
    queues,
    unrouted,
)

from .broker_proxy import BrokerProxy, broker_proxy

# Kept before tests start to change the environment.
BROKER_URL = os.environ.get("BROKER_URL")


@pytest.fixture(scope="session")
def broker_url() -> str:
    """The server; what lies on it is not touched."""
    if BROKER_URL is None:
        pytest.skip("BROKER_URL is not set: `make up` starts a RabbitMQ, `make test-integration` uses it")
    return BROKER_URL


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[AbstractChannel]:
    """A channel to look at the server with, besides the adapter."""
    async with aiormq.connect(url) as connection:
        yield await connection.channel()


@pytest.fixture
async def channel(broker_url: str) -> AsyncIterator[AbstractChannel]:
    """The same, as long as the test lasts."""
    async with channel_to(broker_url) as channel:
        yield channel


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the subscriptions that a test has declared."""
    names: set[str] = set()
    declare = BrokerTopology.declare_queues

    async def declare_and_remember(self: BrokerTopology, channel: AbstractChannel, name: str) -> Depth:
        names.add(name)
        return await declare(self, channel, name)

    monkeypatch.setattr(BrokerTopology, "declare_queues", declare_and_remember)
    return names


@pytest.fixture
async def broker_settings(broker_url: str, declared: set[str]) -> AsyncIterator[BrokerSettings]:
    """Names an exchange that no other test uses. Everything that a test declares is removed afterwards."""
    settings = BrokerSettings(url=SecretStr(broker_url), exchange=f"test-{uuid4().hex}")
    yield settings
    async with channel_to(broker_url) as channel:
        for name in declared:
            for queue, _ in queues(name):
                await channel.queue_delete(queue)
        await channel.exchange_delete(settings.exchange)
        await channel.exchange_delete(unrouted(settings.exchange))
        await channel.queue_delete(unrouted(settings.exchange))


@asynccontextmanager
async def opened(settings: BrokerSettings) -> AsyncIterator[RabbitBroker]:
    """The adapter, as long as the block lasts."""
    broker = RabbitBroker(settings)
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


@pytest.fixture
async def broker(broker_settings: BrokerSettings) -> AsyncIterator[RabbitBroker]:
    """The adapter, opened."""
    async with opened(broker_settings) as broker:
        yield broker


@pytest.fixture
async def another(broker_settings: BrokerSettings) -> AsyncIterator[RabbitBroker]:
    """A second one on the same server, as in another process."""
    async with opened(broker_settings) as broker:
        yield broker


@pytest.fixture
def type() -> str:
    """A type that no other test uses."""
    return f"test-{uuid4().hex}.thing.created"


@pytest.fixture
def subscription(type: str) -> Subscription:
    """A subscription that no other test uses."""
    return Subscription(f"test-{uuid4().hex}.history", [type])


@pytest.fixture
async def proxy(broker_url: str) -> AsyncIterator[BrokerProxy]:
    """Stands before the server."""
    parts = urlsplit(broker_url)
    async with broker_proxy(parts.hostname or "", parts.port or 5672) as proxy:
        yield proxy


@pytest.fixture
def proxied_settings(broker_settings: BrokerSettings, proxy: BrokerProxy) -> BrokerSettings:
    """The way to the server leads through the proxy."""
    parts = urlsplit(broker_settings.address)
    account = parts.netloc.rpartition("@")[0]
    url = urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{proxy.port}"))
    return broker_settings.model_copy(update={"url": SecretStr(url), "publish_timeout_seconds": 1.0})


@pytest.fixture
async def proxied(proxied_settings: BrokerSettings) -> AsyncIterator[RabbitBroker]:
    """The adapter behind the proxy, opened."""
    async with opened(proxied_settings) as broker:
        yield broker


async def publish_all(broker: RabbitBroker, sent: list[Message]) -> None:
    """As the relay does: until each is confirmed."""
    missing = {message.id: message for message in sent}
    while missing:
        try:
            for id in await broker.publish(list(missing.values())[:50]):
                del missing[id]
        except Unavailable:
            await asyncio.sleep(0.02)
