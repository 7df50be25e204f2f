"""Every SQL statement of messaging on MySQL. Each is prepared once per connection."""

HISTORY = "`{{ cookiecutter.__entity }}_history`"

ENQUEUE = """
INSERT INTO outbox (lane, id, type, message_key, body, created_at) VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(6))
"""

# The first position in each lane, or null. One step in the index for each; grouping may read all of it, and none of
# this locks anything. In hexadecimal digits a key has no comma, and is told apart to the letter.
FIND_LANES = """
SELECT
    (
        SELECT position FROM outbox
        WHERE outbox.lane = lanes.lane AND FIND_IN_SET(HEX(message_key), ?) = 0
        ORDER BY position LIMIT 1
    ) AS oldest,
    lanes.lane
FROM outbox_lanes AS lanes
"""

# One at a time, by its key: a statement that sorts would lock every row that it reads, and not only those it gives.
TAKE_LANE = "SELECT lane FROM outbox_lanes WHERE lane = ? FOR UPDATE SKIP LOCKED"

READ = """
SELECT position, id, type, message_key, body, created_at FROM outbox
WHERE lane = ? AND FIND_IN_SET(HEX(message_key), ?) = 0
ORDER BY position LIMIT ?
"""

# From the list to the rows, never the other way: who reads the whole table waits for everybody who adds to it.
REMOVE = """
DELETE outbox
FROM JSON_TABLE(?, '$[*]' COLUMNS (position BIGINT PATH '$')) AS gone
STRAIGHT_JOIN outbox ON outbox.position = gone.position
"""

BACKLOG = """
SELECT
    (SELECT COUNT(*) FROM (SELECT 1 FROM outbox LIMIT ?) AS counted),
    (SELECT TIMESTAMPDIFF(MICROSECOND, created_at, UTC_TIMESTAMP(6)) FROM outbox ORDER BY position LIMIT 1)
"""

# Without IGNORE, which would let pass everything else that can be wrong as well.
RECEIVE = "INSERT INTO inbox (consumer, message_id, received_at) VALUES (?, ?, ?)"

# A bounded share at a time, so that no long transaction keeps old versions of rows alive.
DELETE_RECEIVED = "DELETE FROM inbox WHERE received_at < ? ORDER BY received_at LIMIT 1000"

LAST_VERSION = f"SELECT COALESCE(MAX(version), 0) FROM {HISTORY} WHERE aggregate_id = ?"  # noqa: S608

INSERT_HISTORY = f"""
INSERT INTO {HISTORY} (aggregate_id, version, event_id, type, occurred_at, data) VALUES (?, ?, ?, ?, ?, ?)
"""  # noqa: S608

SELECT_HISTORY = f"""
SELECT event_id, type, aggregate_id, version, occurred_at, data
FROM {HISTORY}
WHERE aggregate_id = ? AND version > ?
ORDER BY version LIMIT ?
"""  # noqa: S608
