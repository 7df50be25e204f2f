"""The stand-in keeps the same promises as the real broker."""

import pytest

from {{ cookiecutter.package_name }}.infrastructure.messaging.in_process import InProcessBroker

from ..brokers import DeliveryContract
from ..dead_letters import DeadLetterContract


class InProcess:
    """Two processes cannot share it, so that `another` is the same one."""

    @pytest.fixture
    def broker(self) -> InProcessBroker:
        """A new one."""
        return InProcessBroker()

    @pytest.fixture
    def another(self, broker: InProcessBroker) -> InProcessBroker:
        """The same one."""
        return broker


class TestDelivery(InProcess, DeliveryContract):
    """Everything about delivery."""


class TestDeadLetters(InProcess, DeadLetterContract):
    """Everything about dead letters."""
