"""Sessions whose statements are part of a trace."""

from collections.abc import Sequence

from ..telemetry.statements import statement_span
from .connections import Connection
from .driver import Row, Value

SYSTEM = "mysql"


class TracedConnection(Connection):
    """A session. BEGIN and COMMIT are statements too: they tell how long the disk took."""

    async def fetch(self, statement: str, *values: Value) -> Sequence[Row]:
        """All rows of a query."""
        with statement_span(SYSTEM, statement):
            return await super().fetch(statement, *values)

    async def execute(self, statement: str, *values: Value) -> int:
        """Change something; says how many rows the statement met."""
        with statement_span(SYSTEM, statement):
            return await super().execute(statement, *values)

    async def run(self, statement: str) -> None:
        """Run a statement that takes no values."""
        with statement_span(SYSTEM, statement):
            await super().run(statement)
