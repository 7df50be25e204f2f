"""Streams of its own for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
import pytest
from nats.js import JetStreamContext
from pydantic import SecretStr

from chassis.messaging.brokers.nats import BrokerSettings, NatsBroker
from tests.support import servers

SERVICE = "parcel-service"


def settings_of(url: str) -> BrokerSettings:
    """Settings that name a server."""
    return BrokerSettings(url=SecretStr(url))


@pytest.fixture
def broker_url() -> str:
    """The server. Every stream whose name begins with `test-` belongs to a test, and is deleted after it."""
    return servers.url("nats")


@pytest.fixture
async def broker_settings(broker_url: str) -> AsyncIterator[BrokerSettings]:
    """Settings that name the server; what the test declares there is deleted afterwards."""
    yield settings_of(broker_url)
    await delete_streams(broker_url)


@pytest.fixture
async def jetstream(broker_settings: BrokerSettings) -> AsyncIterator[JetStreamContext]:
    """To inspect the server with, beside the adapter."""
    client = await nats.connect(broker_settings.address)
    yield client.jetstream()
    await client.close()


@pytest.fixture
async def broker(broker_settings: BrokerSettings) -> AsyncIterator[NatsBroker]:
    """An open adapter."""
    async with opened(broker_settings) as broker:
        yield broker


@pytest.fixture
async def another(broker_settings: BrokerSettings) -> AsyncIterator[NatsBroker]:
    """A second one on the same server, as in another process."""
    async with opened(broker_settings) as broker:
        yield broker


@asynccontextmanager
async def opened(settings: BrokerSettings) -> AsyncIterator[NatsBroker]:
    """An open adapter, inside the block."""
    broker = NatsBroker(settings, SERVICE)
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


async def delete_streams(url: str) -> None:
    """The streams that tests have declared, with their consumers. Two runs at the same time need two servers."""
    client = await nats.connect(url)
    jetstream = client.jetstream()
    for stream in await jetstream.streams_info():
        if stream.config.name and stream.config.name.startswith("test-"):
            await jetstream.delete_stream(stream.config.name)
    await client.close()
