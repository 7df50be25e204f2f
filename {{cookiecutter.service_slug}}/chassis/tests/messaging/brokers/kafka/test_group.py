"""Consumer groups: partitions that move between replicas, and a process that dies."""

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from uuid import uuid4

from chassis.messaging.brokers.kafka import BrokerSettings
from chassis.messaging.port import Delivery, Depth, Done, Message, Retry, Subscription, Verdict
from chassis.testing.brokers import (
    RecordingHandler,
    bodies_of,
    eventually,
    eventually_true,
    has_waiting,
    new_messages,
)

from .conftest import opened

TYPE = "test-group.thing.created"
SUBSCRIPTION = Subscription("test-group.history", [TYPE])


async def test_slow_handlers_keep_their_messages_and_the_others_follow(own_settings: BrokerSettings) -> None:
    gate = asyncio.Event()
    handler = RecordingHandler(gate=gate)
    sent = new_messages(TYPE, 3_000)  # more than is read ahead
    async with opened(own_settings) as broker, broker.consuming(SUBSCRIPTION, handler, 2):
        await broker.publish(sent)
        await eventually(lambda: handler.running == 2)
        # Longer than a member may be silent.
        await asyncio.sleep(own_settings.session_timeout_seconds + 1.5)
        assert len(handler.deliveries) == 2
        gate.set()
        await handler.wait_for(*bodies_of(sent))
        assert len(handler.deliveries) == 3_000
        await eventually_true(lambda: has_waiting(broker, SUBSCRIPTION, 0))


async def test_messages_of_a_killed_process_go_to_another(own_settings: BrokerSettings, tmp_path: Path) -> None:
    sent = new_messages(TYPE, 5)
    log = tmp_path / "received"
    async with opened(own_settings) as broker:
        await broker.publish(sent)
        victim = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLDING, own_settings.address, SUBSCRIPTION.name, TYPE, str(log)
        )
        await eventually(lambda: log.exists() and len(log.read_text()) == 5)
        handler = RecordingHandler()
        async with broker.consuming(SUBSCRIPTION, handler, 16):
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
            await handler.wait_for(*bodies_of(sent))


async def test_partitions_move_to_a_new_replica_and_back_without_loss(own_settings: BrokerSettings) -> None:
    first, second = RecordingHandler(), RecordingHandler()
    sent: list[Message] = []
    async with opened(own_settings) as broker, opened(own_settings) as another:

        async def publish_until_handled(by: RecordingHandler) -> None:
            before = len(by.deliveries)
            while len(by.deliveries) < before + 100:
                sent.extend(more := new_messages(TYPE, 50, key=str(uuid4())))
                await broker.publish(more)
                await asyncio.sleep(0.02)

        async with broker.consuming(SUBSCRIPTION, first, 4):
            await publish_until_handled(first)
            async with another.consuming(SUBSCRIPTION, second, 4):
                await publish_until_handled(second)
            await publish_until_handled(first)
            await eventually_true(lambda: has_waiting(broker, SUBSCRIPTION, 0))
    assert len(first.deliveries) + len(second.deliveries) >= len(sent)


async def test_what_one_replica_hands_back_reaches_the_others(own_settings: BrokerSettings) -> None:
    """An older release keeps its partitions for as long as it runs, and hands back what only the newer one knows."""
    newer = RecordingHandler()
    handed_back = Counter[int]()

    async def older(delivery: Delivery) -> Verdict:
        handed_back[delivery.attempt] += 1
        return Retry(0.05, "unknown to this release")

    async with (
        opened(own_settings) as broker,
        opened(own_settings) as another,
        broker.consuming(SUBSCRIPTION, older, 16),
        another.consuming(SUBSCRIPTION, newer, 16),
    ):
        sent = 0
        while handed_back[1] < 50:
            await broker.publish(new_messages(TYPE, 10, key=str(uuid4())))
            sent += 10
            await asyncio.sleep(0.05)
        await eventually(lambda: len(newer.deliveries) >= sent)


async def test_settled_messages_behind_an_unsettled_one_are_not_committed(own_settings: BrokerSettings) -> None:
    gate = asyncio.Event()
    sent = new_messages(TYPE, 10, key="one")
    handled: list[bytes] = []

    async def handle(delivery: Delivery) -> Done:
        if delivery.body == sent[3].body:
            await gate.wait()
        handled.append(delivery.body)
        return Done()

    async with opened(own_settings) as broker:
        async with broker.consuming(SUBSCRIPTION, handle, 16):
            await broker.publish(sent)
            await eventually(lambda: len(handled) == 9)
            # Only offsets below the unsettled message are committed.
            await eventually_true(lambda: has_waiting(broker, SUBSCRIPTION, 7))
            gate.set()
        assert await broker.depth(SUBSCRIPTION) == Depth(waiting=0, dead=0)


HOLDING = """
import asyncio, sys
from pathlib import Path

from pydantic import SecretStr

from chassis.messaging.brokers.kafka import BrokerSettings, KafkaBroker
from chassis.messaging.port import Subscription

url, name, type, log = sys.argv[1:]

async def hold(delivery):
    with Path(log).open("a") as file:
        file.write("x")
    await asyncio.Event().wait()

async def main():
    settings = BrokerSettings(url=SecretStr(url), session_timeout_seconds=2, topic_replication=1)
    broker = KafkaBroker(settings, "warehouse")
    await broker.open()
    async with broker.consuming(Subscription(name, [type]), hold, 16):
        await asyncio.Event().wait()

asyncio.run(main())
"""
