"""Topics: what is created, with which settings, and what happens where that is not allowed."""

from uuid import uuid4

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # documented, but not marked as exported
    AdminClient,
    NewTopic,
)
from pydantic import SecretStr

from chassis.errors import Unavailable
from chassis.messaging.brokers.kafka import BrokerSettings, KafkaBroker
from chassis.messaging.brokers.kafka.admin import Admin
from chassis.messaging.brokers.kafka.clients import Clients
from chassis.messaging.brokers.kafka.topology import Topics, retry_topic, retry_topics
from chassis.messaging.port import Broker, Subscription
from chassis.testing.brokers import RecordingHandler, new_messages

SUBSCRIPTION = Subscription("shop.history", ["shop.thing.created"])
SETTINGS = BrokerSettings(url=SecretStr("kafka://127.0.0.1:1"))


def topics_of(settings: BrokerSettings, prefix: str) -> set[str]:
    """The topics in the cluster whose names begin with a prefix."""
    found = AdminClient({"bootstrap.servers": settings.servers}).list_topics(timeout=10).topics
    return {name for name in found if name.startswith(prefix)}


async def test_declares_all_topics_of_a_subscription_repeatedly_without_harm(
    broker: Broker, another: Broker, broker_settings: BrokerSettings
) -> None:
    name = f"test-{uuid4().hex}"
    subscription = Subscription(f"{name}.history", [f"{name}.thing.created", f"{name}.other.created"])
    for each in (broker, another, broker):
        async with each.consuming(subscription, RecordingHandler(), 1):
            assert topics_of(broker_settings, name) == {
                f"{name}.thing",
                f"{name}.other",
                f"{name}.history.retry-1",
                f"{name}.history.retry-2",
                f"{name}.history.retry-3",
                f"{name}.history.dead",
            }


async def test_creates_the_topic_of_a_channel_on_the_first_publish(
    broker: Broker, broker_settings: BrokerSettings
) -> None:
    name = f"test-{uuid4().hex}"
    await broker.publish(new_messages(f"{name}.thing.created", 3))
    assert topics_of(broker_settings, name) == {f"{name}.thing"}


class FakeAdmin(Admin):
    """A cluster that has some topics, and creates others or refuses to."""

    def __init__(self, existing: set[str], error: int | None = None) -> None:
        self.existing = existing
        self.error = error
        self.created: list[NewTopic] = []

    async def check(self) -> None:
        """It answers."""

    async def partitions(self, names: object) -> dict[str, int]:
        """Of existing topics."""
        assert isinstance(names, list)
        return {name: 1 for name in names if name in self.existing}

    def poll(self) -> None:
        """No callbacks."""

    async def create(self, topic: NewTopic) -> None:
        """Create a topic, or refuse."""
        if self.error is not None:
            raise KafkaException(KafkaError(self.error))
        self.created.append(topic)


def topics(admin: Admin) -> Topics:
    """The adapter's topics on this cluster."""
    return Topics(admin, Clients(SETTINGS, "shop"), SETTINGS)


async def test_creates_missing_topics_once_with_their_settings() -> None:
    admin = FakeAdmin({"shop.history.retry-2"})
    declared = topics(admin)
    await declared.declare(SUBSCRIPTION)
    await declared.declare(SUBSCRIPTION)
    assert [(topic.topic, topic.num_partitions, topic.replication_factor) for topic in admin.created] == [
        ("shop.thing", 12, 3),
        ("shop.history.retry-1", 3, 3),
        ("shop.history.retry-3", 3, 3),
        ("shop.history.dead", 1, 3),
    ]
    configs = {topic.topic: topic.config or {} for topic in admin.created}
    assert configs["shop.thing"] == {"min.insync.replicas": "2"}
    assert configs["shop.history.dead"]["cleanup.policy"] == "compact"
    assert "cleanup.policy" not in configs["shop.history.retry-1"]


async def test_existing_topics_need_no_permission_to_create_them() -> None:
    admin = FakeAdmin({"shop.thing"}, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
    await topics(admin).declare_channels({"shop.thing"})


@pytest.mark.parametrize(
    "error",
    [
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.POLICY_VIOLATION,
    ],
)
async def test_is_not_healthy_where_a_topic_is_missing_and_may_not_be_created(
    error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = KafkaBroker(SETTINGS, "shop")
    admin = FakeAdmin(set(), error)
    monkeypatch.setattr(broker, "_admin", admin)
    monkeypatch.setattr(broker, "_topics", topics(admin))
    await broker.check()
    with pytest.raises(Unavailable, match="a topic is missing and may not be created"):
        await broker._topics.declare(SUBSCRIPTION)
    with pytest.raises(Unavailable, match="a topic is missing and may not be created"):
        await broker.check()


async def test_a_topic_that_another_process_has_just_created_is_accepted() -> None:
    admin = FakeAdmin(set(), KafkaError.TOPIC_ALREADY_EXISTS)
    await topics(admin).declare(SUBSCRIPTION)


async def test_too_few_servers_for_the_replicas_are_reported() -> None:
    admin = FakeAdmin(set(), KafkaError.INVALID_REPLICATION_FACTOR)
    with pytest.raises(Unavailable, match="fewer servers than BROKER_TOPIC_REPLICATION"):
        await topics(admin).declare(SUBSCRIPTION)


@pytest.mark.parametrize(
    ("seconds", "topic"),
    [(0, "retry-1"), (0.99, "retry-1"), (1, "retry-2"), (9.9, "retry-2"), (10, "retry-3"), (3_600, "retry-3")],
)
def test_short_and_long_delays_have_topics_of_their_own(seconds: float, topic: str) -> None:
    assert retry_topic(SUBSCRIPTION, seconds, 1) == f"shop.history.{topic}"
    assert {retry_topic(SUBSCRIPTION, seconds, attempt) for attempt in range(8)} == set(retry_topics(SUBSCRIPTION))
