"""An exchange of its own for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from pydantic import SecretStr

from chassis.messaging.brokers.rabbitmq import BrokerSettings, RabbitBroker
from chassis.messaging.brokers.rabbitmq.topology import BrokerTopology, queues, unrouted
from chassis.messaging.port import Depth
from chassis.testing.faults import FaultProxy, fault_proxy
from tests.support import servers

SERVICE = "parcel-service"


@pytest.fixture
def broker_url() -> str:
    """The server. Tests touch only exchanges and queues of their own."""
    return servers.url("rabbitmq")


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[AbstractChannel]:
    """A channel to inspect the server with, beside the adapter."""
    connection = await aio_pika.connect(url)
    try:
        yield await connection.channel()
    finally:
        await connection.close()


@pytest.fixture
async def channel(broker_url: str) -> AsyncIterator[AbstractChannel]:
    """The same, during the test."""
    async with channel_to(broker_url) as channel:
        yield channel


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the subscriptions that a test has declared."""
    names: set[str] = set()
    declare = BrokerTopology.declare_queues

    async def declare_and_record(self: BrokerTopology, channel: AbstractChannel, name: str) -> Depth:
        names.add(name)
        return await declare(self, channel, name)

    monkeypatch.setattr(BrokerTopology, "declare_queues", declare_and_record)
    return names


@pytest.fixture
async def broker_settings(broker_url: str, declared: set[str]) -> AsyncIterator[BrokerSettings]:
    """Settings with an exchange that no other test uses. Everything that the test declares is deleted afterwards."""
    settings = BrokerSettings(url=SecretStr(broker_url), exchange=f"test-{uuid4().hex}")
    yield settings
    async with channel_to(broker_url) as channel:
        for name in declared:
            for queue, _ in queues(name):
                await channel.queue_delete(queue)
        await delete_exchange(channel, settings.exchange)


async def delete_exchange(channel: AbstractChannel, exchange: str) -> None:
    """Delete an exchange, and what receives its events without subscribers."""
    await channel.exchange_delete(exchange)
    await channel.exchange_delete(unrouted(exchange))
    await channel.queue_delete(unrouted(exchange))


@asynccontextmanager
async def opened(settings: BrokerSettings) -> AsyncIterator[RabbitBroker]:
    """An open adapter, inside the block."""
    broker = RabbitBroker(settings, SERVICE)
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


@pytest.fixture
async def broker(broker_settings: BrokerSettings) -> AsyncIterator[RabbitBroker]:
    """An open adapter."""
    async with opened(broker_settings) as broker:
        yield broker


@pytest.fixture
async def another(broker_settings: BrokerSettings) -> AsyncIterator[RabbitBroker]:
    """A second one on the same server, as in another process."""
    async with opened(broker_settings) as broker:
        yield broker


@pytest.fixture
async def proxy(broker_url: str) -> AsyncIterator[FaultProxy]:
    """A proxy to the server."""
    async with fault_proxy(broker_url, default_port=5672) as proxy:
        yield proxy


@pytest.fixture
def proxied_settings(broker_settings: BrokerSettings, proxy: FaultProxy) -> BrokerSettings:
    """Settings that lead through the proxy."""
    return broker_settings.model_copy(update={"url": SecretStr(proxy.url), "publish_timeout_seconds": 1.0})


@pytest.fixture
async def proxied(proxied_settings: BrokerSettings) -> AsyncIterator[RabbitBroker]:
    """An open adapter behind the proxy."""
    async with opened(proxied_settings) as broker:
        yield broker
