"""Kafka keeps what every broker promises."""

from ...brokers import DeliveryContract
from ...dead_letters import DeadLetterContract


class TestDelivery(DeliveryContract):
    """Everything about delivery."""


class TestDeadLetters(DeadLetterContract):
    """Everything about dead letters."""
