"""The SQL statements of messaging on PostgreSQL."""

from ...history.rows import COLUMNS

CHANNEL = "outbox"

# One statement for both, because a second one would cost each request a round trip. Many notifications of one
# transaction, and of several that commit together, reach a listener as one.
ENQUEUE = f"""
WITH added AS (
    INSERT INTO outbox (lane, id, type, key, body)
    SELECT lane, id, type, key, body
    FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::bytea[])
        WITH ORDINALITY AS message (lane, id, type, key, body, number)
    ORDER BY number
)
SELECT pg_notify('{CHANNEL}', '')
"""  # noqa: S608

# An outbox is empty most of the time, and a plan made then reads the whole table; kept for a backlog of a million it
# would take seconds for each batch. JIT is not switched off by `jit`: asyncpg sets that one for the session while it
# reads types, and would leave it off there, also for other clients of a pooler. The last line leaves time for a slow
# broker.
BEGIN = """
BEGIN;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL jit_above_cost = -1;
SET LOCAL idle_in_transaction_session_timeout = '15s';
"""
COMMIT = "COMMIT"

# The lanes whose first message is the oldest. Below the low watermark of a lane are deleted rows only.
CLAIM_LANES = """
SELECT lanes.lane
FROM outbox_lanes AS lanes
CROSS JOIN LATERAL (
    SELECT position FROM outbox
    WHERE outbox.lane = lanes.lane AND outbox.position >= lanes.low_watermark AND outbox.key <> ALL($2::text[])
    ORDER BY position LIMIT 1
) AS first
ORDER BY first.position
LIMIT $1
FOR UPDATE OF lanes SKIP LOCKED
"""

# A row's ctid is the fastest way back to it. It stays valid: while this transaction runs, no other row takes the place
# of one that is visible to it.
READ = """
SELECT mine.lane, message.*
FROM outbox_lanes AS mine
CROSS JOIN LATERAL (
    SELECT ctid, position, id, type, key, body, created_at
    FROM outbox
    WHERE outbox.lane = mine.lane AND outbox.position >= mine.low_watermark AND outbox.key <> ALL($3::text[])
    ORDER BY position LIMIT $2
) AS message
WHERE mine.lane = ANY($1::smallint[])
ORDER BY message.position
"""

# A crash undoes no more than the removal of messages: they are published again, so a commit need not wait for the disk.
# After many removals it does: the index skips their rows only once that is on the disk.
REMOVE = """
WITH removed AS (DELETE FROM outbox WHERE ctid = ANY($1::tid[]))
SELECT set_config('synchronous_commit', $2, true)
"""
MANY = 100

# The transactions that may have inserted, whether one of them is prepared, whether a server process still runs, and the
# one that serves this connection.
WRITERS = """
SELECT
    coalesce(array_agg(virtualtransaction), '{}'),
    coalesce(bool_or(pid IS NULL), false),
    EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2),
    pg_backend_pid(),
    (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
FROM pg_locks
WHERE locktype = 'relation' AND relation = 'outbox'::regclass AND mode = 'RowExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid IS DISTINCT FROM pg_backend_pid()
"""

# To the first message that waits, or past the position if there is none.
ADVANCE = """
UPDATE outbox_lanes AS lanes
SET low_watermark = reached.position
FROM (
    SELECT
        lane,
        coalesce(
            (
                SELECT position FROM outbox
                WHERE outbox.lane = each.lane AND position >= each.low_watermark AND position <= $2
                ORDER BY position LIMIT 1
            ),
            $2 + 1
        ) AS position
    FROM outbox_lanes AS each
    WHERE lane = ANY($1::smallint[])
) AS reached
WHERE lanes.lane = reached.lane AND lanes.low_watermark < reached.position
"""

BACKLOG = """
SELECT
    (
        SELECT count(*)
        FROM (
            SELECT FROM outbox_lanes AS lanes
            CROSS JOIN LATERAL (
                SELECT FROM outbox
                WHERE outbox.lane = lanes.lane AND outbox.position >= lanes.low_watermark
                LIMIT $1
            ) AS waiting
            LIMIT $1
        ) AS counted
    ) AS count,
    coalesce(greatest(extract(epoch FROM clock_timestamp() - min(first.created_at)), 0), 0)::float8 AS oldest_seconds
FROM outbox_lanes AS lanes
CROSS JOIN LATERAL (
    SELECT created_at FROM outbox
    WHERE outbox.lane = lanes.lane AND outbox.position >= lanes.low_watermark
    ORDER BY position LIMIT 1
) AS first
"""

MARK_PROCESSED = "INSERT INTO inbox (consumer, message_id, received_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"

# A bounded number at a time, so that no long transaction holds up vacuum.
PURGE_INBOX = """
DELETE FROM inbox
WHERE ctid = ANY(ARRAY(SELECT ctid FROM inbox WHERE received_at < $1 ORDER BY received_at LIMIT 1000))
"""

LAST_VERSION = "SELECT coalesce(max(version), 0) FROM history WHERE aggregate = $1 AND aggregate_id = $2"

INSERT_HISTORY = f"INSERT INTO history ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608

SELECT_HISTORY = f"""
SELECT {COLUMNS}
FROM history
WHERE aggregate = $1 AND aggregate_id = $2 AND version > $3
ORDER BY version LIMIT $4
"""  # noqa: S608
