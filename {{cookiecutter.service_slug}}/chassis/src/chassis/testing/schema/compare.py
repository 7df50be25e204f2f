"""Finds what migrations and tables do not have in common, and names the remedy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Constraint, MetaData
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import (
    CheckConstraint,
    CreateColumn,
    CreateIndex,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from .batches import CONSTRAINTS, operations
from .replay import TableState, replay

# Kind and name of a part of a table, and its definition.
Parts = dict[tuple[str, str], str]
_ADD = {"column": "add_column", "index": "create_index", "constraint": "execute", **dict(CONSTRAINTS.values())}
_DROP = {"column": "drop_column", "index": "drop_index"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Migrations and tables, compared.

    Args:
        differences: each with its remedy, and operations that fail on this database; empty if they agree.
        unchecked: raw SQL in migrations, whose effect the comparison does not see.
    """

    differences: Sequence[str]
    unchecked: Sequence[str]


def check_schema(folders: Sequence[Path], dialect: str, metadata: MetaData) -> Sequence[str]:
    """Raise AssertionError, with every difference and its remedy, unless migrations lead to these tables.

    Args:
        folders: of revision files, such as `migrations/versions`.
        dialect: the service's database, by SQLAlchemy's name for it.
        metadata: the tables as they should be.

    Returns:
        raw SQL in migrations, whose effect was not checked.
    """
    found = compare_schema(folders, dialect, metadata)
    assert not found.differences, "\n".join(
        ["migrations and table definitions differ:", *(f"- {each}" for each in found.differences)]
        + [f"- unchecked: {each}" for each in found.unchecked]
    )
    return found.unchecked


def compare_schema(folders: Sequence[Path], dialect: str, metadata: MetaData) -> Comparison:
    """Compare without a server. See `check_schema`."""
    outcome = replay(folders, dialect)
    migrated = {name: _parts(state, outcome.dialect) for name, state in outcome.tables.items()}
    defined = {name: _parts(TableState.of(table), outcome.dialect) for name, table in metadata.tables.items()}
    differences = [
        difference
        for name in sorted({*migrated, *defined})
        for difference in _compare_table(name, migrated.get(name), defined.get(name), outcome.dialect)
    ]
    return Comparison([*outcome.refused, *differences], outcome.unchecked)


def _compare_table(table: str, migrated: Parts | None, defined: Parts | None, dialect: Dialect) -> Iterator[str]:
    if defined is None:
        yield f"table `{table}` is left by the migrations but not defined: drop it in a new revision, or define it"
    elif migrated is None:
        yield f"table `{table}` is defined but no migration creates it: add a revision with op.create_table"
    else:
        for part in sorted({*migrated, *defined}):
            if migrated.get(part) != defined.get(part):
                yield _difference(table, part, migrated.get(part), defined.get(part), dialect)


def _difference(table: str, part: tuple[str, str], migrated: str | None, defined: str | None, dialect: Dialect) -> str:
    kind, name = part
    add, drop = _ADD[kind], _DROP.get(kind, "drop_constraint")
    what = f"{kind} `{table}.{name}`"
    if migrated is None:
        missing = f"{what} is defined ({defined}) but no migration adds it"
        return f"{missing}: add a revision with {operations(dialect, table, add)}"
    if defined is None:
        left = f"{what} is left by the migrations ({migrated}) but not defined"
        return f"{left}: define it, or add a revision with {operations(dialect, table, drop)}"
    remedy = operations(dialect, table, *(["alter_column"] if kind == "column" else [drop, add]))
    hint = "; autogenerate may not notice it" if kind == "CHECK constraint" else ""
    return f"{what} is `{migrated}` after the migrations but defined as `{defined}`: add a revision with {remedy}{hint}"


def _parts(state: TableState, dialect: Dialect) -> Parts:
    parts = {
        ("column", name): _text(CreateColumn(each).compile(dialect=dialect)) for name, each in state.columns.items()
    }
    for index in state.indexes:
        parts["index", str(index.name)] = _text(CreateIndex(index).compile(dialect=dialect))
    for constraint in state.constraints:
        definition = _definition(constraint, dialect)
        kind = next((kind for type, (kind, _) in CONSTRAINTS.items() if isinstance(constraint, type)), "constraint")
        if definition:
            parts[kind, str(constraint.name or definition)] = definition
    return parts


def _definition(constraint: Constraint, dialect: Dialect) -> str:
    """The constraint without its name, as far as it can be compared."""
    if isinstance(constraint, CheckConstraint):
        return _text(constraint.sqltext.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    if isinstance(constraint, ForeignKeyConstraint):
        targets = ", ".join(element.target_fullname for element in constraint.elements)
        columns = ", ".join(column.name for column in constraint.columns)
        return f"({columns}) to ({targets}) on delete {constraint.ondelete} on update {constraint.onupdate}"
    if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
        return ", ".join(column.name for column in constraint.columns)
    return ""


def _text(compiled: Any) -> str:
    """SQL on one line."""
    return " ".join(str(compiled).split())
