"""The outbox: events that wait to be published, and the relay that publishes them."""

from .metrics import OutboxAge, OutboxMetrics
from .outbox_check import outbox_check
from .port import Backlog, Batch, Outbox, OutboxListener, WaitingMessage
from .relay import Relay
from .transactions import OutboxTransactions

__all__ = [
    "Backlog",
    "Batch",
    "Outbox",
    "OutboxAge",
    "OutboxListener",
    "OutboxMetrics",
    "OutboxTransactions",
    "Relay",
    "WaitingMessage",
    "outbox_check",
]
