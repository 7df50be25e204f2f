"""Every SQL statement on {{ cookiecutter.__nouns }}. The driver keeps each prepared on its connection."""

from chassis.database.port import Row
from chassis.database.sqlite import to_time, to_uuid

from ...domain.{{ cookiecutter.__entities }}.model import {{ cookiecutter.__Entity }}
from ...domain.{{ cookiecutter.__entities }}.values import Quantity, Reference, Status

COLUMNS = "id, reference, quantity, status, version, created_at, updated_at"

INSERT = f"INSERT INTO {{ cookiecutter.__entities }} ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608

SELECT = f"SELECT {COLUMNS} FROM {{ cookiecutter.__entities }} WHERE id = ?"  # noqa: S608

# A transaction that writes has the file to itself, so there is no row to lock.
SELECT_FOR_UPDATE = SELECT

SELECT_VERSION = "SELECT version FROM {{ cookiecutter.__entities }} WHERE id = ?"

# The version in the condition makes a lost update impossible.
UPDATE = """
UPDATE {{ cookiecutter.__entities }}
SET reference = ?, quantity = ?, status = ?, version = ?, updated_at = ?
WHERE id = ? AND version = ?
"""

# Pages follow the key, not an offset: page 1,000 costs what page 1 costs, and new rows do not shift it.
PAGE = f"SELECT {COLUMNS} FROM {{ cookiecutter.__entities }} WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608

PAGE_BY_STATUS = f"""
SELECT {COLUMNS} FROM {{ cookiecutter.__entities }}
WHERE status = ? AND id < ?
ORDER BY id DESC LIMIT ?
"""  # noqa: S608


def to_aggregate(row: Row) -> {{ cookiecutter.__Entity }}:
    """Map a row by hand: an object-relational mapper would cost more than the query."""
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
