"""What the server holds: groups, what is trimmed, what was lost, and whatever others write into a stream."""

from uuid import uuid4

import pytest
from redis import Redis

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging import membership, select_broker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    CONTENT_TYPE,
    Broker,
    Dead,
    Depth,
    Message,
    Subscription,
    channel_of,
)

from ...deliveries import Handled, bodies_of, has_dead, messages, until, until_true

# As the server tells and takes entries: with fields that have the same name.
ADD = "return redis.call('XADD', KEYS[1], '*', unpack(ARGV))"
ALL = "return redis.call('XRANGE', KEYS[1], '-', '+')"


@pytest.fixture
def stream(type: str) -> str:
    """Where its events go."""
    return f"events:{channel_of(type)}"


async def test_a_message_is_an_entry_with_its_body_and_content_type(
    broker: Broker, type: str, stream: str, server: Redis
) -> None:
    [message] = messages(type, 1)
    await broker.publish([message])
    [entry] = server.xrange(stream) or []
    assert entry[1] == {b"content-type": CONTENT_TYPE.encode(), b"body": message.body}


async def test_declares_a_group_for_each_stream_once_and_leaves_no_consumer_behind(
    broker: Broker, another: Broker, subscription: Subscription, stream: str, server: Redis
) -> None:
    replay = f"{subscription.name}:replay"
    async with broker.consuming(subscription, Handled(), 1), another.consuming(subscription, Handled(), 1):
        for each in (stream, replay):
            assert [group["name"] for group in server.xinfo_groups(each)] == [subscription.name.encode()]
    for each in (stream, replay):
        names = [consumer["name"] for consumer in server.xinfo_consumers(each, subscription.name)]
        assert set(names) <= {b"waiting"}


async def test_what_every_group_has_settled_is_dropped_and_nothing_else(
    broker: Broker,
    type: str,
    stream: str,
    subscription: Subscription,
    server: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(membership, "TRIM_SECONDS", 0.02)
    late = Subscription(f"{subscription.name}-late", [type])
    async with broker.consuming(late, Handled(), 1):
        pass
    handled, handled_late = Handled(), Handled()
    sent = messages(type, 1_000)
    async with broker.consuming(subscription, handled, 64):
        await broker.publish(sent)
        await handled.wait_for(*bodies_of(sent))
        await until(lambda: server.xpending(stream, subscription.name)["pending"] == 0)
        assert server.xlen(stream) == len(sent)
        async with broker.consuming(late, handled_late, 64):
            await handled_late.wait_for(*bodies_of(sent))
            # Whole nodes of the stream are dropped, of a hundred entries.
            await until(lambda: server.xlen(stream) <= 100)
    assert await broker.depth(late) == Depth(waiting=0, dead=0)


async def test_a_stream_that_nobody_reads_has_a_limit(
    broker_settings: BrokerSettings, type: str, stream: str, server: Redis
) -> None:
    broker = select_broker(broker_settings.model_copy(update={"stream_max_length": 1_000}))
    for _ in range(5):
        await broker.publish(messages(type, 500))
    await broker.close()
    assert 1_000 <= server.xlen(stream) <= 1_100


async def test_a_server_that_lost_its_data_gets_its_groups_again_and_nothing_is_left_out(
    broker: Broker, type: str, stream: str, subscription: Subscription, server: Redis
) -> None:
    handled = Handled()
    async with broker.consuming(subscription, handled, 16):
        server.delete(stream, f"{subscription.name}:replay")
        sent = messages(type, 50)
        await broker.publish(sent)
        await handled.wait_for(*bodies_of(sent))


async def test_counts_what_waits_also_where_entries_were_deleted_by_hand(
    broker: Broker, type: str, stream: str, subscription: Subscription, server: Redis
) -> None:
    async with broker.consuming(subscription, Handled(), 1):
        pass
    await broker.publish(messages(type, 10))
    server.eval("redis.call('XDEL', KEYS[1], redis.call('XRANGE', KEYS[1], '-', '+')[1][1])", 1, stream)
    assert await broker.depth(subscription) == Depth(waiting=9, dead=0)


async def test_whatever_others_write_is_delivered_put_aside_and_replayed_as_it_was(
    broker: Broker, subscription: Subscription, stream: str, server: Redis
) -> None:
    strange: list[str | bytes] = ["body", b"\xff", "dead-reason", "mine", b"\xfe", b"\xff", "twice", "1", "twice", "2"]
    huge: list[str | bytes] = [part for number in range(3_000) for part in (f"field-{number}", "x")]
    handled = Handled(lambda _: Dead("no"))
    async with broker.consuming(subscription, handled, 1):
        server.eval(ADD, 1, stream, *strange)
        server.eval(ADD, 1, stream, "no", "body")
        server.eval(ADD, 1, stream, *huge, "body", "within")
        await until_true(lambda: has_dead(broker, subscription, 3))
    assert handled.bodies == [b"\xff", b"", b"within"]
    letters = await broker.dead_letters(subscription, 10)
    assert [letter.body for letter in letters] == [b"\xff", b"", b"within"]
    assert letters[0].headers == {"dead-reason": "mine", "\ufffd": "\ufffd", "twice": "2"}
    await broker.replay(subscription, letters[0].id)
    raw = server.eval(ALL, 1, f"{subscription.name}:replay")
    assert [raw[0][1][::2], raw[0][1][1::2]] == [
        [b"body", b"dead-reason", b"\xfe", b"twice", b"twice"],
        [b"\xff", b"mine", b"\xff", b"1", b"2"],
    ]


async def test_a_key_that_holds_something_else_fails_its_own_messages_only(
    broker: Broker, type: str, server: Redis
) -> None:
    other = f"test-{uuid4().hex}.taken.created"
    server.set(f"events:{channel_of(other)}", "taken")
    good, bad = messages(type, 3), messages(other, 3)
    mixed: list[Message] = [each for pair in zip(good, bad, strict=True) for each in pair]
    assert set(await broker.publish(mixed)) == {message.id for message in good}
    with pytest.raises(Unavailable, match="a key that is needed holds something else"):
        await broker.publish(bad)
