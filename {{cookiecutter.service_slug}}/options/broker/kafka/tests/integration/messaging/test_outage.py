"""What a cluster that comes and goes can break, on a mock cluster of each test's own."""

import asyncio
from collections.abc import Collection, Sequence
from time import monotonic

import pytest

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Broker,
    Dead,
    Message,
    Retry,
    Subscription,
)

from ...deliveries import Handled, bodies_of, has_dead, messages, until, until_true
from .conftest import opened, settings_of
from .mock_cluster import MockCluster

TYPE = "test-outage.thing.created"
SUBSCRIPTION = Subscription("test-outage.history", [TYPE])


@pytest.fixture
def own_settings(cluster: MockCluster) -> BrokerSettings:
    """Name the cluster of this test."""
    settings = settings_of(f"kafka://{cluster.address}")
    return settings.model_copy(update={"connect_timeout_seconds": 1.0, "publish_timeout_seconds": 2.0})


async def publish_all(broker: Broker, sent: Sequence[Message]) -> None:
    """As the relay does it: what was not confirmed is sent again, before anything that follows."""
    missing = list(sent)
    while missing:
        confirmed: Collection[str] = ()
        try:
            confirmed = await broker.publish(missing)
        except Unavailable:
            await asyncio.sleep(0.05)
        missing = [message for message in missing if message.id not in set(confirmed)]


def first_times(bodies: Sequence[bytes]) -> list[bytes]:
    """Without those that came again."""
    return list(dict.fromkeys(bodies))


async def test_loses_nothing_and_keeps_the_order_while_connections_are_cut(
    cluster: MockCluster, own_settings: BrokerSettings
) -> None:
    handled = Handled()
    sent = messages(TYPE, 2_000, key="one")
    async with opened(own_settings) as broker, broker.consuming(SUBSCRIPTION, handled, 16):
        for start in range(0, len(sent), 100):
            publishing = asyncio.create_task(publish_all(broker, sent[start : start + 100]))
            if start % 400 == 0:
                cluster.cut()
            await publishing
        await handled.wait_for(*bodies_of(sent))
    assert first_times(handled.bodies) == bodies_of(sent)


async def test_a_publish_that_gets_no_answer_in_time_is_unavailable_and_leaves_nothing_behind(
    cluster: MockCluster, own_settings: BrokerSettings
) -> None:
    handled = Handled()
    [before, lost, after] = messages(TYPE, 3)
    async with opened(own_settings) as broker:
        await broker.publish([before])
        cluster.down()
        started = monotonic()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.publish([lost])
        assert monotonic() - started < 4
        cluster.up()
        await publish_all(broker, [after])
        async with broker.consuming(SUBSCRIPTION, handled, 16):
            await handled.wait_for(before.body, after.body)
    assert lost.body not in handled.bodies


async def test_begins_while_the_cluster_is_away_and_says_why_it_is_not_ready(
    cluster: MockCluster, own_settings: BrokerSettings
) -> None:
    cluster.down()
    handled = Handled()
    sent = messages(TYPE, 10)
    async with opened(own_settings) as broker:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.check()
        with pytest.raises(Unavailable, match="cannot be reached"):
            await broker.publish(sent)
        with pytest.raises(Unavailable):
            await broker.depth(SUBSCRIPTION)
        async with broker.consuming(SUBSCRIPTION, handled, 16):
            cluster.up()
            await publish_all(broker, sent)
            await handled.wait_for(*bodies_of(sent))
        await broker.check()


async def test_what_is_to_be_put_aside_during_an_outage_is_put_aside_after_it(
    cluster: MockCluster, own_settings: BrokerSettings
) -> None:
    gate = asyncio.Event()
    handled = Handled(lambda delivery: Dead("no") if delivery.attempt == 2 else Retry(0.05, "not yet"), gate=gate)
    async with opened(own_settings) as broker, broker.consuming(SUBSCRIPTION, handled, 16):
        await broker.publish(messages(TYPE, 5))
        await until(lambda: handled.running == 5)
        cluster.down()
        gate.set()
        await asyncio.sleep(2.5)  # long enough for a first try to fail
        cluster.up()
        await until_true(lambda: has_dead_now(broker, 5))
    assert {delivery.attempt for delivery in handled.deliveries} == {1, 2}


async def test_ends_in_time_while_the_cluster_is_away(cluster: MockCluster, own_settings: BrokerSettings) -> None:
    handled = Handled()
    async with opened(own_settings) as broker, broker.consuming(SUBSCRIPTION, handled, 16):
        await broker.publish(messages(TYPE, 5))
        await until(lambda: len(handled.deliveries) == 5)
        cluster.down()
        started = monotonic()
    assert monotonic() - started < 12


async def has_dead_now(broker: Broker, count: int) -> bool:
    """Whether so many are dead, of a cluster that may not answer yet."""
    try:
        return await has_dead(broker, SUBSCRIPTION, count)
    except Unavailable:
        return False
