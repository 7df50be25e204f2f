"""The Kafka adapter passes the suites of every broker adapter."""

from chassis.testing.brokers import BrokerConformance, DeadLetterConformance
from chassis.testing.messaging import EventLifecycleConformance
from tests.messaging.brokers.long_runs import LongRuns


class TestDelivery(BrokerConformance):
    """Delivery."""

    returns = 1  # each time a group takes seconds to form


class TestDeadLetters(DeadLetterConformance):
    """Dead letters."""


class TestEventLifecycle(EventLifecycleConformance):
    """Outbox, relay, broker and inbox together."""


class TestLongRuns(LongRuns):
    """What takes minutes."""

    outages = 20  # a group takes seconds to form, and Kafka counts no deliveries
