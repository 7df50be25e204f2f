"""{{ cookiecutter.__Entity }} in the service's database, and in memory for a first look and for tests."""

from uuid import UUID

from chassis.database.aggregates import SqlAggregates
from chassis.database.memory import MemoryAggregates
from chassis.domain import Page

from ...domain.{{ cookiecutter.__entities }}.model import {{ cookiecutter.__Entity }}
from ...domain.{{ cookiecutter.__entities }}.values import Status
from .statements import PAGE, PAGE_BY_STATUS, STATEMENTS

AFTER_EVERYTHING = UUID(int=2**128 - 1)


class Sql{{ cookiecutter.__Entities }}(SqlAggregates[{{ cookiecutter.__Entity }}]):
    """Rows of the table."""

    aggregate = {{ cookiecutter.__Entity }}
    statements = STATEMENTS

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page[{{ cookiecutter.__Entity }}]:
        """Read one row more than asked for: it tells whether another page follows."""
        bounds = (after or AFTER_EVERYTHING, limit + 1)
        if status is None:
            found = await self.fetch(PAGE, *bounds)
        else:
            found = await self.fetch(PAGE_BY_STATUS, status.value, *bounds)
        return Page.cut(found, limit)


class Memory{{ cookiecutter.__Entities }}(MemoryAggregates[{{ cookiecutter.__Entity }}]):
    """Copies in a dictionary."""

    aggregate = {{ cookiecutter.__Entity }}

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Page[{{ cookiecutter.__Entity }}]:
        """The newest first."""
        found = self.newest(lambda each: status is None or each.status is status, after, limit + 1)
        return Page.cut(found, limit)
