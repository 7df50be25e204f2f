"""What belongs to being one of several: partitions that come and go, and a process that dies."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import (
    Broker,
    Delivery,
    Depth,
    Done,
    Message,
    Subscription,
)

from ...deliveries import Handled, bodies_of, messages, until, until_true
from .conftest import opened, settings_of
from .mock_cluster import MockCluster

TYPE = "test-group.thing.created"
SUBSCRIPTION = Subscription("test-group.history", [TYPE])


@pytest.fixture
def own_settings(cluster: MockCluster) -> BrokerSettings:
    """Name the cluster of this test."""
    return settings_of(f"kafka://{cluster.address}")


async def test_handlers_that_take_their_time_keep_their_messages_and_others_go_on_afterwards(
    own_settings: BrokerSettings,
) -> None:
    gate = asyncio.Event()
    handled = Handled(gate=gate)
    sent = messages(TYPE, 3_000)  # more than is taken ahead
    async with opened(own_settings) as broker, broker.consuming(SUBSCRIPTION, handled, 2):
        await broker.publish(sent)
        await until(lambda: handled.running == 2)
        await asyncio.sleep(own_settings.session_timeout_seconds + 1.5)
        assert len(handled.deliveries) == 2
        gate.set()
        await handled.wait_for(*bodies_of(sent))
        assert len(handled.deliveries) == 3_000
        await until_true(lambda: has_nothing(broker))


async def test_messages_of_a_process_that_was_killed_go_to_another(
    own_settings: BrokerSettings, tmp_path: Path
) -> None:
    sent = messages(TYPE, 5)
    log = tmp_path / "taken"
    async with opened(own_settings) as broker:
        await broker.publish(sent)
        victim = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLDING, own_settings.address, SUBSCRIPTION.name, TYPE, str(log)
        )
        await until(lambda: log.exists() and len(log.read_text()) == 5)
        handled = Handled()
        async with broker.consuming(SUBSCRIPTION, handled, 16):
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
            await handled.wait_for(*bodies_of(sent))


async def test_partitions_move_to_a_new_replica_and_back_without_a_loss(own_settings: BrokerSettings) -> None:
    first, second = Handled(), Handled()
    sent: list[Message] = []
    async with opened(own_settings) as broker, opened(own_settings) as another:

        async def publish_until_handled(by: Handled) -> None:
            begun = len(by.deliveries)
            while len(by.deliveries) < begun + 100:
                sent.extend(more := messages(TYPE, 50, key=str(uuid4())))
                await broker.publish(more)
                await asyncio.sleep(0.02)

        async with broker.consuming(SUBSCRIPTION, first, 4):
            await publish_until_handled(first)
            async with another.consuming(SUBSCRIPTION, second, 4):
                await publish_until_handled(second)
            await publish_until_handled(first)
            await until_true(lambda: has_nothing(broker))
    assert len(first.deliveries) + len(second.deliveries) >= len(sent)


async def test_settled_messages_behind_an_unsettled_one_are_not_committed(own_settings: BrokerSettings) -> None:
    stuck = asyncio.Event()
    sent = messages(TYPE, 10, key="one")
    handled: list[bytes] = []

    async def handle(delivery: Delivery) -> Done:
        if delivery.body == sent[3].body:
            await stuck.wait()
        handled.append(delivery.body)
        return Done()

    async with opened(own_settings) as broker:
        async with broker.consuming(SUBSCRIPTION, handle, 16):
            await broker.publish(sent)
            await until(lambda: len(handled) == 9)
            # Committed is what lies below the one that is stuck.
            await until_true(lambda: has_waiting_now(broker, 7))
            stuck.set()
        assert await broker.depth(SUBSCRIPTION) == Depth(waiting=0, dead=0)


async def has_nothing(broker: Broker) -> bool:
    """Whether everything is settled."""
    return await has_waiting_now(broker, 0)


async def has_waiting_now(broker: Broker, count: int) -> bool:
    """Whether so many wait."""
    return (await broker.depth(SUBSCRIPTION)).waiting == count


HOLDING = """
import asyncio, sys
from pathlib import Path

from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.infrastructure.messaging.kafka import KafkaBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Subscription

url, name, type, log = sys.argv[1:]

async def hold(delivery):
    with Path(log).open("a") as file:
        file.write("x")
    await asyncio.Event().wait()

async def main():
    broker = KafkaBroker(BrokerSettings(url=SecretStr(url), session_timeout_seconds=2, topic_replication=1))
    await broker.open()
    async with broker.consuming(Subscription(name, [type]), hold, 16):
        await asyncio.Event().wait()

asyncio.run(main())
"""
