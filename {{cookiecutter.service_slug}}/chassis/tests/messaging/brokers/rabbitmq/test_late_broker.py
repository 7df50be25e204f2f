"""A broker that comes late, or comes back empty, keeps the events for the subscriptions of this process."""

import asyncio

import pytest
from aio_pika.abc import AbstractChannel, AbstractConnection

from chassis.messaging.brokers.rabbitmq import BrokerSettings, RabbitBroker
from chassis.messaging.brokers.rabbitmq.connection import ReconnectingConnection
from chassis.messaging.brokers.rabbitmq.topology import queues
from chassis.messaging.port import Subscription
from chassis.testing.brokers import CONCURRENCY, RecordingHandler, bodies_of, new_messages, publish_all
from chassis.testing.faults import FaultProxy

from .conftest import delete_exchange


@pytest.fixture
def reachable_for_consumers(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Until it is set, only connections for publishing are made: the worst order."""
    reachable = asyncio.Event()
    connect = ReconnectingConnection._connect

    async def connect_if_reachable(self: ReconnectingConnection, lost: asyncio.Event) -> AbstractConnection:
        if self._purpose == "consuming" and not reachable.is_set():
            raise ConnectionRefusedError
        return await connect(self, lost)

    monkeypatch.setattr(ReconnectingConnection, "_connect", connect_if_reachable)
    return reachable


async def test_events_published_before_their_consumer_reaches_the_broker_are_kept_for_it(
    broker: RabbitBroker, reachable_for_consumers: asyncio.Event, subscription: Subscription, type: str
) -> None:
    handler = RecordingHandler()
    sent = new_messages(type, 10)
    await broker.check()  # the channel for publishing exists before the subscription
    async with broker.consuming(subscription, handler, CONCURRENCY):
        await publish_all(broker, sent)
        reachable_for_consumers.set()
        await handler.wait_for(*bodies_of(sent))


async def test_events_published_to_a_broker_that_came_back_empty_are_kept_for_their_consumer(
    proxied: RabbitBroker,
    proxy: FaultProxy,
    channel: AbstractChannel,
    broker_settings: BrokerSettings,
    reachable_for_consumers: asyncio.Event,
    subscription: Subscription,
    type: str,
) -> None:
    handler = RecordingHandler()
    before, after = new_messages(type, 10), new_messages(type, 20)[10:]
    reachable_for_consumers.set()
    async with proxied.consuming(subscription, handler, CONCURRENCY):
        await publish_all(proxied, before)
        await handler.wait_for(*bodies_of(before))
        reachable_for_consumers.clear()
        proxy.refuse()
        await empty(channel, broker_settings.exchange, subscription)
        proxy.restore()
        await publish_all(proxied, after)
        reachable_for_consumers.set()
        await handler.wait_for(*bodies_of(after))


async def empty(channel: AbstractChannel, exchange: str, subscription: Subscription) -> None:
    """Delete everything, as if the server had lost its disk."""
    for queue, _ in queues(subscription.name):
        await channel.queue_delete(queue)
    await delete_exchange(channel, exchange)
