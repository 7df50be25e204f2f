"""What the server holds: groups, trimming, lost data, and entries that other clients write."""

from uuid import uuid4

import pytest
from redis import Redis

from chassis.errors import Unavailable
from chassis.messaging.brokers.redis import BrokerSettings, member
from chassis.messaging.port import CONTENT_TYPE, Broker, Dead, Depth, Message, Subscription, channel_of
from chassis.testing.brokers import (
    RecordingHandler,
    bodies_of,
    eventually,
    eventually_true,
    has_dead,
    new_messages,
)

from .conftest import closing

# Raw commands: they keep fields that have the same name.
ADD = "return redis.call('XADD', KEYS[1], '*', unpack(ARGV))"
ALL = "return redis.call('XRANGE', KEYS[1], '-', '+')"


@pytest.fixture
def stream(type: str) -> str:
    """The stream of the type's channel."""
    return f"events:{channel_of(type)}"


async def test_a_message_is_an_entry_with_its_body_and_content_type(
    broker: Broker, type: str, stream: str, server: Redis
) -> None:
    [message] = new_messages(type, 1)
    await broker.publish([message])
    [entry] = server.xrange(stream) or []
    assert entry[1] == {b"content-type": CONTENT_TYPE.encode(), b"body": message.body}


async def test_declares_one_group_for_each_stream_and_leaves_no_consumer_behind(
    broker: Broker, another: Broker, subscription: Subscription, stream: str, server: Redis
) -> None:
    replay = f"{subscription.name}:replay"
    async with (
        broker.consuming(subscription, RecordingHandler(), 1),
        another.consuming(subscription, RecordingHandler(), 1),
    ):
        for each in (stream, replay):
            assert [group["name"] for group in server.xinfo_groups(each)] == [subscription.name.encode()]
    for each in (stream, replay):
        names = [consumer["name"] for consumer in server.xinfo_consumers(each, subscription.name)]
        assert set(names) <= {b"waiting"}


async def test_entries_that_every_group_has_settled_are_dropped_and_no_others(
    broker: Broker,
    type: str,
    stream: str,
    subscription: Subscription,
    server: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(member, "TRIM_SECONDS", 0.02)
    late = Subscription(f"{subscription.name}-late", [type])
    async with broker.consuming(late, RecordingHandler(), 1):
        pass
    handler, late_handler = RecordingHandler(), RecordingHandler()
    sent = new_messages(type, 1_000)
    async with broker.consuming(subscription, handler, 64):
        await broker.publish(sent)
        await handler.wait_for(*bodies_of(sent))
        await eventually(lambda: server.xpending(stream, subscription.name)["pending"] == 0)
        assert server.xlen(stream) == len(sent)
        async with broker.consuming(late, late_handler, 64):
            await late_handler.wait_for(*bodies_of(sent))
            # The server drops whole nodes of a stream, of a hundred entries.
            await eventually(lambda: server.xlen(stream) <= 100)
    assert await broker.depth(late) == Depth(waiting=0, dead=0)


async def test_a_stream_without_subscribers_has_a_maximum_length(
    broker_settings: BrokerSettings, type: str, stream: str, server: Redis
) -> None:
    async with closing(broker_settings.model_copy(update={"stream_max_length": 1_000})) as broker:
        for _ in range(5):
            await broker.publish(new_messages(type, 500))
    assert 1_000 <= server.xlen(stream) <= 1_100


async def test_groups_are_declared_again_after_the_server_lost_its_data_and_skip_nothing(
    broker: Broker, type: str, stream: str, subscription: Subscription, server: Redis
) -> None:
    handler = RecordingHandler()
    async with broker.consuming(subscription, handler, 16):
        server.delete(stream, f"{subscription.name}:replay")
        sent = new_messages(type, 50)
        await broker.publish(sent)
        await handler.wait_for(*bodies_of(sent))


async def test_counts_waiting_messages_also_where_entries_were_deleted_by_hand(
    broker: Broker, type: str, stream: str, subscription: Subscription, server: Redis
) -> None:
    async with broker.consuming(subscription, RecordingHandler(), 1):
        pass
    await broker.publish(new_messages(type, 10))
    server.eval("redis.call('XDEL', KEYS[1], redis.call('XRANGE', KEYS[1], '-', '+')[1][1])", 1, stream)
    assert await broker.depth(subscription) == Depth(waiting=9, dead=0)


async def test_any_entry_of_another_client_is_delivered_dead_lettered_and_replayed_unchanged(
    broker: Broker, subscription: Subscription, stream: str, server: Redis
) -> None:
    odd: list[str | bytes] = ["body", b"\xff", "dead-reason", "mine", b"\xfe", b"\xff", "twice", "1", "twice", "2"]
    huge: list[str | bytes] = [part for number in range(3_000) for part in (f"field-{number}", "x")]
    handler = RecordingHandler(lambda _: Dead("no"))
    async with broker.consuming(subscription, handler, 1):
        server.eval(ADD, 1, stream, *odd)
        server.eval(ADD, 1, stream, "no", "body")
        server.eval(ADD, 1, stream, *huge, "body", "within")
        await eventually_true(lambda: has_dead(broker, subscription, 3))
    assert handler.bodies == [b"\xff", b"", b"within"]
    dead = await broker.dead_letters(subscription, 10)
    assert [each.body for each in dead] == [b"\xff", b"", b"within"]
    assert dead[0].headers == {"dead-reason": "mine", "\ufffd": "\ufffd", "twice": "2"}
    await broker.replay(subscription, dead[0].id)
    raw = server.eval(ALL, 1, f"{subscription.name}:replay")
    assert [raw[0][1][::2], raw[0][1][1::2]] == [
        [b"body", b"dead-reason", b"\xfe", b"twice", b"twice"],
        [b"\xff", b"mine", b"\xff", b"1", b"2"],
    ]


async def test_a_key_of_another_type_fails_its_own_messages_only(broker: Broker, type: str, server: Redis) -> None:
    other = f"test-{uuid4().hex}.other.created"
    server.set(f"events:{channel_of(other)}", "not a stream")
    good, bad = new_messages(type, 3), new_messages(other, 3)
    mixed: list[Message] = [each for pair in zip(good, bad, strict=True) for each in pair]
    assert set(await broker.publish(mixed)) == {message.id for message in good}
    with pytest.raises(Unavailable, match="a key holds another type of value"):
        await broker.publish(bad)
