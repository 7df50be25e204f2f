"""Every SQL statement on {{ cookiecutter.__nouns }}, and the values of a row.

The driver keeps each prepared on its connection.
"""

from collections.abc import Sequence
from typing import Any

from chassis.database.aggregates import SqlStatements
from chassis.database.port import Row
from chassis.database.sqlite import to_time, to_uuid

from ...domain.{{ cookiecutter.__entities }}.model import {{ cookiecutter.__Entity }}
from ...domain.{{ cookiecutter.__entities }}.values import Quantity, Reference, Status

TABLE = "{{ cookiecutter.__entities }}"
COLUMNS = "id, version, created_at, updated_at, reference, quantity, status"

INSERT = f"INSERT INTO {TABLE} ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608

SELECT = f"SELECT {COLUMNS} FROM {TABLE} WHERE id = ?"  # noqa: S608

# A transaction that writes has the file to itself, so there is no row to lock.
SELECT_FOR_UPDATE = SELECT

# The version in the condition makes a lost update impossible.
UPDATE = f"""
UPDATE {TABLE}
SET version = ?, updated_at = ?, reference = ?, quantity = ?, status = ?
WHERE id = ? AND version = ?
"""  # noqa: S608

# Pages follow the key, not an offset: page 1,000 costs what page 1 costs, and new rows do not shift it.
PAGE = f"SELECT {COLUMNS} FROM {TABLE} WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608

PAGE_BY_STATUS = f"""
SELECT {COLUMNS} FROM {TABLE}
WHERE status = ? AND id < ?
ORDER BY id DESC LIMIT ?
"""  # noqa: S608


def to_row(new: {{ cookiecutter.__Entity }}) -> Sequence[Any]:
    """The values of INSERT, in its order."""
    return (
        new.id,
        new.version,
        new.created_at,
        new.updated_at,
        new.reference.value,
        new.quantity.value,
        new.status.value,
    )


def to_update(changed: {{ cookiecutter.__Entity }}) -> Sequence[Any]:
    """The values of UPDATE, in its order."""
    return (
        changed.version,
        changed.updated_at,
        changed.reference.value,
        changed.quantity.value,
        changed.status.value,
        changed.id,
        changed.stored_version,
    )


def to_aggregate(row: Row) -> {{ cookiecutter.__Entity }}:
    """Map a row by hand: an object-relational mapper would cost more than the query."""
    id, version, created_at, updated_at, reference, quantity, status = row
    return {{ cookiecutter.__Entity }}(
        id=to_uuid(id),
        version=version,
        created_at=to_time(created_at),
        updated_at=to_time(updated_at),
        reference=Reference(reference),
        quantity=Quantity(quantity),
        status=Status(status),
    )


STATEMENTS = SqlStatements(
    insert=INSERT,
    select=SELECT,
    select_for_update=SELECT_FOR_UPDATE,
    update=UPDATE,
    to_row=to_row,
    to_update=to_update,
    to_aggregate=to_aggregate,
)
