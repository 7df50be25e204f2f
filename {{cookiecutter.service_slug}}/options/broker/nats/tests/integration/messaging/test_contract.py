"""The adapter keeps the contract of every broker, on a real server."""

from ...brokers import DeliveryContract
from ...dead_letters import DeadLetterContract


class TestDelivery(DeliveryContract):
    """Everything about delivery."""


class TestDeadLetters(DeadLetterContract):
    """Everything about dead letters."""
