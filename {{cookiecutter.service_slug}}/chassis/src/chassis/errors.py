"""Failures of what a service depends on, and conflicts between requests."""

from .domain import DomainError


class Unavailable(DomainError):
    """A dependency does not answer; the same request may succeed in a moment.

    Args:
        dependency: its name.
        reason: may be shown: no address, no secret.
        is_outage: True if every request fails now (shut down, read-only, disk full), False if only this one failed
            (a statement that took too long), None if the error does not say.
    """

    def __init__(self, dependency: str, reason: str, *, is_outage: bool | None = None) -> None:
        super().__init__(f"{dependency}: {reason}")
        self.dependency = dependency
        self.reason = reason
        self.is_outage = is_outage


class ReadOnly(Unavailable):
    """A dependency answers queries and accepts no changes, such as a replica, or a primary that was demoted."""

    def __init__(self, dependency: str, reason: str = "the server is read-only") -> None:
        super().__init__(dependency, reason, is_outage=True)


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
