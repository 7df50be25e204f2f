"""One effect for each request, however often it is sent (IETF draft "The Idempotency-Key HTTP Header Field")."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The client's key and a digest of the request it came with: one key never stands for two requests."""

    value: str
    fingerprint: bytes
