"""Conformance suites for the storage of messages, and checks of a service's event catalog.

An adapter's tests subclass the suites and give two fixtures: `database`, open and empty, and `storage`, the
MessageStorage on it. Each test has its own::

    class TestOutbox(OutboxConformance): ...

    class TestInbox(InboxConformance): ...

    class TestHistory(HistoryConformance): ...

A broker adapter's tests subclass EventLifecycleConformance, beside the suites of `chassis.testing.brokers`.
"""

import pytest

# Before the imports: failed assertions of these modules then show their values, as those of a test module do.
_SUITES = ("history", "inbox", "lifecycle", "outbox", "refused", "relays")
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in _SUITES))

from .catalog import assert_catalog_is_complete  # noqa: E402
from .event_versions import objections  # noqa: E402
from .history import HistoryConformance  # noqa: E402
from .inbox import InboxConformance  # noqa: E402
from .lifecycle import EventLifecycleConformance  # noqa: E402
from .message_schemas import MessageSchemas  # noqa: E402
from .outbox import OutboxConformance  # noqa: E402
from .published_fields import assert_fields_are_published  # noqa: E402
from .relays import FailingBroker, relaying  # noqa: E402
from .storage import new_entry, new_message, new_messages  # noqa: E402

__all__ = [
    "EventLifecycleConformance",
    "FailingBroker",
    "HistoryConformance",
    "InboxConformance",
    "MessageSchemas",
    "OutboxConformance",
    "assert_catalog_is_complete",
    "assert_fields_are_published",
    "new_entry",
    "new_message",
    "new_messages",
    "objections",
    "relaying",
]
