"""The caller that the work at hand is done for. Whatever identifies a caller is here and nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request, or of the request that an event follows from.

    Args:
        subject: identifies a person or a service; None if the caller did not authenticate.
        client_id: the application that it uses; None if unknown.
        address: network address; None where there is no request.
        permissions: what the caller may do, such as `invoices:read`.
    """

    subject: str | None = None
    client_id: str | None = None
    address: str | None = None
    permissions: frozenset[str] = frozenset()

    @property
    def actor(self) -> str:
        """The subject, for logs and audit entries."""
        return self.subject or ANONYMOUS

    def at(self, address: str | None) -> "Caller":
        """The same caller at a network address."""
        return Caller(self.subject, self.client_id, address, self.permissions)


_NOBODY = Caller()
_current: ContextVar[Caller] = ContextVar("caller", default=_NOBODY)


def current_caller() -> Caller:
    """The caller that the work at hand is done for; without a subject for what the service does on its own."""
    return _current.get()


@contextmanager
def acting_for(caller: Caller) -> Iterator[None]:
    """Work inside the block is done for this caller."""
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)
