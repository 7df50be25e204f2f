"""Acknowledgements, which bypass the client library, end in time when the server closes their channel."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from chassis.messaging.brokers.rabbitmq import BrokerSettings
from chassis.messaging.brokers.rabbitmq.connection import BrokerConnection, ReconnectingConnection
from chassis.messaging.brokers.rabbitmq.consumer_channel import ConsumerChannel
from chassis.messaging.brokers.rabbitmq.transport import BrokerTransport

from .conftest import SERVICE


@pytest.fixture
async def connection(broker_settings: BrokerSettings) -> AsyncIterator[BrokerConnection]:
    """What the adapter consumes with."""
    reconnecting = ReconnectingConnection(broker_settings, SERVICE, "consuming")
    reconnecting.open()
    yield await reconnecting.connection()
    await reconnecting.close()


async def test_a_channel_that_the_server_closes_leaves_its_connection_open(
    connection: BrokerConnection,
) -> None:
    channel = await ConsumerChannel.open(connection)
    unknown = DeliveredMessage(spec.Basic.Deliver(delivery_tag=7), ContentHeader(), b"", channel.underlay)
    while not channel.channel.is_closed:  # after the library's answer, the server closes the connection for each frame
        channel.acknowledge(unknown)
        await asyncio.sleep(0)
    other = await ConsumerChannel.open(connection)
    assert not other.is_closed
    await other.close()
    assert not connection.is_closed


async def test_nothing_is_acknowledged_on_a_channel_that_is_being_closed(connection: BrokerConnection) -> None:
    channel = await ConsumerChannel.open(connection)
    message = DeliveredMessage(spec.Basic.Deliver(delivery_tag=1), ContentHeader(), b"", channel.underlay)
    closing = asyncio.create_task(channel.close())
    while not closing.done():
        await asyncio.sleep(0)
        channel.acknowledge(message)
    await (await ConsumerChannel.open(connection)).close()
    assert not connection.is_closed


async def test_the_end_of_a_channel_is_recognized_however_it_arrives() -> None:
    close = marshal(spec.Channel.Close(406, "unknown delivery tag", 60, 80), 1)
    body = marshal(ContentBody(close), 1)  # a message may hold anything
    looks_like_it = marshal(ContentBody(close[7:-1]), 1)  # without its frame
    for size in range(1, len(close) + 1):
        closed: list[int] = []
        transport = BrokerTransport(None)
        transport.on_channel_close = {number: partial(closed.append, number) for number in (1, 2)}
        for sent, expected in ((body + looks_like_it, []), (close, [1]), (close, [1])):
            for start in range(0, len(sent), size):
                transport._receive(sent[start : start + size])
            assert closed == expected
