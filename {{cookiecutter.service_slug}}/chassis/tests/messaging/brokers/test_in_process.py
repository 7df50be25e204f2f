"""The in-process broker passes the same suites as the real ones."""

import pytest

from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.testing.brokers import BrokerConformance, DeadLetterConformance
from chassis.testing.messaging import EventLifecycleConformance


class InProcess:
    """Fixtures of both suites."""

    @pytest.fixture
    def broker(self) -> InProcessBroker:
        """A new broker."""
        return InProcessBroker()

    @pytest.fixture
    def another(self, broker: InProcessBroker) -> InProcessBroker:
        """The same one: processes cannot share it."""
        return broker


class TestDelivery(InProcess, BrokerConformance):
    """Delivery."""


class TestDeadLetters(InProcess, DeadLetterConformance):
    """Dead letters."""


class TestEventLifecycle(InProcess, EventLifecycleConformance):
    """Outbox, relay, broker and inbox together."""
