"""Responses by idempotency key, within a transaction on SQLite."""

from datetime import datetime
from typing import TYPE_CHECKING

from ...errors import KeyInUse, KeyReused
from ..port import IdempotencyKey

if TYPE_CHECKING:
    from .transaction import SqliteTransaction

SELECT = "SELECT fingerprint, response FROM idempotency_keys WHERE key = ?"

INSERT = "INSERT INTO idempotency_keys (key, fingerprint, response, created_at) VALUES (?, ?, ?, ?)"

# A bounded share at a time, because all other writers wait meanwhile.
DELETE_OLD = """
DELETE FROM idempotency_keys
WHERE key IN (SELECT key FROM idempotency_keys WHERE created_at < ? LIMIT 1000)
"""


class SqliteIdempotencyStore:
    """Claims are a set in memory: one process has the file."""

    def __init__(self, transaction: "SqliteTransaction", claimed: set[str]) -> None:
        self._transaction = transaction
        self._claimed = claimed
        self._mine: set[str] = set()

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Mark the key as taken, then look for a response."""
        if key.value in self._claimed:
            raise KeyInUse
        self._claimed.add(key.value)
        self._mine.add(key.value)
        rows = await self._transaction.fetch(SELECT, key.value)
        if not rows:
            return None
        fingerprint, response = rows[0]
        if fingerprint != key.fingerprint:
            raise KeyReused
        return bytes(response)

    async def save_response(self, key: IdempotencyKey, response: bytes, at: datetime) -> None:
        """Insert the response; it becomes visible together with its effect."""
        await self._transaction.execute(INSERT, key.value, key.fingerprint, response, at)

    def release(self) -> None:
        """Release the keys, at the end of the transaction."""
        self._claimed -= self._mine
        self._mine.clear()
