"""Streams of its own for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import SecretStr

from chassis.messaging.brokers.nats import BrokerSettings, NatsBroker
from chassis.messaging.brokers.nats.session import Session
from chassis.messaging.brokers.nats.topology import Topology
from tests.support import servers

SERVICE = "parcel-service"


@pytest.fixture
def broker_url() -> str:
    """The server. Tests touch only streams of their own."""
    return servers.url("nats")


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the streams that a test has declared."""
    names: set[str] = set()
    declare = Topology._declare_stream

    async def declare_and_record(self: Topology, session: Session, *, is_owner: bool, name: str, **wanted: Any) -> None:
        names.add(name)
        await declare(self, session, is_owner=is_owner, name=name, **wanted)

    monkeypatch.setattr(Topology, "_declare_stream", declare_and_record)
    return names


@pytest.fixture
async def broker_settings(broker_url: str, declared: set[str]) -> AsyncIterator[BrokerSettings]:
    """Settings that name the server; what the test declares there is deleted afterwards."""
    yield BrokerSettings(url=SecretStr(broker_url))
    client = await nats.connect(broker_url)
    for name in declared:
        with suppress(NotFoundError):
            await client.jetstream().delete_stream(name)
    await client.close()


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
