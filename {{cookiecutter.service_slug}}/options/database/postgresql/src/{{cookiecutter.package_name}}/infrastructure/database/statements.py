"""Every SQL statement that requests run on PostgreSQL. asyncpg prepares each one once per connection."""

COLUMNS = "id, reference, quantity, status, version, created_at, updated_at"

INSERT = f"INSERT INTO {{ cookiecutter.__entities }} ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608

SELECT = f"SELECT {COLUMNS} FROM {{ cookiecutter.__entities }} WHERE id = $1"  # noqa: S608

SELECT_VERSION = "SELECT version FROM {{ cookiecutter.__entities }} WHERE id = $1"

# The version in the condition is what makes a lost update impossible.
UPDATE = """
UPDATE {{ cookiecutter.__entities }}
SET reference = $3, quantity = $4, status = $5, version = $6, updated_at = $7
WHERE id = $1 AND version = $2
"""

# Pages follow the key, not an offset: page 1,000 costs what page 1 costs, and rows that come in do not shift it.
PAGE = f"SELECT {COLUMNS} FROM {{ cookiecutter.__entities }} WHERE id < $1 ORDER BY id DESC LIMIT $2"  # noqa: S608

# Says "status = $3" in a way that only the index on (status, id) can serve. A plan made for any status would else walk
# the primary key and filter, which for a rare status means to read the whole table.
PAGE_BY_STATUS = f"""
SELECT {COLUMNS} FROM {{ cookiecutter.__entities }}
WHERE (status, id) < ($3, $1) AND status >= $3
ORDER BY status DESC, id DESC LIMIT $2
"""  # noqa: S608

# Held until the transaction ends; a twin of the same request does not wait, it is told.
CLAIM_KEY = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"

SELECT_ANSWER = "SELECT fingerprint, answer FROM idempotency_keys WHERE key = $1"

INSERT_ANSWER = "INSERT INTO idempotency_keys (key, fingerprint, answer, created_at) VALUES ($1, $2, $3, $4)"

# A bounded share at a time, so that no long transaction holds up vacuum.
DELETE_ANSWERS = """
DELETE FROM idempotency_keys
WHERE key IN (SELECT key FROM idempotency_keys WHERE created_at < $1 LIMIT 1000)
"""

# Touches a table, because a server without the schema cannot serve either.
CHECK = "SELECT 1 FROM {{ cookiecutter.__entities }} LIMIT 1"
