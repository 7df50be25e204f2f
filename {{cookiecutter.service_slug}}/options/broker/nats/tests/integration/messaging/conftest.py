"""Streams of its own for each test, on the server that BROKER_URL names."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
import pytest
from nats.js import JetStreamContext
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.infrastructure.messaging import select_broker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Broker

# Kept before tests start to change the environment.
BROKER_URL = os.environ.get("BROKER_URL")


def settings_of(url: str) -> BrokerSettings:
    """Settings that name a server."""
    return BrokerSettings(url=SecretStr(url))


def url_of(settings: BrokerSettings) -> str:
    """With user and password."""
    assert settings.url is not None
    return settings.url.get_secret_value()


@pytest.fixture(scope="session")
def broker_url() -> str:
    """The server. Every stream that begins with `test-` is a test's, and removed after it."""
    if BROKER_URL is None:
        pytest.skip("BROKER_URL is not set: `make up` starts a NATS server, `make test-integration` uses it")
    return BROKER_URL


@pytest.fixture
async def broker_settings(broker_url: str) -> AsyncIterator[BrokerSettings]:
    """Names the server; what tests have declared there is removed afterwards."""
    yield settings_of(broker_url)
    await remove_streams(broker_url)


@pytest.fixture
async def jetstream(broker_settings: BrokerSettings) -> AsyncIterator[JetStreamContext]:
    """To look at the server with, besides the adapter."""
    client = await nats.connect(url_of(broker_settings))
    yield client.jetstream()
    await client.close()


@pytest.fixture
async def broker(broker_settings: BrokerSettings) -> AsyncIterator[Broker]:
    """An open one."""
    async with opened(broker_settings) as broker:
        yield broker


@pytest.fixture
async def another(broker_settings: BrokerSettings) -> AsyncIterator[Broker]:
    """A second one on the same server, as in another process."""
    async with opened(broker_settings) as broker:
        yield broker


@asynccontextmanager
async def opened(settings: BrokerSettings) -> AsyncIterator[Broker]:
    """A broker, as long as the block lasts."""
    broker = select_broker(settings)
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


async def remove_streams(url: str) -> None:
    """Those that tests have declared, with their consumers. Two runs at the same time need two servers."""
    client = await nats.connect(url)
    jetstream = client.jetstream()
    for stream in await jetstream.streams_info():
        if stream.config.name and stream.config.name.startswith("test-"):
            await jetstream.delete_stream(stream.config.name)
    await client.close()
