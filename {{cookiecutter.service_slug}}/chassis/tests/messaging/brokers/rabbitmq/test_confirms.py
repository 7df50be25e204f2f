"""The publisher knows of each message whether the server stored it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq import spec
from pamqp.common import FieldTable
from pamqp.frame import FrameTypes, marshal

from chassis.errors import Unavailable
from chassis.messaging.brokers.rabbitmq import BrokerSettings, RabbitBroker
from chassis.messaging.brokers.rabbitmq.confirms import OutgoingMessage
from chassis.messaging.brokers.rabbitmq.connection import ReconnectingConnection
from chassis.messaging.brokers.rabbitmq.headers import new_properties
from chassis.messaging.brokers.rabbitmq.publisher import ConfirmingPublisher
from chassis.messaging.brokers.rabbitmq.topology import BrokerTopology
from chassis.messaging.brokers.rabbitmq.transport import BrokerTransport
from chassis.messaging.port import Subscription
from chassis.testing.brokers import RecordingHandler, eventually, new_messages, publish_all
from chassis.testing.faults import FaultProxy

from .conftest import SERVICE, delete_exchange

BLOCKED = marshal(spec.Connection.Blocked("low on memory"), 0)
UNBLOCKED = marshal(spec.Connection.Unblocked(), 0)


@pytest.fixture
async def publisher(broker_settings: BrokerSettings) -> AsyncIterator[ConfirmingPublisher]:
    """What the adapter publishes with."""
    connection = ReconnectingConnection(broker_settings, SERVICE, "publishing")
    connection.open()
    yield ConfirmingPublisher(connection, BrokerTopology(broker_settings.exchange), timeout_seconds=5)
    await connection.close()


async def queue_of(channel: AbstractChannel, arguments: FieldTable | None = None) -> str:
    """A queue that is deleted with the connection of the test."""
    return (await channel.declare_queue(exclusive=True, arguments=arguments)).name


async def test_stored_refused_and_returned_messages_of_one_batch_are_distinguished(
    publisher: ConfirmingPublisher, channel: AbstractChannel, type: str
) -> None:
    good = await queue_of(channel)
    full = await queue_of(channel, {"x-max-length": 1, "x-overflow": "reject-publish"})
    await channel.default_exchange.publish(aio_pika.Message(b""), full)
    targets = [good, f"{good}.missing", full] * 150
    sent = [
        OutgoingMessage("", target, new_properties(message), message.body)
        for target, message in zip(targets, new_messages(type, len(targets)), strict=True)
    ]
    assert await publisher.publish(sent) == {message.id for message in sent if message.routing_key == good}
    assert await publisher.publish(sent[:1]) == {sent[0].id}


async def test_batches_that_are_published_at_the_same_time_share_no_confirms(
    publisher: ConfirmingPublisher, channel: AbstractChannel, type: str
) -> None:
    good = await queue_of(channel)
    messages = [OutgoingMessage("", good, new_properties(each), each.body) for each in new_messages(type, 1_000)]
    batches = [messages[start : start + 250] for start in range(0, 1_000, 250)]
    confirmed = await asyncio.gather(*map(publisher.publish, batches))
    assert confirmed == [{message.id for message in batch} for batch in batches]


async def test_a_body_of_several_frames_and_an_empty_one_arrive(
    broker: RabbitBroker, subscription: Subscription, type: str
) -> None:
    handler, [large, empty] = RecordingHandler(), new_messages(type, 2)
    large, empty = replace(large, body=bytes(range(256)) * 2_000), replace(empty, body=b"")
    async with broker.consuming(subscription, handler, 1):
        assert await broker.publish([large, empty]) == {large.id, empty.id}
        await handler.wait_for(large.body, empty.body)


async def test_a_channel_that_the_server_closes_costs_no_connection(
    proxied: RabbitBroker, proxy: FaultProxy, channel: AbstractChannel, broker_settings: BrokerSettings, type: str
) -> None:
    sent = new_messages(type, 100)
    assert len(await proxied.publish(sent)) == 100
    await delete_exchange(channel, broker_settings.exchange)
    with pytest.raises(Unavailable, match="an exchange or queue is missing"):
        await proxied.publish(sent * 100)  # the server closes the channel long before the last one
    assert len(await proxied.publish(sent)) == 100
    assert proxy.accepted == 1


async def test_a_returned_message_costs_other_batches_no_connection(
    proxied: RabbitBroker, proxy: FaultProxy, channel: AbstractChannel, type: str
) -> None:
    good, publish = await queue_of(channel), proxied._publisher.publish
    returned, *others = (
        OutgoingMessage("", good, new_properties(each), each.body) for each in new_messages(type, 10_001)
    )
    returned = replace(returned, routing_key=f"{good}.missing")
    # The channel is closed, so that everything is declared again, while the other batch is being written.
    _, confirmed = await asyncio.gather(publish(others), publish([returned]), return_exceptions=True)
    assert confirmed == set()
    assert len(await publish(others[:10])) == 10
    assert proxy.accepted == 1


async def test_a_blocked_connection_is_refused_and_used_again_afterwards(
    proxied: RabbitBroker, proxy: FaultProxy, type: str
) -> None:
    sent = new_messages(type, 10)
    assert len(await proxied.publish(sent)) == 10
    proxy.inject(BLOCKED)

    async def is_refused() -> bool:
        try:
            return not await proxied.publish(sent)
        except Unavailable as error:
            return error.reason == "accepts no messages: it is short of memory or disk"

    while not await is_refused():
        pass
    proxy.inject(UNBLOCKED)
    await publish_all(proxied, sent)
    assert proxy.accepted == 1


async def test_a_connection_that_is_blocked_while_publishing_stays_and_late_confirms_are_ignored(
    proxied: RabbitBroker, proxy: FaultProxy, type: str
) -> None:
    first, second = new_messages(type, 10), new_messages(type, 10)
    assert len(await proxied.publish(first)) == 10
    proxy.black_hole()
    publishing = asyncio.create_task(proxied.publish(first))
    publisher = proxied._publisher
    await eventually(lambda: publisher._channel is not None and len(publisher._channel._unanswered) == 10)
    proxy.inject(BLOCKED)
    with pytest.raises(Unavailable, match="short of memory or disk"):
        await publishing
    proxy.restore()
    proxy.inject(UNBLOCKED)
    await publish_all(proxied, second)
    assert proxy.accepted == 1
    assert publisher._channel is not None
    assert not publisher._channel._unanswered


async def test_frames_are_recognized_however_they_arrive() -> None:
    frames: list[FrameTypes] = []
    transport = BrokerTransport(None)
    transport.receivers[1] = frames.append
    sent = b"".join(
        [
            marshal(spec.Basic.Ack(1), 1),
            marshal(spec.Basic.Ack(2), 2),  # of another channel
            marshal(spec.Basic.Nack(3, multiple=True), 1),
        ]
    )
    for size in range(1, len(sent) + 1):
        frames.clear()
        for start in range(0, len(sent), size):
            transport._receive(sent[start : start + size])
        assert [
            (each.name, each.delivery_tag) for each in frames if isinstance(each, spec.Basic.Ack | spec.Basic.Nack)
        ] == [
            ("Basic.Ack", 1),
            ("Basic.Nack", 3),
        ]
