"""The topics as the cluster reports them."""

from uuid import uuid4

from confluent_kafka.admin import AdminClient

from {{ cookiecutter.package_name }}.config.broker import BrokerSettings
from {{ cookiecutter.package_name }}.infrastructure.messaging.port import Broker, Subscription

from ...deliveries import Handled, messages


def topics_of(settings: BrokerSettings, prefix: str) -> dict[str, int]:
    """Topics whose names begin so, and how many partitions they have."""
    found = AdminClient({"bootstrap.servers": settings.servers}).list_topics(timeout=10).topics
    return {name: len(topic.partitions) for name, topic in found.items() if name.startswith(prefix)}


async def test_declares_all_topics_of_a_subscription_and_does_so_again_without_harm(
    broker: Broker, another: Broker, broker_settings: BrokerSettings
) -> None:
    name = f"test-{uuid4().hex}"
    subscription = Subscription(f"{name}.history", [f"{name}.thing.created", f"{name}.other.created"])
    for each in (broker, another, broker):
        async with each.consuming(subscription, Handled(), 1):
            assert set(topics_of(broker_settings, name)) == {
                f"{name}.thing",
                f"{name}.other",
                f"{name}.history.retry-1",
                f"{name}.history.retry-2",
                f"{name}.history.retry-3",
                f"{name}.history.dead",
            }


async def test_makes_the_topic_of_a_channel_when_it_is_first_sent_to(
    broker: Broker, broker_settings: BrokerSettings
) -> None:
    name = f"test-{uuid4().hex}"
    await broker.publish(messages(f"{name}.thing.created", 3))
    assert set(topics_of(broker_settings, name)) == {f"{name}.thing"}
