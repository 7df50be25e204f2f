"""Outbox, inbox and history in memory, beside the aggregates."""

from .history import MemoryHistory
from .inbox import MemoryInbox
from .outbox import MemoryOutbox
from .storage import MemoryMessageStorage

__all__ = ["MemoryHistory", "MemoryInbox", "MemoryMessageStorage", "MemoryOutbox"]
