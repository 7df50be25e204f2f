"""Nothing is lost when the connection breaks or the server is away."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from chassis.errors import Unavailable
from chassis.messaging.brokers.nats import BrokerSettings, NatsBroker, dispatcher, session, topology
from chassis.messaging.port import Depth, Message, Subscription
from chassis.testing.brokers import (
    CONCURRENCY,
    BrokerFixtures,
    RecordingHandler,
    bodies_of,
    eventually,
    eventually_true,
    new_messages,
)
from chassis.testing.faults import FaultProxy, fault_proxy

from .conftest import opened

CUTS = 8


@pytest.fixture
async def proxy(broker_settings: BrokerSettings) -> AsyncIterator[FaultProxy]:
    """A proxy to the server."""
    async with fault_proxy(broker_settings.address, default_port=4222) as proxy:
        yield proxy


@pytest.fixture
async def proxied(proxy: FaultProxy, broker_settings: BrokerSettings) -> AsyncIterator[NatsBroker]:
    """An open adapter behind the proxy."""
    async with opened(behind(proxy, broker_settings)) as broker:
        yield broker


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost messages are redelivered soon."""
    monkeypatch.setattr(topology, "ACK_WAIT_SECONDS", 1.0)
    monkeypatch.setattr(dispatcher, "ALIVE_SECONDS", 0.3)


def behind(proxy: FaultProxy, settings: BrokerSettings) -> BrokerSettings:
    """Settings that lead through the proxy."""
    return settings.model_copy(update={"url": SecretStr(proxy.url)})


async def publish(broker: NatsBroker, sent: list[Message]) -> None:
    """Publish until each is confirmed, as the relay does."""
    while sent:
        try:
            confirmed = set(await broker.publish(sent))
        except Unavailable:
            confirmed = set()
            await asyncio.sleep(0.02)
        sent = [message for message in sent if message.id not in confirmed]


class TestOutage(BrokerFixtures):
    """The connection breaks, or the server is away."""

    async def test_nothing_is_lost_when_connections_are_cut(
        self, proxied: NatsBroker, proxy: FaultProxy, subscription: Subscription, type: str
    ) -> None:
        sent = new_messages(type, 4_000)
        handler = RecordingHandler()

        async def publishing() -> None:
            for start in range(0, len(sent), 100):
                await publish(proxied, sent[start : start + 100])

        async with proxied.consuming(subscription, handler, CONCURRENCY):
            task = asyncio.create_task(publishing())
            for cut in range(1, CUTS + 1):
                await eventually(lambda goal=cut: len(handler.deliveries) >= goal * len(sent) / (CUTS + 2))  # type: ignore[misc]
                proxy.cut()
            await task
            await eventually(lambda: set(bodies_of(sent)) <= set(handler.bodies))
            await eventually_true(lambda: is_settled(proxied, subscription))

    async def test_a_server_that_is_away_at_the_start_is_used_once_it_is_available(
        self,
        proxy: FaultProxy,
        broker: NatsBroker,
        broker_settings: BrokerSettings,
        subscription: Subscription,
        type: str,
    ) -> None:
        await proxy.stop_listening()
        handler = RecordingHandler()
        sent = new_messages(type, 20)
        async with opened(behind(proxy, broker_settings)) as early:
            with pytest.raises(Unavailable, match="cannot be reached"):
                await early.check()
            with pytest.raises(Unavailable, match="cannot be reached"):
                await early.publish(sent)
            async with early.consuming(subscription, handler, CONCURRENCY):
                await broker.publish(sent)
                await proxy.listen()
                await handler.wait_for(*bodies_of(sent))
                await early.check()

    async def test_a_connection_that_is_frozen_is_given_up_and_replaced(
        self,
        proxy: FaultProxy,
        broker: NatsBroker,
        broker_settings: BrokerSettings,
        subscription: Subscription,
        type: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(session, "PING_SECONDS", 0.2)
        handler, sent = RecordingHandler(), new_messages(type, 20)
        async with (
            opened(behind(proxy, broker_settings)) as frozen,
            frozen.consuming(subscription, handler, CONCURRENCY),
        ):
            await publish(frozen, sent[:10])
            await handler.wait_for(*bodies_of(sent[:10]))
            accepted = proxy.accepted
            proxy.black_hole()
            await publish(broker, sent[10:])
            await eventually(lambda: proxy.accepted > accepted)  # without a word from the other side
            proxy.restore()
            await handler.wait_for(*bodies_of(sent))
            await eventually_true(lambda: is_settled(broker, subscription))

    async def test_stops_while_the_server_is_away(
        self,
        proxied: NatsBroker,
        proxy: FaultProxy,
        subscription: Subscription,
        type: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(dispatcher, "RECONNECT_SECONDS", 0.1)
        holding = RecordingHandler(gate=asyncio.Event())
        sent = new_messages(type, 3)
        async with proxied.consuming(subscription, holding, CONCURRENCY):
            await publish(proxied, sent)
            await eventually(lambda: holding.running == 3)
            await proxy.stop_listening()
            assert holding.gate is not None
            holding.gate.set()
        await proxy.listen()
        again = RecordingHandler()
        async with proxied.consuming(subscription, again, CONCURRENCY):
            await again.wait_for(*bodies_of(sent))


async def is_settled(broker: NatsBroker, subscription: Subscription) -> bool:
    """Whether every message is handled."""
    return await broker.depth(subscription) == Depth(waiting=0, dead=0)
