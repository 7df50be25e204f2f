"""Every SQL statement that requests run on SQLite. The driver keeps them prepared on each connection."""

COLUMNS = "id, reference, quantity, status, version, created_at, updated_at"

INSERT = f"INSERT INTO {{ cookiecutter.__entities }} ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608

SELECT = f"SELECT {COLUMNS} FROM {{ cookiecutter.__entities }} WHERE id = ?"  # noqa: S608

SELECT_VERSION = "SELECT version FROM {{ cookiecutter.__entities }} WHERE id = ?"

# The version in the condition is what makes a lost update impossible.
UPDATE = """
UPDATE {{ cookiecutter.__entities }}
SET reference = ?, quantity = ?, status = ?, version = ?, updated_at = ?
WHERE id = ? AND version = ?
"""

# Pages follow the key, not an offset: page 1,000 costs what page 1 costs, and rows that come in do not shift it.
PAGE = f"SELECT {COLUMNS} FROM {{ cookiecutter.__entities }} WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608

PAGE_BY_STATUS = f"""
SELECT {COLUMNS} FROM {{ cookiecutter.__entities }}
WHERE id < ? AND status = ?
ORDER BY id DESC LIMIT ?
"""  # noqa: S608

SELECT_ANSWER = "SELECT fingerprint, answer FROM idempotency_keys WHERE key = ?"

INSERT_ANSWER = "INSERT INTO idempotency_keys (key, fingerprint, answer, created_at) VALUES (?, ?, ?, ?)"

# A bounded share at a time, because everybody else waits for the one writer.
DELETE_ANSWERS = """
DELETE FROM idempotency_keys
WHERE key IN (SELECT key FROM idempotency_keys WHERE created_at < ? LIMIT 1000)
"""

# Touches a table, because a file without the schema cannot serve either.
CHECK = "SELECT 1 FROM {{ cookiecutter.__entities }} LIMIT 1"
