"""The stand-in keeps the same promises as the real database."""

from ..persistence import PersistenceContract


class TestMemoryDatabase(PersistenceContract):
    """Everything that `database` in conftest.py has to do."""
