"""{{ cookiecutter.__Entity }} in the service's database, and in memory for a first look and for tests."""

from uuid import UUID

from chassis.database.memory import MemoryAggregates
from chassis.database.port import SqlDatabase, SqlTransaction, sql
from chassis.domain import NotFound, Page, Transaction, VersionConflict

from ...domain.{{ cookiecutter.__entities }}.model import {{ cookiecutter.__Entity }}
from ...domain.{{ cookiecutter.__entities }}.values import Status
from . import statements

AFTER_EVERYTHING = UUID(int=2**128 - 1)


class Sql{{ cookiecutter.__Entity }}s:
    """Reads rows, and binds a repository to a transaction."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    def within(self, transaction: Transaction) -> "Sql{{ cookiecutter.__Entity }}Repository":
        """The repository within a transaction of this database."""
        return Sql{{ cookiecutter.__Entity }}Repository(sql(transaction))

    async def find(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read one."""
        rows = await self._database.fetch(statements.SELECT, id)
        if not rows:
            raise NotFound({{ cookiecutter.__Entity }}.noun, id)
        return statements.to_aggregate(rows[0])

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page[{{ cookiecutter.__Entity }}]:
        """Read one row more than asked for: it tells whether another page follows."""
        bounds = (after or AFTER_EVERYTHING, limit + 1)
        if status is None:
            rows = await self._database.fetch(statements.PAGE, *bounds)
        else:
            rows = await self._database.fetch(statements.PAGE_BY_STATUS, status.value, *bounds)
        return Page.cut([statements.to_aggregate(row) for row in rows], limit)


class Sql{{ cookiecutter.__Entity }}Repository:
    """The rows within one transaction."""

    def __init__(self, transaction: SqlTransaction) -> None:
        self._transaction = transaction

    async def add(self, new: {{ cookiecutter.__Entity }}) -> None:
        """Insert a row."""
        await self._transaction.execute(
            statements.INSERT,
            new.id,
            new.reference.value,
            new.quantity.value,
            new.status.value,
            new.version,
            new.created_at,
            new.updated_at,
        )
        self._transaction.collect(new)

    async def get(self, id: UUID) -> {{ cookiecutter.__Entity }}:
        """Read a row and lock it until the transaction ends."""
        rows = await self._transaction.fetch(statements.SELECT_FOR_UPDATE, id)
        if not rows:
            raise NotFound({{ cookiecutter.__Entity }}.noun, id)
        return statements.to_aggregate(rows[0])

    async def save(self, changed: {{ cookiecutter.__Entity }}) -> None:
        """Update the row if it still has the version that was read."""
        updated = await self._transaction.execute(
            statements.UPDATE,
            changed.reference.value,
            changed.quantity.value,
            changed.status.value,
            changed.version,
            changed.updated_at,
            changed.id,
            changed.stored_version,
        )
        if not updated:
            rows = await self._transaction.fetch(statements.SELECT_VERSION, changed.id)
            raise VersionConflict({{ cookiecutter.__Entity }}.noun, rows[0][0] if rows else 0)
        self._transaction.collect(changed)


class Memory{{ cookiecutter.__Entity }}s(MemoryAggregates[{{ cookiecutter.__Entity }}]):
    """Copies in a dictionary."""

    aggregate = {{ cookiecutter.__Entity }}

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page[{{ cookiecutter.__Entity }}]:
        """The newest first."""
        found = self.newest(lambda each: status is None or each.status is status, after, limit + 1)
        return Page.cut(found, limit)
