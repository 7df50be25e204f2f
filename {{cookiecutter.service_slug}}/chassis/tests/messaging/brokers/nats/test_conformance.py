"""NATS passes the suites of every broker."""

from chassis.testing.brokers import BrokerConformance, DeadLetterConformance


class TestDelivery(BrokerConformance):
    """Delivery."""


class TestDeadLetters(DeadLetterConformance):
    """Dead letters."""
