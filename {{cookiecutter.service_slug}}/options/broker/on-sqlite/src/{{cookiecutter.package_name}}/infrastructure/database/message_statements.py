"""Every SQL statement of messaging on SQLite."""

ENQUEUE = "INSERT INTO outbox (id, type, key, body, created_at) VALUES (?, ?, ?, ?, ?)"

READ = """
SELECT position, id, type, key, body, created_at FROM outbox
WHERE key NOT IN (SELECT value FROM json_each(?))
ORDER BY position LIMIT ?
"""

REMOVE = "DELETE FROM outbox WHERE position IN (SELECT value FROM json_each(?))"

BACKLOG = """
SELECT
    (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?)),
    (SELECT created_at FROM outbox ORDER BY position LIMIT 1)
"""

RECEIVE = "INSERT INTO inbox (consumer, message_id, received_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

# A bounded share at a time, because everybody else waits for the one writer.
DELETE_RECEIVED = """
DELETE FROM inbox
WHERE (consumer, message_id) IN (SELECT consumer, message_id FROM inbox WHERE received_at < ? LIMIT 1000)
"""

LAST_VERSION = "SELECT coalesce(max(version), 0) FROM {{ cookiecutter.__entity }}_history WHERE aggregate_id = ?"

INSERT_HISTORY = """
INSERT INTO {{ cookiecutter.__entity }}_history (aggregate_id, version, event_id, type, occurred_at, data)
VALUES (?, ?, ?, ?, ?, ?)
"""

SELECT_HISTORY = """
SELECT event_id, type, aggregate_id, version, occurred_at, data
FROM {{ cookiecutter.__entity }}_history
WHERE aggregate_id = ? AND version > ?
ORDER BY version LIMIT ?
"""
