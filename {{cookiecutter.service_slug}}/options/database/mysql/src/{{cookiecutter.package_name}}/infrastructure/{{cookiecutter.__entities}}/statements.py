"""Every SQL statement on {{ cookiecutter.__nouns }}. Each is prepared once per connection.

The name of the table is quoted, because many a plural is a reserved word in one version or another.
"""

from chassis.database.mysql import to_time, to_uuid
from chassis.database.port import Row

from ...domain.{{ cookiecutter.__entities }}.model import {{ cookiecutter.__Entity }}
from ...domain.{{ cookiecutter.__entities }}.values import Quantity, Reference, Status

TABLE = "`{{ cookiecutter.__entities }}`"
COLUMNS = "id, reference, quantity, status, version, created_at, updated_at"

INSERT = f"INSERT INTO {TABLE} ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608

SELECT = f"SELECT {COLUMNS} FROM {TABLE} WHERE id = ?"  # noqa: S608

# Two transactions that change the same row run one after the other; the second reads what the first has written.
SELECT_FOR_UPDATE = f"{SELECT} FOR UPDATE"

SELECT_VERSION = f"SELECT version FROM {TABLE} WHERE id = ?"  # noqa: S608

# The version in the condition makes a lost update impossible.
UPDATE = f"""
UPDATE {TABLE}
SET reference = ?, quantity = ?, status = ?, version = ?, updated_at = ?
WHERE id = ? AND version = ?
"""  # noqa: S608

# Pages follow the key, not an offset: page 1,000 costs what page 1 costs, and new rows do not shift it.
PAGE = f"SELECT {COLUMNS} FROM {TABLE} WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608

PAGE_BY_STATUS = f"""
SELECT {COLUMNS} FROM {TABLE}
WHERE status = ? AND id < ?
ORDER BY id DESC LIMIT ?
"""  # noqa: S608


def to_aggregate(row: Row) -> {{ cookiecutter.__Entity }}:
    """Map a row by hand: an object-relational mapper would cost three times as much as the query."""
    id, reference, quantity, status, version, created_at, updated_at = row
    return {{ cookiecutter.__Entity }}(
        id=to_uuid(id),
        reference=Reference(reference),
        quantity=Quantity(quantity),
        status=Status(status),
        version=version,
        created_at=to_time(created_at),
        updated_at=to_time(updated_at),
    )
