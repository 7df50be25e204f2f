"""The history of aggregates: a projection of published events."""

from .port import History, HistoryEntry
from .recording import RecordHistory, history_handlers

__all__ = ["History", "HistoryEntry", "RecordHistory", "history_handlers"]
