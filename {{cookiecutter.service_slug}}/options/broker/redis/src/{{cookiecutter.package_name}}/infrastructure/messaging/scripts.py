"""What has to happen as a whole, or not at all: scripts, which the server runs one at a time.

Each begins with `#!lua`: the server then refuses the whole script where it may not write (a replica, a full memory, a
full disk) instead of stopping it in the middle. Those that free memory, or need none, run with a full memory too.

An entry is always with exactly one consumer of its group: new from `XREADGROUP`, then with the process that handles it,
or with `waiting` until its next attempt. Nothing else has to be kept in step. How long an entry still has to wait is
told by its idle time, which the server counts: it is due when that has reached HORIZON_MS.
"""

# Longer than a message ever waits. An idle time cannot be negative: so it starts at this, less the time to wait.
HORIZON_MS = 30 * 24 * 3_600_000


def _named(flags: str) -> str:
    """The beginning of a script that reads what the server answers as names and values by turns."""
    return (
        "#!lua flags="
        + flags
        + """
local function named(flat)
  local values = {}
  for i = 1, #flat, 2 do
    values[flat[i]] = flat[i + 1]
  end
  return values
end
"""
    )


# Raises an error where the server may not write, and writes nothing.
PROBE = """#!lua
return 1
"""

# KEYS: streams. ARGV: content type, longest length of a stream without a group, then for each message the number of its
# stream and its body. Answers which messages failed, counted from 0, and the last error.
PUBLISH = """#!lua
local failed, broken, problem = {}, {}, ''
for i = 3, #ARGV, 2 do
  local stream = tonumber(ARGV[i])
  local reply = not broken[stream]
    and redis.pcall('XADD', KEYS[stream], '*', 'content-type', ARGV[1], 'body', ARGV[i + 1])
  if not reply or reply.err then
    broken[stream] = true
    problem = reply and reply.err or problem
    failed[#failed + 1] = (i - 3) / 2
  end
end
for stream, key in ipairs(KEYS) do
  if not broken[stream] and redis.call('XLEN', key) > tonumber(ARGV[2])
      and #redis.call('XINFO', 'GROUPS', key) == 0 then
    redis.call('XTRIM', key, 'MAXLEN', '~', ARGV[2])
  end
end
return {failed, problem}
"""

# KEYS: stream. ARGV: group, from whom, to whom, how long idle at least, how many at most, how much to add to the number
# of attempts. Answers id, attempt and fields of each. Of several processes that ask, one gets an entry.
TAKE = """#!lua flags=allow-oom
local taken = {}
local group, from, to, idle, most, more = unpack(ARGV)
for _, each in ipairs(redis.call('XPENDING', KEYS[1], group, 'IDLE', idle, '-', '+', most, from)) do
  local attempt = each[4] + more
  local entry = redis.call('XCLAIM', KEYS[1], group, to, 0, each[1], 'RETRYCOUNT', attempt)[1]
  if entry then
    taken[#taken + 1] = {each[1], attempt, entry[2]}
  end
end
return taken
"""

# KEYS: stream. ARGV: group, to whom, who is left alone, how long idle at least, how many at most, after which time a
# consumer that has nothing is forgotten. Takes over what belongs to processes that are gone.
TAKE_OVER = (
    _named("allow-oom")
    + """\
local taken = {}
local group, to, waiting, idle, most, forget = unpack(ARGV)
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group)) do
  local consumer = named(flat)
  local left = most - #taken
  if consumer.name ~= waiting and consumer.pending == 0 then
    if consumer.name ~= to and consumer.idle > tonumber(forget) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, consumer.name)
    end
  elseif consumer.name ~= waiting and left > 0 then
    for _, each in ipairs(redis.call('XPENDING', KEYS[1], group, 'IDLE', idle, '-', '+', left, consumer.name)) do
      local entry = redis.call('XCLAIM', KEYS[1], group, to, 0, each[1])[1]
      if entry then
        taken[#taken + 1] = {each[1], each[4] + 1, entry[2]}
      end
    end
  end
end
return taken
"""
)

# KEYS: stream. ARGV: group, who holds them, then the ids. They do not look as if nobody cared for them.
KEEP = """#!lua flags=allow-oom
for i = 3, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) == 1 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
"""

# KEYS: stream. ARGV: group, who holds it, to whom, id, its idle time from now on, attempts so far.
PUT_BACK = """#!lua flags=allow-oom
local group, from, to, id, idle, attempts = unpack(ARGV)
if #redis.call('XPENDING', KEYS[1], group, id, id, 1, from) == 1 then
  redis.call('XCLAIM', KEYS[1], group, to, 0, id, 'IDLE', idle, 'RETRYCOUNT', attempts, 'JUSTID')
end
"""

# KEYS: stream. ARGV: group, who leaves, to whom, the idle time of what is due at once.
LEAVE = """#!lua flags=allow-oom
local group, from, to, idle = unpack(ARGV)
for _, each in ipairs(redis.call('XPENDING', KEYS[1], group, '-', '+', 10000, from)) do
  redis.call('XCLAIM', KEYS[1], group, to, 0, each[1], 'IDLE', idle, 'RETRYCOUNT', math.max(each[4] - 1, 0), 'JUSTID')
end
if #redis.call('XPENDING', KEYS[1], group, '-', '+', 1, from) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, from)
end
"""

# KEYS: stream, stream of dead letters. ARGV: group, id, reason, attempts. The letter holds three fields of ours, then
# those of the message. One with thousands of fields, which no function could take, keeps its body only.
BURY = """#!lua
local stream, dead = KEYS[1], KEYS[2]
local group, id, reason, attempts = unpack(ARGV)
local entry = redis.call('XRANGE', stream, id, id)[1]
if entry and #redis.call('XPENDING', stream, group, id, id, 1) == 1 then
  local fields = entry[2]
  if #fields > 4000 then
    local body = ''
    for i = 1, #fields, 2 do
      if fields[i] == 'body' then body = fields[i + 1] end
    end
    fields = {'body', body}
  end
  redis.call('XADD', dead, '*', 'dead-reason', reason, 'dead-attempts', attempts, 'dead-from', stream .. ' ' .. id,
    unpack(fields))
end
redis.call('XACK', stream, group, id)
"""

# KEYS: stream of dead letters, stream of what is replayed. ARGV: id, the number of fields that are ours.
REPLAY = """#!lua
local letter = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then
  return 0
end
redis.call('XADD', KEYS[2], '*', unpack(letter[2], 2 * ARGV[2] + 1))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
"""

# KEYS: stream of dead letters. ARGV: first id, last id, how many at most.
LETTERS = """#!lua flags=no-writes
return redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
"""

# KEYS: stream. Drops what every group has settled, some ten thousand entries at once. Answers how many.
TRIM = (
    _named("allow-oom")
    + """\
local function parts(id)
  local time, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(time), tonumber(number)
end
local first, time, number
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = named(flat)
  local oldest = group['last-delivered-id']
  if group.pending > 0 then
    oldest = redis.call('XPENDING', KEYS[1], group.name)[2]
  end
  local t, n = parts(oldest)
  if not first or t < time or (t == time and n < number) then
    first, time, number = oldest, t, n
  end
end
return first and redis.call('XTRIM', KEYS[1], 'MINID', '~', first) or 0
"""
)

# KEYS: the stream of dead letters, then those that are read. ARGV: group. Answers how many wait, and how many are dead.
# Where entries were deleted by hand the server cannot tell how many are still to come: the script counts them, up to a
# thousand; of more than that, every entry of the stream counts.
DEPTH = (
    _named("no-writes")
    + """\
local waiting = 0
for i = 2, #KEYS do
  local key, found = KEYS[i], false
  local groups = redis.call('EXISTS', key) == 1 and redis.call('XINFO', 'GROUPS', key) or {}
  for _, flat in ipairs(groups) do
    local group = named(flat)
    if group.name == ARGV[1] then
      found = true
      local lag = group.lag
      if type(lag) ~= 'number' then
        lag = #redis.call('XRANGE', key, '(' .. group['last-delivered-id'], '+', 'COUNT', 1001)
        if lag > 1000 then
          lag = redis.call('XLEN', key)
        end
      end
      waiting = waiting + group.pending + lag
    end
  end
  if not found then
    waiting = waiting + redis.call('XLEN', key)
  end
end
return {waiting, redis.call('XLEN', KEYS[1])}
"""
)
