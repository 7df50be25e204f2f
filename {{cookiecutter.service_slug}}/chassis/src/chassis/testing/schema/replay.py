"""Runs migrations without a database: operations change descriptions of tables instead."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from alembic.ddl.impl import DefaultImpl
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Constraint, DefaultClause, FetchedValue, Index, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CheckConstraint

from .batches import CONSTRAINTS, needs_batch, operations

_ALTERS = {"add_constraint", "alter_column", "drop_constraint"}


@dataclass
class TableState:
    """A table while migrations change it."""

    columns: dict[str, Column[Any]]
    constraints: list[Constraint]
    indexes: list[Index]

    @classmethod
    def of(cls, table: Table) -> "TableState":
        """A table as it is defined."""
        return cls({each.name: each for each in table.columns}, list(table.constraints), list(table.indexes))

    def drop_column(self, name: str) -> None:
        """Remove a column, with the keys and indexes that need it."""
        self.columns.pop(name, None)
        self.constraints = [
            each for each in self.constraints if isinstance(each, CheckConstraint) or name not in _columns(each)
        ]
        self.indexes = [each for each in self.indexes if name not in _columns(each)]


def _columns(part: Any) -> set[str]:
    return {column.name for column in part.columns}


@dataclass
class Replay:
    """The outcome of migrations.

    Attributes:
        dialect: of the database.
        tables: as the operations leave them.
        unchecked: statements whose effect is unknown.
        refused: operations that fail on this database, each with its remedy.
        revision: the one that runs.
    """

    dialect: Dialect
    tables: dict[str, TableState] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    revision: str = ""

    def require_batch(self, operation: str, table: str) -> None:
        """Refuse an operation outside of a batch if the database cannot alter a table in place."""
        if needs_batch(self.dialect, operation):
            remedy = operations(self.dialect, table, operation)
            self.refused.append(
                f"revision {self.revision} alters `{table}` by op.{operation}, "
                f"which fails on this database ({self.dialect.name}): write {remedy}"
            )


class _Connection:
    """Takes the place of the connection that a migration asks for: returns no rows."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    def execute(self, statement: Any, *_: Any, **__: Any) -> list[Any]:
        self._replay.unchecked.append(str(statement))
        return []

    def scalar(self, statement: Any, *_: Any, **__: Any) -> None:
        self.execute(statement)

    scalars = execute


class _ReplayImpl(DefaultImpl):
    """Called by alembic for each operation."""

    def __init__(self, context: MigrationContext, replay: Replay) -> None:
        super().__init__(context.dialect, None, True, None, StringIO(), {})
        self._replay = replay
        self._in_batch = 0

    @property
    def bind(self) -> Any:
        return _Connection(self._replay)

    def static_output(self, text: str) -> None:
        """No SQL is written."""

    def requires_recreate_in_batch(self, batch_op: Any) -> bool:
        """Tables are descriptions here, so that batches need no copies."""
        self._in_batch += sum(name in _ALTERS for name, *_ in batch_op.batch)
        return False

    def _alters(self, operation: str, table: str) -> None:
        """Alembic calls this class for each operation of a batch right after it asked whether to copy the table."""
        if self._in_batch:
            self._in_batch -= 1
        else:
            self._replay.require_batch(operation, table)

    def execute(self, sql: Any, execution_options: Any = None) -> None:
        del execution_options
        self._replay.unchecked.append(str(sql))

    def bulk_insert(self, table: Any, rows: Any, multiinsert: bool = True) -> None:
        """Rows are not compared."""

    def create_table(self, table: Table, **_: Any) -> None:
        self._replay.tables[table.name] = TableState.of(table)

    def drop_table(self, table: Table, **_: Any) -> None:
        self._replay.tables.pop(table.name, None)

    def rename_table(self, old_table_name: str, new_table_name: str, schema: Any = None) -> None:
        del schema
        self._replay.tables[new_table_name] = self._replay.tables.pop(old_table_name)

    def add_column(self, table_name: str, column: Column[Any], **_: Any) -> None:
        self._replay.tables[table_name].columns[column.name] = column

    def drop_column(self, table_name: str, column: Column[Any], **_: Any) -> None:
        self._replay.tables[table_name].drop_column(column.name)

    def alter_column(
        self,
        table_name: str,
        column_name: str,
        *,
        nullable: bool | None = None,
        server_default: Any = False,
        name: str | None = None,
        type_: Any = None,
        **_: Any,
    ) -> None:
        is_renamed_only = name is not None and nullable is None and server_default is False and type_ is None
        self._alters("rename_column" if is_renamed_only else "alter_column", table_name)
        columns = self._replay.tables[table_name].columns
        column = columns[column_name]
        if nullable is not None:
            column.nullable = nullable
        if type_ is not None:
            column.type = type_
        if server_default is not False:
            is_clause = server_default is None or isinstance(server_default, FetchedValue)
            column.server_default = server_default if is_clause else DefaultClause(server_default)
        if name is not None:
            column.name = name
            columns[name] = columns.pop(column_name)

    def add_constraint(self, const: Any, **_: Any) -> None:
        operation = next((each for type, (_, each) in CONSTRAINTS.items() if isinstance(const, type)), "")
        self._alters(operation, const.table.name)
        self._replay.tables[const.table.name].constraints.append(const)

    def drop_constraint(self, const: Any, **_: Any) -> None:
        self._alters("drop_constraint", const.table.name)
        state = self._replay.tables[const.table.name]
        state.constraints = [each for each in state.constraints if each.name != const.name]

    def create_index(self, index: Index, **_: Any) -> None:
        if index.table is not None:
            self._replay.tables[index.table.name].indexes.append(index)

    def drop_index(self, index: Index, **_: Any) -> None:
        for state in self._replay.tables.values():
            state.indexes = [each for each in state.indexes if each.name != index.name]

    def create_table_comment(self, table: Table) -> None:
        """Comments are not compared."""

    drop_table_comment = create_table_comment

    def create_column_comment(self, column: Column[Any]) -> None:
        """Comments are not compared."""


def replay(folders: Iterable[Path], dialect: str) -> Replay:
    """Run all upgrades.

    Args:
        folders: of revision files.
        dialect: the database, by SQLAlchemy's name for it.
    """
    locations = [str(folder) for folder in folders]
    context = MigrationContext.configure(dialect_name=dialect, opts={"as_sql": True, "output_buffer": StringIO()})
    outcome = Replay(context.dialect)
    context.impl = _ReplayImpl(context, outcome)
    scripts = ScriptDirectory(locations[0], version_locations=locations)
    for script in reversed(list(scripts.walk_revisions())):
        outcome.revision = script.revision
        with Operations.context(context):
            script.module.upgrade()
    return outcome
