"""Streams and consumers as the server reports them."""

from dataclasses import dataclass

import pytest
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from chassis.errors import Unavailable
from chassis.messaging.brokers.nats import BrokerSettings, NatsBroker
from chassis.messaging.port import Dead, Done, Message, Subscription
from chassis.testing.brokers import (
    CONCURRENCY,
    BrokerFixtures,
    RecordingHandler,
    bodies_of,
    eventually_true,
    has_dead,
    new_messages,
)

from .conftest import opened


@dataclass
class Names:
    """Names of a subscription to its own service's events."""

    subscription: Subscription
    service: str
    consumer: str


class TestTopology(BrokerFixtures):
    """Streams and consumers."""

    @pytest.fixture
    def names(self, type: str) -> Names:
        """A service that no other test uses, with one subscription."""
        service = type.split(".")[0]
        return Names(Subscription(f"{service}.history", [type]), service, f"{service}_history_thing")

    async def test_declares_streams_that_drop_no_unseen_event(
        self, broker: NatsBroker, jetstream: JetStreamContext, names: Names
    ) -> None:
        async with broker.consuming(names.subscription, RecordingHandler(), CONCURRENCY):
            pass
        expected = {
            names.service: (f"events.{names.service}.>", RetentionPolicy.LIMITS, 168 * 3600),
            f"{names.service}-dead-letters": (f"dead-letters.{names.service}.>", RetentionPolicy.LIMITS, 0),
            f"{names.service}-replays": (f"replays.{names.service}.>", RetentionPolicy.WORK_QUEUE, 0),
        }
        for stream, (subject, retention, max_age) in expected.items():
            config = (await jetstream.stream_info(stream)).config
            assert subject in (config.subjects or [])
            assert (config.retention, config.max_age, config.discard) == (retention, max_age, DiscardPolicy.NEW)
            assert (config.storage, config.num_replicas) == (StorageType.FILE, 1)
            assert (config.max_bytes, config.max_msgs, config.duplicate_window) == (-1, -1, 120)

    async def test_declares_a_consumer_without_a_delivery_limit(
        self, broker: NatsBroker, jetstream: JetStreamContext, names: Names
    ) -> None:
        async with broker.consuming(names.subscription, RecordingHandler(), CONCURRENCY):
            config = (await jetstream.consumer_info(names.service, names.consumer)).config
        assert config.durable_name == names.consumer
        assert config.filter_subject == f"events.{names.service}.thing.*"
        assert (config.ack_policy, config.ack_wait) == (AckPolicy.EXPLICIT, 15)
        assert (config.max_deliver, config.max_ack_pending) == (-1, 50_000)
        assert config.deliver_subject is None

    async def test_receives_all_types_of_a_channel_through_one_consumer_in_order(
        self, broker: NatsBroker, jetstream: JetStreamContext, names: Names
    ) -> None:
        kinds = [f"{names.service}.thing.{action}" for action in ("created", "confirmed", "cancelled")]
        sent = [Message(f"{number}", kinds[number % 3], "one", b"%d" % number) for number in range(60)]
        handler = RecordingHandler()
        async with broker.consuming(Subscription(names.subscription.name, kinds), handler, CONCURRENCY):
            await broker.publish(sent)
            await handler.wait_for(*bodies_of(sent))
            assert [info.name for info in await jetstream.consumers_info(names.service)] == [names.consumer]
        assert handler.bodies == bodies_of(sent)

    async def test_receives_two_channels_of_one_service(self, broker: NatsBroker, names: Names) -> None:
        kinds = [f"{names.service}.thing.created", f"{names.service}.other-thing.created"]
        sent = [message for kind in kinds for message in new_messages(kind, 1, key=kind)]
        handler = RecordingHandler()
        async with broker.consuming(Subscription(names.subscription.name, kinds), handler, CONCURRENCY):
            await broker.publish(sent)
            await handler.wait_for(*bodies_of(sent))

    async def test_stores_an_event_published_twice_only_once(
        self, broker: NatsBroker, jetstream: JetStreamContext, names: Names, type: str
    ) -> None:
        sent = new_messages(type, 3)
        for _ in range(2):
            assert set(await broker.publish(sent)) == {message.id for message in sent}
        assert (await jetstream.stream_info(names.service)).state.messages == 3

    async def test_applies_changed_settings_to_its_own_streams_only(
        self, broker: NatsBroker, broker_settings: BrokerSettings, jetstream: JetStreamContext, names: Names, type: str
    ) -> None:
        await broker.publish(new_messages(type, 1))
        changed = broker_settings.model_copy(update={"retention_hours": 24})
        async with opened(changed) as later:
            stranger = Subscription(f"{names.service}x.copy", [type])
            async with later.consuming(stranger, RecordingHandler(), CONCURRENCY):
                assert (await jetstream.stream_info(names.service)).config.max_age == 168 * 3600
            await later.publish(new_messages(type, 1))
        assert (await jetstream.stream_info(names.service)).config.max_age == 24 * 3600

    async def test_a_full_stream_refuses_new_events_and_drops_no_old_ones(
        self, broker: NatsBroker, jetstream: JetStreamContext, names: Names, type: str
    ) -> None:
        await jetstream.add_stream(
            StreamConfig(names.service, subjects=[f"events.{names.service}.>"], max_bytes=20_000)
        )
        sent = [Message(f"{number}", type, "one", b"%01000d" % number) for number in range(100)]
        confirmed = await broker.publish(sent)
        assert list(confirmed) == [message.id for message in sent[: len(confirmed)]]
        with pytest.raises(Unavailable, match="the storage is full"):
            await broker.publish(sent[len(confirmed) :])
        info = await jetstream.stream_info(names.service)
        assert (info.state.first_seq, info.state.messages) == (1, len(confirmed))
        assert (info.config.max_bytes, info.config.discard) == (20_000, DiscardPolicy.NEW)

    async def test_declares_deleted_streams_and_consumers_again(
        self, broker: NatsBroker, jetstream: JetStreamContext, names: Names, type: str
    ) -> None:
        sent = new_messages(type, 4)
        handler = RecordingHandler(lambda delivery: Dead("no") if delivery.body == sent[3].body else Done())
        async with broker.consuming(names.subscription, handler, CONCURRENCY):
            await broker.publish(sent[:1])
            await handler.wait_for(sent[0].body)
            await jetstream.delete_consumer(names.service, names.consumer)
            assert len(await broker.publish(sent[1:2])) == 1
            await handler.wait_for(sent[1].body)
            await jetstream.delete_stream(names.service)
            assert len(await broker.publish(sent[2:3])) == 1
            await handler.wait_for(sent[2].body)
            await jetstream.delete_stream(f"{names.service}-dead-letters")
            await broker.publish(sent[3:])
            await eventually_true(lambda: has_dead(broker, names.subscription, 1))
