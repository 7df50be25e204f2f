"""Names on a broker that tests share with each other."""

from uuid import uuid4

import pytest

from chassis.messaging.port import Subscription


@pytest.fixture
def type() -> str:
    """An event type that no other test uses."""
    return f"test-{uuid4().hex}.thing.created"


@pytest.fixture
def subscription(type: str) -> Subscription:
    """A subscription that no other test uses."""
    return Subscription(f"test-{uuid4().hex}.history", [type])
