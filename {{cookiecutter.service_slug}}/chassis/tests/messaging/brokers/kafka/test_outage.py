"""Outages of the cluster, on a mock cluster for each test."""

import asyncio
from collections.abc import Sequence
from time import monotonic

import pytest

from chassis.errors import Unavailable
from chassis.messaging.brokers.kafka import BrokerSettings, dispatcher
from chassis.messaging.brokers.kafka.admin import Admin
from chassis.messaging.port import Broker, Dead, Retry, Subscription
from chassis.testing.brokers import (
    RecordingHandler,
    bodies_of,
    eventually,
    eventually_true,
    has_dead,
    has_waiting,
    new_messages,
    publish_all,
)
from chassis.testing.brokers.kafka import MockCluster
from chassis.testing.failures import RecordingBackoff

from .conftest import opened

TYPE = "test-outage.thing.created"
SUBSCRIPTION = Subscription("test-outage.history", [TYPE])


@pytest.fixture
def own_settings(own_settings: BrokerSettings) -> BrokerSettings:
    """Short time limits."""
    return own_settings.model_copy(update={"connect_timeout_seconds": 1.0, "publish_timeout_seconds": 2.0})


def without_repetitions(bodies: Sequence[bytes]) -> list[bytes]:
    """The bodies in the order of their first delivery."""
    return list(dict.fromkeys(bodies))


async def test_nothing_is_lost_and_the_order_is_kept_while_connections_are_cut(
    cluster: MockCluster, own_settings: BrokerSettings
) -> None:
    handler = RecordingHandler()
    sent = new_messages(TYPE, 2_000, key="one")
    async with opened(own_settings) as broker, broker.consuming(SUBSCRIPTION, handler, 16):
        for start in range(0, len(sent), 100):
            publishing = asyncio.create_task(publish_all(broker, sent[start : start + 100]))
            if start % 400 == 0:
                cluster.cut()
            await publishing
        await handler.wait_for(*bodies_of(sent))
    assert without_repetitions(handler.bodies) == bodies_of(sent)


async def test_a_publish_without_an_answer_raises_unavailable_in_time_and_sends_nothing_later(
    cluster: MockCluster, own_settings: BrokerSettings
) -> None:
    handler = RecordingHandler()
    [before, lost, after] = new_messages(TYPE, 3)
    async with opened(own_settings) as broker:
        await broker.publish([before])
        cluster.down()
        started = monotonic()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.publish([lost])
        assert monotonic() - started < 4
        cluster.up()
        await publish_all(broker, [after])
        async with broker.consuming(SUBSCRIPTION, handler, 16):
            await handler.wait_for(before.body, after.body)
    assert lost.body not in handler.bodies


async def test_starts_while_the_cluster_is_away_and_reports_why_it_is_not_ready(
    cluster: MockCluster, own_settings: BrokerSettings
) -> None:
    cluster.down()
    handler = RecordingHandler()
    sent = new_messages(TYPE, 10)
    async with opened(own_settings) as broker:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.check()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.publish(sent)
        with pytest.raises(Unavailable):
            await broker.depth(SUBSCRIPTION)
        async with broker.consuming(SUBSCRIPTION, handler, 16):
            cluster.up()
            await publish_all(broker, sent)
            await handler.wait_for(*bodies_of(sent))
        await broker.check()


async def test_survives_an_outage_that_begins_while_the_depth_is_read(
    cluster: MockCluster, own_settings: BrokerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def partitions(_: Admin, names: Sequence[str]) -> dict[str, int]:
        return dict.fromkeys(names, own_settings.topic_partitions)

    async with opened(own_settings) as broker:
        await broker.publish(new_messages(TYPE, 5))
        await eventually_true(lambda: has_waiting(broker, SUBSCRIPTION, 5))
        cluster.down()
        with monkeypatch.context() as patch, pytest.raises(Unavailable):
            patch.setattr(Admin, "partitions", partitions)  # as if it had answered just before
            await broker.depth(SUBSCRIPTION)
        # Until every request has timed out: librdkafka may abort the process when it reaches the cluster again.
        await asyncio.sleep(own_settings.connect_timeout_seconds + 0.2)
        cluster.up()
        await eventually_true(lambda: has_waiting_now(broker, 5))


async def test_verdicts_during_an_outage_are_carried_out_after_it(
    cluster: MockCluster, own_settings: BrokerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "BACKOFF", backoff := RecordingBackoff())
    gate = asyncio.Event()
    handler = RecordingHandler(
        lambda delivery: Dead("no") if delivery.attempt == 2 else Retry(0.05, "not yet"), gate=gate
    )
    async with opened(own_settings) as broker, broker.consuming(SUBSCRIPTION, handler, 16):
        await broker.publish(new_messages(TYPE, 5))
        await eventually(lambda: handler.running == 5)
        cluster.down()
        gate.set()
        await eventually(lambda: bool(backoff.failures))
        cluster.up()
        await eventually_true(lambda: has_dead_now(broker, 5))
    assert {delivery.attempt for delivery in handler.deliveries} == {1, 2}


async def test_stops_in_time_while_the_cluster_is_away(cluster: MockCluster, own_settings: BrokerSettings) -> None:
    handler = RecordingHandler()
    async with opened(own_settings) as broker, broker.consuming(SUBSCRIPTION, handler, 16):
        await broker.publish(new_messages(TYPE, 5))
        await eventually(lambda: len(handler.deliveries) == 5)
        cluster.down()
        started = monotonic()
    assert monotonic() - started < 12


async def has_dead_now(broker: Broker, count: int) -> bool:
    """Whether there are this many dead letters; False while the cluster does not answer."""
    try:
        return await has_dead(broker, SUBSCRIPTION, count)
    except Unavailable:
        return False


async def has_waiting_now(broker: Broker, count: int) -> bool:
    """Whether this many messages wait; False while the cluster does not answer."""
    try:
        return await has_waiting(broker, SUBSCRIPTION, count)
    except Unavailable:
        return False
