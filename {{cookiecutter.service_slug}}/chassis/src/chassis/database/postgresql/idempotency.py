"""Responses by idempotency key, on the connection of a transaction."""

from datetime import datetime

from ...errors import KeyInUse, KeyReused
from ..port import IdempotencyKey
from .connection import Connection

# Held until the transaction ends; a concurrent duplicate of the request is refused instead of waiting.
CLAIM = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"

SELECT = "SELECT fingerprint, response FROM idempotency_keys WHERE key = $1"

INSERT = "INSERT INTO idempotency_keys (key, fingerprint, response, created_at) VALUES ($1, $2, $3, $4)"

# In bounded steps, so that no long transaction holds up vacuum.
DELETE = """
DELETE FROM idempotency_keys
WHERE key IN (SELECT key FROM idempotency_keys WHERE created_at < $1 LIMIT 1000)
"""


class PostgresIdempotencyStore:
    """Takes part in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Take an advisory lock that ends with the transaction, then look for a response."""
        if not await self._connection.fetchval(CLAIM, key.value):
            raise KeyInUse
        row = await self._connection.fetchrow(SELECT, key.value)
        if row is None:
            return None
        if row["fingerprint"] != key.fingerprint:
            raise KeyReused
        response: bytes = row["response"]
        return response

    async def save_response(self, key: IdempotencyKey, response: bytes, at: datetime) -> None:
        """Insert the response; it becomes visible together with its effect."""
        await self._connection.execute(INSERT, key.value, key.fingerprint, response, at)
