"""Broken connections, and a server that is away or silent."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from chassis.errors import Unavailable
from chassis.messaging.brokers.redis import BrokerSettings
from chassis.messaging.port import Broker, Dead, Delivery, Done, Retry, Subscription, Verdict
from chassis.testing.brokers import (
    RecordingHandler,
    bodies_of,
    eventually,
    eventually_true,
    has_waiting,
    new_messages,
    publish_all,
)
from chassis.testing.faults import FaultProxy, fault_proxy

from .conftest import closing

DEFAULT_PORT = 6379


@pytest.fixture
async def proxy(broker_settings: BrokerSettings) -> AsyncIterator[FaultProxy]:
    """Stands between the adapter of the test and the server."""
    async with fault_proxy(broker_settings.address, DEFAULT_PORT) as proxy:
        yield proxy


@pytest.fixture
async def proxied(broker_settings: BrokerSettings, proxy: FaultProxy) -> AsyncIterator[Broker]:
    """An adapter behind the proxy, not opened."""
    async with closing(broker_settings.model_copy(update={"url": SecretStr(proxy.url)})) as broker:
        yield broker


def any_verdict(delivery: Delivery) -> Verdict:
    """Each verdict for some messages."""
    number = int(delivery.body)
    if number % 5 == 0 and delivery.attempt == 1:
        return Retry(0.05, "not yet")
    return Dead("no") if number % 50 == 0 else Done()


async def test_nothing_is_lost_when_connections_break_while_publishing_and_consuming(
    proxied: Broker, proxy: FaultProxy, broker: Broker, type: str, subscription: Subscription
) -> None:
    handler = RecordingHandler(any_verdict)
    sent = new_messages(type, 1_000, key="key")

    async def cut_repeatedly() -> None:
        for _ in range(10):
            await asyncio.sleep(0.02)
            proxy.cut()

    async with proxied.consuming(subscription, handler, 16):
        cutting = asyncio.create_task(cut_repeatedly())
        for start in range(0, len(sent), 20):
            await publish_all(proxied, sent[start : start + 20])
        await cutting
        await handler.wait_for(*bodies_of(sent))
        await eventually_true(lambda: has_waiting(broker, subscription, 0))
    dead = await broker.dead_letters(subscription, 100)
    assert {each.body for each in dead} == {b"%d" % number for number in range(0, 1_000, 50)}


async def test_starts_without_the_server_and_consumes_as_soon_as_it_is_available(
    proxied: Broker, proxy: FaultProxy, broker: Broker, type: str, subscription: Subscription
) -> None:
    await proxy.stop_listening()
    await proxied.open()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await proxied.check()
    with pytest.raises(Unavailable, match="cannot be reached"):
        await proxied.publish(new_messages(type, 1))
    handler = RecordingHandler()
    async with proxied.consuming(subscription, handler, 1):
        sent = new_messages(type, 3)
        await broker.publish(sent)
        await proxy.listen()
        await handler.wait_for(*bodies_of(sent))
        await proxied.check()


async def test_stops_in_time_while_the_server_is_away(
    proxied: Broker, proxy: FaultProxy, type: str, subscription: Subscription
) -> None:
    gate = asyncio.Event()
    handler = RecordingHandler(gate=gate)
    async with asyncio.timeout(20):
        async with proxied.consuming(subscription, handler, 1):
            await proxied.publish(new_messages(type, 1))
            await eventually(lambda: handler.running == 1)
            await proxy.stop_listening()
            gate.set()
    assert len(handler.deliveries) == 1


async def test_a_server_that_does_not_answer_delays_a_publish_no_longer_than_allowed(type: str) -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(stay_silent, "127.0.0.1", 0) as server:
        url = SecretStr(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
        async with closing(BrokerSettings(url=url, publish_timeout_seconds=0.2)) as broker:
            with pytest.raises(Unavailable, match="no answer in time"):
                await broker.publish(new_messages(type, 1))


async def test_the_reply_of_a_cancelled_command_is_not_read_as_that_of_the_next_one(
    broker: Broker, type: str, subscription: Subscription
) -> None:
    handler = RecordingHandler()
    cancelled, sent = new_messages(type, 150, key="cancelled"), new_messages(type, 300, key="sent")[150:]
    async with broker.consuming(subscription, handler, 16):
        for turns, (lost, kept) in enumerate(zip(cancelled, sent, strict=True)):
            publishing = asyncio.create_task(broker.publish([lost]))
            for _ in range(turns % 30):
                await asyncio.sleep(0)
            publishing.cancel()
            assert await broker.publish([kept]) == [kept.id]
            assert (await broker.depth(subscription)).dead == 0
        await handler.wait_for(*bodies_of(sent))
