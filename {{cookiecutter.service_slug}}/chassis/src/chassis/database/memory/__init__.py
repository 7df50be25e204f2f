"""A database in memory, for unit tests and a first look. Its data lives as long as the process."""

from .aggregates import MemoryAggregates
from .database import MemoryDatabase
from .transaction import MemoryTransaction

__all__ = ["MemoryAggregates", "MemoryDatabase", "MemoryTransaction"]
