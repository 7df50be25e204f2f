"""One transaction on MySQL: the aggregates and the answers kept for idempotency keys."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from asyncmy.errors import IntegrityError

from ...domain.errors import Interrupted, KeyInUse, KeyReused, NotFound, VersionConflict
from ...domain.events import {{ cookiecutter.__Entity }}Event
from ...domain.idempotency import IdempotencyKey
from ...domain.model import {{ cookiecutter.__Entity }}
from ...domain.values import Quantity, Reference, Status
from . import statements
from .connections import Connection
from .driver import Row


def to_aggregate(row: Row) -> {{ cookiecutter.__Entity }}:
    """Map a row by hand: what an object-relational mapper would do for three times the price of the query."""
    id, reference, quantity, status, version, created_at, updated_at = row
    return {{ cookiecutter.__Entity }}(
        id=UUID(bytes=id),
        reference=Reference(reference),
        quantity=Quantity(quantity),
        status=Status(status),
        version=version,
        created_at=created_at.replace(tzinfo=UTC),
        updated_at=updated_at.replace(tzinfo=UTC),
    )


def to_column(moment: datetime) -> datetime:
    """A moment as a column holds it: in UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


class MysqlRepository:
    """The aggregates, on the connection of the transaction."""

    def __init__(self, connection: Connection, events: list[{{ cookiecutter.__Entity }}Event]) -> None:
        self._connection = connection
        self._events = events

    async def add(self, new: {{ cookiecutter.__Entity }}) -> None:
        """Insert a row."""
        await self._connection.execute(
            statements.INSERT,
            new.id.bytes,
            new.reference.value,
            new.quantity.value,
            new.status.value,
            new.version,
            to_column(new.created_at),
            to_column(new.updated_at),
        )
        self._events += new.take_events()

    async def get(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read a row and keep others from changing it until the transaction ends."""
        rows = await self._connection.fetch(statements.SELECT_TO_CHANGE, id.bytes)
        if not rows:
            raise NotFound(id)
        return to_aggregate(rows[0])

    async def save(self, changed: {{ cookiecutter.__Entity }}) -> None:
        """Update the row if it is still the version that was read."""
        met = await self._connection.execute(
            statements.UPDATE,
            changed.reference.value,
            changed.quantity.value,
            changed.status.value,
            changed.version,
            to_column(changed.updated_at),
            changed.id.bytes,
            changed.stored_version,
        )
        if met != 1:
            rows = await self._connection.fetch(statements.SELECT_VERSION, changed.id.bytes)
            raise VersionConflict(rows[0][0] if rows else 0)
        self._events += changed.take_events()


class MysqlAnswerStore:
    """Answers by idempotency key, on the connection of the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, key: IdempotencyKey) -> bytes | None:
        """Take a named lock that ends with the transaction, then look for an answer."""
        if not await self._connection.claim(statements.CLAIM_KEY, key.value):
            raise KeyInUse
        rows = await self._connection.fetch(statements.SELECT_ANSWER, key.value.encode())
        if not rows:
            return None
        fingerprint, answer = rows[0]
        if fingerprint != key.fingerprint:
            raise KeyReused
        kept: bytes = answer
        return kept

    async def keep(self, key: IdempotencyKey, answer: bytes, at: datetime) -> None:
        """Insert the answer; it becomes visible together with its effect."""
        row = (key.value.encode(), key.fingerprint, answer, to_column(at))
        try:
            await self._connection.execute(statements.INSERT_ANSWER, *row)
        except IntegrityError as error:  # a named lock does not reach the other servers of a cluster
            raise Interrupted("database", "a twin of the request was faster") from error


@dataclass(slots=True)
class MysqlUnitOfWork:
    """What belongs together, on one connection."""

    connection: Connection
    events: list[{{ cookiecutter.__Entity }}Event] = field(default_factory=list)
    {{ cookiecutter.__entities }}: MysqlRepository = field(init=False)
    answers: MysqlAnswerStore = field(init=False)

    def __post_init__(self) -> None:
        self.{{ cookiecutter.__entities }} = MysqlRepository(self.connection, self.events)
        self.answers = MysqlAnswerStore(self.connection)
