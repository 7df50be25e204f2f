"""RabbitMQ passes the suites of every broker."""

from chassis.testing.brokers import BrokerConformance, DeadLetterConformance
from chassis.testing.messaging import EventLifecycleConformance
from tests.messaging.brokers.long_runs import LongRuns


class TestDelivery(BrokerConformance):
    """Delivery."""


class TestDeadLetters(DeadLetterConformance):
    """Dead letters."""


class TestEventLifecycle(EventLifecycleConformance):
    """Outbox, relay, broker and inbox together."""


class TestLongRuns(LongRuns):
    """What takes minutes."""
