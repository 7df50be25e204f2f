"""Every SQL statement on {{ cookiecutter.__nouns }}. asyncpg prepares each one once per connection."""

from chassis.database.port import Row

from ...domain.{{ cookiecutter.__entities }}.model import {{ cookiecutter.__Entity }}
from ...domain.{{ cookiecutter.__entities }}.values import Quantity, Reference, Status

COLUMNS = "id, reference, quantity, status, version, created_at, updated_at"

INSERT = f"INSERT INTO {{ cookiecutter.__entities }} ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608

SELECT = f"SELECT {COLUMNS} FROM {{ cookiecutter.__entities }} WHERE id = $1"  # noqa: S608

# Two transactions that change the same row run one after the other; the second reads what the first has written.
SELECT_FOR_UPDATE = f"{SELECT} FOR NO KEY UPDATE"

SELECT_VERSION = "SELECT version FROM {{ cookiecutter.__entities }} WHERE id = $1"

# The version in the condition makes a lost update impossible.
UPDATE = """
UPDATE {{ cookiecutter.__entities }}
SET reference = $1, quantity = $2, status = $3, version = $4, updated_at = $5
WHERE id = $6 AND version = $7
"""

# Pages follow the key, not an offset: page 1,000 costs what page 1 costs, and new rows do not shift it.
PAGE = f"SELECT {COLUMNS} FROM {{ cookiecutter.__entities }} WHERE id < $1 ORDER BY id DESC LIMIT $2"  # noqa: S608

# Written so that only the index on (status, id) can serve it. A generic plan for `status = $1` could walk the primary
# key and filter instead, which for a rare status means reading the whole table.
PAGE_BY_STATUS = f"""
SELECT {COLUMNS} FROM {{ cookiecutter.__entities }}
WHERE (status, id) < ($1, $2) AND status >= $1
ORDER BY status DESC, id DESC LIMIT $3
"""  # noqa: S608


def to_aggregate(row: Row) -> {{ cookiecutter.__Entity }}:
    """Map a row by hand: an object-relational mapper would cost three times as much as the query."""
    id, reference, quantity, status, version, created_at, updated_at = row
    return {{ cookiecutter.__Entity }}(
        id=id,
        reference=Reference(reference),
        quantity=Quantity(quantity),
        status=Status(status),
        version=version,
        created_at=created_at,
        updated_at=updated_at,
    )
