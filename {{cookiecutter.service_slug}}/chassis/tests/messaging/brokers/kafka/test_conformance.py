"""The Kafka adapter passes the suites of every broker adapter."""

from chassis.testing.brokers import BrokerConformance, DeadLetterConformance
from chassis.testing.messaging import EventLifecycleConformance


class TestDelivery(BrokerConformance):
    """Delivery."""


class TestDeadLetters(DeadLetterConformance):
    """Dead letters."""


class TestEventLifecycle(EventLifecycleConformance):
    """Outbox, relay, broker and inbox together."""

    outages = 20  # a group takes seconds to form, and Kafka counts no deliveries
