"""How topics are made, and what is said if they cannot be."""

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic
from pydantic import SecretStr

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.domain.errors import Unavailable
from {{ cookiecutter.package_name }}.infrastructure.messaging.admin import Admin
from {{ cookiecutter.package_name }}.infrastructure.messaging.connections import Connections
from {{ cookiecutter.package_name }}.infrastructure.messaging.kafka import KafkaBroker
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Subscription
from {{ cookiecutter.package_name }}.infrastructure.messaging.topology import Topics, retry_topic

SUBSCRIPTION = Subscription("shop.history", ["shop.thing.created"])
SETTINGS = BrokerSettings(url=SecretStr("kafka://127.0.0.1:1"))


class FakeAdmin(Admin):
    """A cluster that has some topics, and makes others or refuses to."""

    def __init__(self, there: set[str], refusal: int | None = None) -> None:
        self.there = there
        self.refusal = refusal
        self.made: list[NewTopic] = []

    async def ask_cluster(self) -> None:
        """It answers."""

    async def partitions(self, names: object) -> dict[str, int]:
        """Those that are there."""
        assert isinstance(names, list)
        return {name: 1 for name in names if name in self.there}

    def serve(self) -> None:
        """Nothing to tell."""

    async def create(self, topic: NewTopic) -> None:
        """Make a topic, or refuse."""
        if self.refusal is not None:
            raise KafkaException(KafkaError(self.refusal))
        self.made.append(topic)


def topics(admin: Admin) -> Topics:
    """The adapter's, on this cluster."""
    return Topics(admin, Connections(SETTINGS), SETTINGS)


async def test_makes_what_is_missing_with_its_settings_and_only_once() -> None:
    admin = FakeAdmin({"shop.history.retry-2"})
    declared = topics(admin)
    await declared.declare(SUBSCRIPTION)
    await declared.declare(SUBSCRIPTION)
    assert [(topic.topic, topic.num_partitions, topic.replication_factor) for topic in admin.made] == [
        ("shop.thing", 12, 3),
        ("shop.history.retry-1", 3, 3),
        ("shop.history.retry-3", 3, 3),
        ("shop.history.dead", 1, 3),
    ]
    configs = {topic.topic: topic.config or {} for topic in admin.made}
    assert configs["shop.thing"] == {"min.insync.replicas": "2"}
    assert configs["shop.history.dead"]["cleanup.policy"] == "compact"
    assert "cleanup.policy" not in configs["shop.history.retry-1"]


async def test_needs_no_right_to_make_topics_that_are_there() -> None:
    admin = FakeAdmin({"shop.thing"}, refusal=KafkaError.CLUSTER_AUTHORIZATION_FAILED)
    await topics(admin).declare_channels({"shop.thing"})


@pytest.mark.parametrize(
    "refusal",
    [
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.POLICY_VIOLATION,
    ],
)
async def test_is_not_healthy_where_a_topic_is_missing_and_may_not_be_made(
    refusal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = KafkaBroker(SETTINGS)
    admin = FakeAdmin(set(), refusal)
    monkeypatch.setattr(broker, "_admin", admin)
    monkeypatch.setattr(broker, "_topics", topics(admin))
    await broker.check()
    with pytest.raises(Unavailable, match="a topic is missing and may not be created"):
        await broker._topics.declare(SUBSCRIPTION)
    with pytest.raises(Unavailable, match="a topic is missing and may not be created"):
        await broker.check()


async def test_another_process_may_have_made_it_in_the_meantime() -> None:
    admin = FakeAdmin(set(), KafkaError.TOPIC_ALREADY_EXISTS)
    await topics(admin).declare(SUBSCRIPTION)


async def test_says_so_where_there_are_too_few_servers_for_the_copies() -> None:
    admin = FakeAdmin(set(), KafkaError.INVALID_REPLICATION_FACTOR)
    with pytest.raises(Unavailable, match="fewer servers than BROKER_TOPIC_REPLICATION"):
        await topics(admin).declare(SUBSCRIPTION)


@pytest.mark.parametrize(
    ("seconds", "topic"),
    [(0, "retry-1"), (0.99, "retry-1"), (1, "retry-2"), (9.9, "retry-2"), (10, "retry-3"), (3_600, "retry-3")],
)
def test_a_short_wait_is_not_in_one_topic_with_a_long_one(seconds: float, topic: str) -> None:
    assert retry_topic(SUBSCRIPTION, seconds) == f"shop.history.{topic}"
