"""Every SQL statement of the outbox on MySQL. Each is prepared once per connection."""

ENQUEUE = """
INSERT INTO outbox (lane, id, type, message_key, body, created_at) VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(6))
"""

# The first position in each lane, or null. One step in the index for each; grouping may read all of it, and none of
# this locks anything. MySQL would walk through the whole table, past the messages of all other lanes, if it were not
# forced to use the index of the lane, and would sort the lane if its number were not part of the order. In hexadecimal
# digits a key has no comma, and is compared to the letter.
FIND_LANES = """
SELECT
    (
        SELECT position FROM outbox FORCE INDEX (outbox_by_lane)
        WHERE outbox.lane = lanes.lane AND FIND_IN_SET(HEX(message_key), ?) = 0
        ORDER BY outbox.lane, position LIMIT 1
    ) AS oldest,
    lanes.lane
FROM outbox_lanes AS lanes
"""

# One at a time, by its key: a statement that sorts would lock every row that it reads, not only those it returns.
LOCK_LANE = "SELECT lane FROM outbox_lanes WHERE lane = ? FOR UPDATE SKIP LOCKED"

READ = """
SELECT position, id, type, message_key, body, created_at FROM outbox FORCE INDEX (outbox_by_lane)
WHERE lane = ? AND FIND_IN_SET(HEX(message_key), ?) = 0
ORDER BY position LIMIT ?
"""

# From the list to the rows, never the other way: reading the whole table would wait for every transaction that adds to
# it.
REMOVE = """
DELETE outbox
FROM JSON_TABLE(?, '$[*]' COLUMNS (position BIGINT PATH '$')) AS published
STRAIGHT_JOIN outbox ON outbox.position = published.position
"""

# The oldest by the index of the lanes: while an old snapshot is open, deleted rows stay, and those of the table take
# far longer to pass than those of the index.
BACKLOG = """
SELECT
    (SELECT COUNT(*) FROM (SELECT 1 FROM outbox LIMIT ?) AS counted),
    (
        SELECT TIMESTAMPDIFF(MICROSECOND, created_at, UTC_TIMESTAMP(6)) FROM outbox
        WHERE position = (
            SELECT MIN(oldest)
            FROM (
                SELECT (
                    SELECT position FROM outbox WHERE outbox.lane = lanes.lane ORDER BY position LIMIT 1
                ) AS oldest
                FROM outbox_lanes AS lanes
            ) AS firsts
        )
    )
"""
