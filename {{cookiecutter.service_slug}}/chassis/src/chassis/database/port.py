"""The interface of a database. Each adapter passes `chassis.testing.database`."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from ..audit.entry import AuditEntry
from ..audit.port import AuditLog, AuditQuery
from ..domain import Aggregate, DomainEvent, Transaction

T = TypeVar("T")
# The values of a row, in the order of the columns that the statement names.
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class PoolUsage:
    """Connections at this moment."""

    in_use: int
    idle: int
    limit: int


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's key and a digest of the request it came with: one key never stands for two requests.

    See the IETF draft "The Idempotency-Key HTTP Header Field".
    """

    value: str
    fingerprint: bytes


class IdempotencyStore(Protocol):
    """Responses given earlier, stored in the transaction that had the effect."""

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Hold a key until the transaction ends; must come before any other step in it.

        Returns:
            the response saved earlier, or None if this is the first time.

        Raises:
            KeyReused: the key was used for another request.
            KeyInUse: another transaction holds the key.
        """
        ...

    async def save_response(self, key: IdempotencyKey, response: bytes, at: datetime) -> None:
        """Save the response for a repeated request."""
        ...


class DatabaseTransaction(Transaction, Protocol):
    """A transaction as the chassis uses it."""

    @property
    def idempotency(self) -> IdempotencyStore: ...

    @property
    def audit(self) -> AuditLog: ...

    def collect(self, aggregate: Aggregate[Any]) -> None:
        """Take over the events that a stored aggregate has recorded. Repositories call this after each write."""
        ...


class SqlTransaction(DatabaseTransaction, Protocol):
    """A transaction on a database that speaks SQL; statements run on its connection.

    Values may be `UUID`, an aware `datetime`, `str`, `int`, `bytes` or None; the adapter turns them into what its
    driver takes. Rows come back as the driver returns them.
    """

    async def execute(self, statement: str, *values: Any) -> int:
        """Run a statement that changes rows; returns how many it matched."""
        ...

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query; returns all rows."""
        ...


def sql(transaction: Transaction) -> SqlTransaction:
    """The transaction as one on which statements run. Raises TypeError for a transaction of another kind."""
    if not hasattr(transaction, "fetch"):
        raise TypeError(f"{type(transaction).__name__} does not run SQL: it belongs to another kind of database")
    return cast(SqlTransaction, transaction)


class Database(Protocol):
    """Opened once, checked for health, closed at the end; safe for concurrent use by one event loop."""

    @property
    def kind(self) -> str:
        """The kind of database, for /info and telemetry."""
        ...

    async def open(self) -> None:
        """Prepare for use; a server that is away now may come later and is not an error here."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...

    def begin(self) -> AbstractAsyncContextManager[DatabaseTransaction]:
        """A transaction: commits at the end of the block, rolls back if it raises.

        Raises:
            Interrupted: the database failed before the commit, or reports a rollback; nothing is stored.
            Unavailable: it cannot be used, or failed during the commit, whose outcome is then unknown.
        """
        ...

    async def check(self) -> None:
        """Raise Unavailable, with a reason that may be shown, unless it answers and its schema is complete."""
        ...

    async def purge_idempotency_keys(self, before: datetime) -> int:
        """Delete responses saved before a time; returns how many."""
        ...

    async def find_audit_entries(self, wanted: AuditQuery) -> Sequence[AuditEntry]:
        """The newest entries of the audit log that a query describes, the newest first."""
        ...

    async def purge_audit_entries(self, before: datetime) -> int:
        """Delete entries recorded before a time; returns how many. The service's own account may lack the right."""
        ...

    def usage(self) -> PoolUsage:
        """Its connections at this moment."""
        ...


class SqlDatabase(Database, Protocol):
    """A database that speaks SQL."""

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a query outside a transaction; returns all rows. Retried where that is safe.

        Raises:
            Unavailable: the database cannot be used.
        """
        ...


class TransactionRunner(Protocol):
    """Where transactions run."""

    async def run(self, step: Callable[[DatabaseTransaction], Awaitable[T]]) -> T:
        """Run a step in a transaction and commit it; nothing is stored if it raises.

        Args:
            step: may run again if the database fails half-way, so it must touch nothing but its transaction.

        Raises:
            Unavailable: the database cannot be used; whether a commit still succeeded may be unknown.
        """
        ...


class CommitObserver(Protocol):
    """Learns about committed events, once each. Must not raise: the change is stored already."""

    def __call__(self, events: Sequence[DomainEvent], /) -> None: ...
