"""Responses by idempotency key, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ...errors import KeyInUse, KeyReused
from ..port import IdempotencyKey

if TYPE_CHECKING:
    from .transaction import MemoryTransaction


@dataclass(frozen=True, slots=True)
class SavedResponse:
    """A response and the request that it answered."""

    fingerprint: bytes
    response: bytes
    at: datetime


class MemoryIdempotencyStore:
    """Takes part in a transaction."""

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Hold a key until the transaction ends."""
        if not self._transaction.hold(f"key {key.value}"):
            raise KeyInUse
        saved = self._transaction.database.responses.get(key.value)
        if saved is None:
            return None
        if saved.fingerprint != key.fingerprint:
            raise KeyReused
        return saved.response

    async def save_response(self, key: IdempotencyKey, response: bytes, at: datetime) -> None:
        """Save the response together with everything else that the transaction changes."""
        responses, saved = self._transaction.database.responses, SavedResponse(key.fingerprint, response, at)
        self._transaction.at_commit(lambda: responses.update({key.value: saved}))
