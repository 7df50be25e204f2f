"""Responses by idempotency key, within a transaction on MySQL."""

from datetime import datetime

from asyncmy.errors import IntegrityError

from ...errors import Interrupted, KeyInUse, KeyReused
from ..port import IdempotencyKey
from .connection import Connection

# Names of locks are shared by the whole server, so the database is part of them; they are compared without case and end
# after 64 characters, hence the digest. Zero: a concurrent request with the same key does not wait, it is refused.
CLAIM = "SELECT GET_LOCK(CONCAT('idempotency:', LEFT(SHA2(CONCAT(DATABASE(), '/', ?), 256), 48)), 0)"

SELECT = "SELECT fingerprint, response FROM idempotency_keys WHERE idempotency_key = ?"

INSERT = "INSERT INTO idempotency_keys (idempotency_key, fingerprint, response, created_at) VALUES (?, ?, ?, ?)"

# A bounded share at a time, so that no long transaction keeps old versions of rows alive.
DELETE_OLD = "DELETE FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT 1000"


class MysqlIdempotencyStore:
    """Claims are named locks, which end with the transaction or its connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Take a named lock, then look for a response."""
        if not await self._connection.claim(CLAIM, key.value):
            raise KeyInUse
        rows = await self._connection.fetch(SELECT, key.value.encode())
        if not rows:
            return None
        fingerprint, response = rows[0]
        if fingerprint != key.fingerprint:
            raise KeyReused
        saved: bytes = response
        return saved

    async def save_response(self, key: IdempotencyKey, response: bytes, at: datetime) -> None:
        """Insert the response; it becomes visible together with its effect."""
        try:
            await self._connection.execute(INSERT, key.value.encode(), key.fingerprint, response, at)
        except IntegrityError as error:  # a named lock does not reach the other servers of a cluster
            raise Interrupted("database", "the same request was faster on another server") from error
