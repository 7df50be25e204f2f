"""A broker that comes late, or comes back empty: what is published is kept for those whom this process serves."""

import asyncio

import pytest
from aiormq.abc import AbstractChannel, AbstractConnection

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.infrastructure.messaging.connections import LastingConnection
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Subscription
from {{ cookiecutter.package_name }}.infrastructure.messaging.rabbitmq import RabbitBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.topology import queues, unrouted

from ...deliveries import Handled, bodies_of, messages
from .broker_proxy import BrokerProxy
from .conftest import publish_all

CONCURRENCY = 16


@pytest.fixture
def reachable_for_consumers(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """While it is not set, only connections for publishing are made: the worst of all orders."""
    reachable = asyncio.Event()
    connect = LastingConnection._connect

    async def connect_if_reachable(self: LastingConnection) -> AbstractConnection:
        if self._purpose == "consuming" and not reachable.is_set():
            raise ConnectionRefusedError
        return await connect(self)

    monkeypatch.setattr(LastingConnection, "_connect", connect_if_reachable)
    return reachable


async def test_what_is_published_before_its_consumer_reaches_the_broker_is_kept_for_it(
    broker: RabbitBroker, reachable_for_consumers: asyncio.Event, subscription: Subscription, type: str
) -> None:
    handled = Handled()
    sent = messages(type, 10)
    await broker.check()  # the channel for publishing is there before the subscription
    async with broker.consuming(subscription, handled, CONCURRENCY):
        await publish_all(broker, sent)
        reachable_for_consumers.set()
        await handled.wait_for(*bodies_of(sent))


async def test_what_is_published_on_a_broker_that_came_back_empty_is_kept_for_its_consumer(
    proxied: RabbitBroker,
    proxy: BrokerProxy,
    channel: AbstractChannel,
    broker_settings: BrokerSettings,
    reachable_for_consumers: asyncio.Event,
    subscription: Subscription,
    type: str,
) -> None:
    handled = Handled()
    before, after = messages(type, 10), messages(type, 20)[10:]
    reachable_for_consumers.set()
    async with proxied.consuming(subscription, handled, CONCURRENCY):
        await publish_all(proxied, before)
        await handled.wait_for(*bodies_of(before))
        reachable_for_consumers.clear()
        proxy.refuse()
        await empty(channel, broker_settings.exchange, subscription)
        proxy.mend()
        await publish_all(proxied, after)
        reachable_for_consumers.set()
        await handled.wait_for(*bodies_of(after))


async def empty(channel: AbstractChannel, exchange: str, subscription: Subscription) -> None:
    """Delete everything, as if the server had lost its disk."""
    for queue, _ in queues(subscription.name):
        await channel.queue_delete(queue)
    for name in (exchange, unrouted(exchange)):
        await channel.exchange_delete(name)
    await channel.queue_delete(unrouted(exchange))
