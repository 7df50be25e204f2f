"""The stand-in keeps the same promises as the real database."""

from ..bookkeeping import HistoryContract, InboxContract
from ..outboxes import OutboxContract
from ..refusals import RefusalContract


class TestOutbox(OutboxContract):
    """Everything about what goes out."""


class TestRefusals(RefusalContract):
    """Everything about what the broker does not want."""


class TestInbox(InboxContract):
    """Everything about what comes in."""


class TestHistory(HistoryContract):
    """Everything about what is kept of it."""
