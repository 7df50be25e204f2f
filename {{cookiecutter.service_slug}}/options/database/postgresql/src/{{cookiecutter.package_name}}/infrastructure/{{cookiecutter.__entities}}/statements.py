"""Every SQL statement on {{ cookiecutter.__nouns }}, and the values of a row.

asyncpg prepares each one once per connection.
"""

from collections.abc import Sequence
from typing import Any

from chassis.database.aggregates import SqlStatements
from chassis.database.port import Row

from ...domain.{{ cookiecutter.__entities }}.model import {{ cookiecutter.__Entity }}
from ...domain.{{ cookiecutter.__entities }}.values import Quantity, Reference, Status

TABLE = "{{ cookiecutter.__entities }}"
COLUMNS = "id, version, created_at, updated_at, reference, quantity, status"

INSERT = f"INSERT INTO {TABLE} ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608

SELECT = f"SELECT {COLUMNS} FROM {TABLE} WHERE id = $1"  # noqa: S608

# Two transactions that change the same row run one after the other; the second reads what the first has written.
SELECT_FOR_UPDATE = f"{SELECT} FOR NO KEY UPDATE"

# The version in the condition makes a lost update impossible.
UPDATE = f"""
UPDATE {TABLE}
SET version = $3, updated_at = $4, reference = $5, quantity = $6, status = $7
WHERE id = $1 AND version = $2
"""  # noqa: S608

# Pages follow the key, not an offset: page 1,000 costs what page 1 costs, and new rows do not shift it.
PAGE = f"SELECT {COLUMNS} FROM {TABLE} WHERE id < $1 ORDER BY id DESC LIMIT $2"  # noqa: S608

# Written so that only the index on (status, id) can serve it. A generic plan for `status = $1` could walk the primary
# key and filter instead, which for a rare status means reading the whole table.
PAGE_BY_STATUS = f"""
SELECT {COLUMNS} FROM {TABLE}
WHERE (status, id) < ($1, $2) AND status >= $1
ORDER BY status DESC, id DESC LIMIT $3
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
    """The values of UPDATE, in the order of its numbers."""
    return (
        changed.id,
        changed.stored_version,
        changed.version,
        changed.updated_at,
        changed.reference.value,
        changed.quantity.value,
        changed.status.value,
    )


def to_aggregate(row: Row) -> {{ cookiecutter.__Entity }}:
    """Map a row by hand: an object-relational mapper would cost three times as much as the query."""
    id, version, created_at, updated_at, reference, quantity, status = row
    return {{ cookiecutter.__Entity }}(
        id=id,
        version=version,
        created_at=created_at,
        updated_at=updated_at,
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
