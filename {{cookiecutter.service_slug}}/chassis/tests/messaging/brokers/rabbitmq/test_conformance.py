"""RabbitMQ passes the suites of every broker."""

from chassis.testing.brokers import BrokerConformance, DeadLetterConformance
from chassis.testing.messaging import EventLifecycleConformance


class TestDelivery(BrokerConformance):
    """Delivery."""


class TestDeadLetters(DeadLetterConformance):
    """Dead letters."""


class TestEventLifecycle(EventLifecycleConformance):
    """Outbox, relay, broker and inbox together."""
