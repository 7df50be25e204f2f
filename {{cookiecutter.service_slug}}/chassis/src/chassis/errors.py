"""Failures of what a service depends on, and conflicts between requests."""

from .domain import DomainError


class Unavailable(DomainError):
    """A dependency does not answer; the same request may succeed in a moment."""

    def __init__(self, dependency: str, reason: str) -> None:
        super().__init__(f"{dependency}: {reason}")
        self.dependency = dependency
        self.reason = reason


class Interrupted(Unavailable):
    """The dependency failed half-way and has stored nothing: the same step can safely run again."""


class KeyReused(DomainError):
    """An idempotency key came back with another request."""

    def __init__(self) -> None:
        super().__init__("this idempotency key was used for another request")


class KeyInUse(DomainError):
    """A request with the same idempotency key has not ended yet."""

    def __init__(self) -> None:
        super().__init__("a request with this idempotency key is still being handled")
