"""Databases whose tables can only be altered by copying them: alembic does that in `op.batch_alter_table`."""

from collections.abc import Sequence
from io import StringIO
from typing import Any, NamedTuple

from alembic.ddl.impl import DefaultImpl
from sqlalchemy import Constraint
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint

# A type of constraint, its name in messages, and the operation that creates one.
CONSTRAINTS: dict[type[Constraint], tuple[str, str]] = {
    CheckConstraint: ("CHECK constraint", "create_check_constraint"),
    UniqueConstraint: ("unique constraint", "create_unique_constraint"),
    ForeignKeyConstraint: ("foreign key", "create_foreign_key"),
    PrimaryKeyConstraint: ("primary key", "create_primary_key"),
}
# Columns can be added, dropped and renamed in place everywhere.
_ALTERS = {"alter_column", "drop_constraint", *(operation for _, operation in CONSTRAINTS.values())}


class _Operations(NamedTuple):
    """The part of a batch that alembic asks for when it decides whether a table has to be copied."""

    batch: Sequence[tuple[str, Sequence[Any], dict[str, Any]]]


def needs_batch(dialect: Dialect, operation: str) -> bool:
    """Whether an operation on a table fails outside of a batch."""
    if operation not in _ALTERS:
        return False
    impl = DefaultImpl.get_by_dialect(dialect)(dialect, None, True, None, StringIO(), {})
    return bool(impl.requires_recreate_in_batch(_Operations([(operation, (), {})])))  # type: ignore[arg-type]


def operations(dialect: Dialect, table: str, *names: str) -> str:
    """Operations as a revision has to call them."""
    if any(needs_batch(dialect, name) for name in names):
        calls = "; ".join(f"batch.{name}(...)" for name in names)
        return f'`with op.batch_alter_table("{table}") as batch: {calls}`'
    return " and ".join(f"op.{name}" for name in names)
