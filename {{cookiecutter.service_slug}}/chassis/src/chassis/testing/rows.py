"""A table in memory that understands the statements of a repository: shows which field a statement forgets.

A unit test stores an aggregate, reads it, changes every field, saves it and reads it again. A column that is missing
in INSERT, UPDATE or SELECT makes what is read differ from what was stored, without a server.

It understands `INSERT INTO t (columns) VALUES (placeholders)`, `UPDATE t SET column = placeholder, ... WHERE ...` and
`SELECT columns FROM t WHERE ...`, with conditions `column = placeholder` joined by AND, and placeholders `$1` or `?`.
What follows the conditions, such as `FOR UPDATE`, is ignored. Values are stored as they are given, or as the
adapter encodes them.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from ..audit.entry import AuditEntry
from ..audit.port import AuditLog, AuditQuery
from ..database.port import IdempotencyStore, PoolUsage, Row
from ..domain import Aggregate, DomainEvent

_insert = re.compile(r"INSERT INTO (\w+) ?\(([^)]*)\) VALUES ?\((.*)\)\Z", re.IGNORECASE)
_update = re.compile(r"UPDATE (\w+) SET (.*?) WHERE (.*)\Z", re.IGNORECASE)
_select = re.compile(r"SELECT (.*?) FROM (\w+) WHERE (.*)\Z", re.IGNORECASE)
_assignment = re.compile(r"(\w+) ?= ?(\$\d+|\?)")
_suffix = re.compile(r" (?:FOR|ORDER BY|LIMIT|LOCK IN) .*", re.IGNORECASE)


def _unchanged(value: Any) -> Any:
    return value


class UnknownStatement(AssertionError):
    """A statement that this table does not understand."""


class RecordedTable:
    """One table: both the database that is given to a repository, and its transaction.

    Attributes:
        rows: by column. A column that INSERT does not name is absent; SELECT returns None for it.
        events: collected from stored aggregates.
        never_written: columns that SELECT has read of rows without them.
    """

    kind = "recorded"
    idempotency: IdempotencyStore
    audit: AuditLog

    def __init__(self, encode: Callable[[Any], Any] = _unchanged) -> None:
        """Create an empty table.

        Args:
            encode: what the adapter does with a value before its driver sees it; by default nothing.
        """
        self._encode = encode
        self.rows: list[dict[str, Any]] = []
        self.events: list[DomainEvent] = []
        self.never_written: set[str] = set()

    async def execute(self, statement: str, *values: Any) -> int:
        """Run an INSERT or an UPDATE; returns how many rows it matched."""
        text, given = _prepared(statement, [self._encode(value) for value in values])
        if found := _insert.match(text):
            self.rows.append(_zip(_names(found[2]), found[3].split(","), given))
            return 1
        if found := _update.match(text):
            matching = list(self._matching(found[3], given))
            for row in matching:
                row.update(_assigned(found[2].split(","), given))
            return len(matching)
        raise UnknownStatement(text)

    async def fetch(self, statement: str, *values: Any) -> Sequence[Row]:
        """Run a SELECT; returns the rows."""
        text, given = _prepared(statement, [self._encode(value) for value in values])
        if found := _select.match(text):
            names = _names(found[1])
            rows = list(self._matching(found[3], given))
            self.never_written |= {name for row in rows for name in names if name not in row}
            return [[row.get(name) for name in names] for row in rows]
        raise UnknownStatement(text)

    def collect(self, aggregate: Aggregate[Any]) -> None:
        """Take over the events that a stored aggregate has recorded."""
        self.events += aggregate.take_events()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["RecordedTable"]:
        """A transaction; it cannot be rolled back."""
        yield self

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def check(self) -> None:
        """Always available."""

    async def purge_idempotency_keys(self, before: datetime) -> int:
        """It holds none."""
        del before
        return 0

    async def find_audit_entries(self, wanted: AuditQuery) -> Sequence[AuditEntry]:
        """It holds none."""
        del wanted
        return []

    async def purge_audit_entries(self, before: datetime) -> int:
        """It holds none."""
        del before
        return 0

    def usage(self) -> PoolUsage:
        """No connections."""
        return PoolUsage(in_use=0, idle=0, limit=0)

    def _matching(self, conditions: str, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        parts = re.split(r" AND ", _suffix.sub("", f"{conditions} "), flags=re.IGNORECASE)
        expected = _assigned(parts, given)
        for row in self.rows:
            if all(row.get(name) == value for name, value in expected.items()):
                yield row


def _prepared(statement: str, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """The statement on one line, its placeholders as `$n`, and the value of each."""
    text = " ".join(statement.split()).rstrip("; ").replace("`", "").replace('"', "")
    numbers = iter(range(1, len(values) + 1))
    text = re.sub(r"\?", lambda _: f"${next(numbers, 0)}", text)
    used = set(re.findall(r"\$\d+", text))
    given = {f"${number}": value for number, value in enumerate(values, 1)}
    if used != given.keys():
        raise UnknownStatement(
            f"{len(values)} values for {len(used)} placeholders ({', '.join(sorted(used))}): name each column once "
            f"in the statement, and give its value in the same order: {text}"
        )
    return text, given


def _names(columns: str) -> list[str]:
    names = [name.strip() for name in columns.split(",")]
    if unknown := [name for name in names if not re.fullmatch(r"\w+", name)]:
        raise UnknownStatement(f"not a column: {', '.join(unknown)}")
    return names


def _zip(names: Sequence[str], placeholders: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    if len(names) != len(placeholders):
        raise UnknownStatement(f"{len(names)} columns for {len(placeholders)} placeholders: {', '.join(names)}")
    return _assigned([f"{name} = {each.strip()}" for name, each in zip(names, placeholders, strict=True)], given)


def _assigned(parts: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Columns and values of `column = placeholder`."""
    values = {}
    for part in parts:
        found = _assignment.fullmatch(part.strip())
        if found is None:
            raise UnknownStatement(f"not `column = placeholder`: {part.strip()}")
        values[found[1]] = given[found[2]]
    return values
