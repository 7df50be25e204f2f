"""Every SQL statement that requests run on MySQL. Each is prepared once per connection.

The table's name is quoted, because many a plural is a reserved word in one version or the other.
"""

TABLE = "`{{ cookiecutter.__entities }}`"
COLUMNS = "id, reference, quantity, status, version, created_at, updated_at"

INSERT = f"INSERT INTO {TABLE} ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608

SELECT = f"SELECT {COLUMNS} FROM {TABLE} WHERE id = ?"  # noqa: S608

# Whoever is about to change a row waits for those who are changing it, and then sees what they have made of it.
SELECT_TO_CHANGE = f"{SELECT} FOR UPDATE"

SELECT_VERSION = f"SELECT version FROM {TABLE} WHERE id = ?"  # noqa: S608

# The version in the condition is what makes a lost update impossible.
UPDATE = f"""
UPDATE {TABLE}
SET reference = ?, quantity = ?, status = ?, version = ?, updated_at = ?
WHERE id = ? AND version = ?
"""  # noqa: S608

# Pages follow the key, not an offset: page 1,000 costs what page 1 costs, and rows that come in do not shift it.
PAGE = f"SELECT {COLUMNS} FROM {TABLE} WHERE id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608

PAGE_BY_STATUS = f"""
SELECT {COLUMNS} FROM {TABLE}
WHERE status = ? AND id < ?
ORDER BY id DESC LIMIT ?
"""  # noqa: S608

# Names are known to the whole server, so the database is part of them; they are compared without case and end after 64
# characters, hence the digest. Zero: a twin of the same request does not wait, it is told.
CLAIM_KEY = "SELECT GET_LOCK(CONCAT('idempotency:', LEFT(SHA2(CONCAT(DATABASE(), '/', ?), 256), 48)), 0)"

SELECT_ANSWER = "SELECT fingerprint, answer FROM idempotency_keys WHERE idempotency_key = ?"

INSERT_ANSWER = """
INSERT INTO idempotency_keys (idempotency_key, fingerprint, answer, created_at) VALUES (?, ?, ?, ?)
"""

# A bounded share at a time, so that no long transaction keeps old versions of rows alive.
DELETE_ANSWERS = "DELETE FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT 1000"

# Touches a table, because a server without the schema cannot serve either.
CHECK = f"SELECT 1 FROM {TABLE} LIMIT 1"  # noqa: S608
