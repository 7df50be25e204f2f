"""Conformance suites for broker adapters, and what their tests need.

An adapter's tests subclass both suites and give two fixtures: `broker`, an open adapter, and `another`, a second one
on the same server, as in another process::

    class TestDelivery(BrokerConformance): ...

    class TestDeadLetters(DeadLetterConformance): ...
"""

import pytest

# Before the imports: failed assertions of these modules then show their values, as those of a test module do.
pytest.register_assert_rewrite(f"{__name__}.delivery", f"{__name__}.dead_letters")

from .dead_letters import DeadLetterConformance, dead_letter_all  # noqa: E402
from .delivery import BrokerConformance, BrokerFixtures  # noqa: E402
from .recording import (  # noqa: E402
    CONCURRENCY,
    TIMEOUT_SECONDS,
    RecordingHandler,
    bodies_of,
    eventually,
    eventually_true,
    has_dead,
    has_waiting,
    new_messages,
    publish_all,
)

__all__ = [
    "CONCURRENCY",
    "TIMEOUT_SECONDS",
    "BrokerConformance",
    "BrokerFixtures",
    "DeadLetterConformance",
    "RecordingHandler",
    "bodies_of",
    "dead_letter_all",
    "eventually",
    "eventually_true",
    "has_dead",
    "has_waiting",
    "new_messages",
    "publish_all",
]
