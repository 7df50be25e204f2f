"""Lua scripts: steps that happen as a whole or not at all, because the server runs one script at a time.

Each begins with `#!lua`: the server then refuses the whole script where it may not write (a replica, full memory, a
full disk) instead of failing half-way. Scripts that free memory, or need none, run with full memory too.

An entry always belongs to exactly one consumer of its group: new from `XREADGROUP`, then to the process that handles
it, or to the consumer `waiting` until its next attempt. No other state has to be kept consistent. The remaining delay
is encoded in the entry's idle time, which the server counts: the entry is due when it reaches HORIZON_MS.
"""

# Longer than any delay. An idle time cannot be negative, so it starts at this value minus the delay.
HORIZON_MS = 30 * 24 * 3_600_000


def _with_pairs(flags: str) -> str:
    """The head of a script that reads replies of alternating names and values."""
    return (
        "#!lua flags="
        + flags
        + """
local function pairs_of(flat)
  local values = {}
  for i = 1, #flat, 2 do
    values[flat[i]] = flat[i + 1]
  end
  return values
end
"""
    )


# Fails where the server may not write; writes nothing.
PROBE = """#!lua
return 1
"""

# KEYS: streams. ARGV: content type, maximum length of a stream without a group, then for each message the number of its
# stream and its body. Returns the messages that failed, counted from 0, and the last error.
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

# KEYS: stream. ARGV: group, current owner, new owner, minimum idle time, maximum count, number to add to the attempts.
# Returns id, attempt and fields of each. If several processes call it, one gets an entry.
CLAIM = """#!lua flags=allow-oom
local claimed = {}
local group, from, to, idle, most, more = unpack(ARGV)
for _, each in ipairs(redis.call('XPENDING', KEYS[1], group, 'IDLE', idle, '-', '+', most, from)) do
  local attempt = each[4] + more
  local entry = redis.call('XCLAIM', KEYS[1], group, to, 0, each[1], 'RETRYCOUNT', attempt)[1]
  if entry then
    claimed[#claimed + 1] = {each[1], attempt, entry[2]}
  end
end
return claimed
"""

# KEYS: stream. ARGV: group, new owner, the waiting consumer, minimum idle time, maximum count, time after which a
# consumer without entries is deleted. Claims entries of processes that are gone.
CLAIM_ABANDONED = (
    _with_pairs("allow-oom")
    + """\
local claimed = {}
local group, to, waiting, idle, most, expiry = unpack(ARGV)
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group)) do
  local consumer = pairs_of(flat)
  local left = most - #claimed
  if consumer.name ~= waiting and consumer.pending == 0 then
    if consumer.name ~= to and consumer.idle > tonumber(expiry) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, consumer.name)
    end
  elseif consumer.name ~= waiting and left > 0 then
    for _, each in ipairs(redis.call('XPENDING', KEYS[1], group, 'IDLE', idle, '-', '+', left, consumer.name)) do
      local entry = redis.call('XCLAIM', KEYS[1], group, to, 0, each[1])[1]
      if entry then
        claimed[#claimed + 1] = {each[1], each[4] + 1, entry[2]}
      end
    end
  end
end
return claimed
"""
)

# KEYS: stream. ARGV: group, owner, then ids. Resets the idle time of entries, so that others do not claim them.
RENEW = """#!lua flags=allow-oom
for i = 3, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) == 1 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
"""

# KEYS: stream. ARGV: group, owner, new owner, id, its new idle time, attempts so far.
RETURN = """#!lua flags=allow-oom
local group, from, to, id, idle, attempts = unpack(ARGV)
if #redis.call('XPENDING', KEYS[1], group, id, id, 1, from) == 1 then
  redis.call('XCLAIM', KEYS[1], group, to, 0, id, 'IDLE', idle, 'RETRYCOUNT', attempts, 'JUSTID')
end
"""

# KEYS: stream. ARGV: group, leaving consumer, new owner, the idle time of an entry that is due at once.
LEAVE = """#!lua flags=allow-oom
local group, from, to, idle = unpack(ARGV)
for _, each in ipairs(redis.call('XPENDING', KEYS[1], group, '-', '+', 10000, from)) do
  redis.call('XCLAIM', KEYS[1], group, to, 0, each[1], 'IDLE', idle, 'RETRYCOUNT', math.max(each[4] - 1, 0), 'JUSTID')
end
if #redis.call('XPENDING', KEYS[1], group, '-', '+', 1, from) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, from)
end
"""

# KEYS: stream, stream of dead letters. ARGV: group, id, reason, attempts. A dead letter holds three fields of this
# adapter, then those of the message. Of a message with thousands of fields, too many for `unpack`, only the body is
# kept.
DEAD_LETTER = """#!lua
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

# KEYS: stream of dead letters, stream of replayed messages. ARGV: id, the number of fields of this adapter.
REPLAY = """#!lua
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not found then
  return 0
end
redis.call('XADD', KEYS[2], '*', unpack(found[2], 2 * ARGV[2] + 1))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
"""

# KEYS: stream of dead letters. ARGV: id. Returns how many were deleted.
DISCARD = """#!lua flags=allow-oom
return redis.call('XDEL', KEYS[1], ARGV[1])
"""

# KEYS: stream of dead letters. ARGV: first id, last id, maximum count.
DEAD_LETTERS = """#!lua flags=no-writes
return redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
"""

# KEYS: stream. Drops entries that every group has settled, some ten thousand at once. Returns how many.
TRIM = (
    _with_pairs("allow-oom")
    + """\
local function parts(id)
  local time, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(time), tonumber(number)
end
local first, time, number
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = pairs_of(flat)
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

# KEYS: the stream of dead letters, then the streams that are read. ARGV: group. Returns the numbers of waiting messages
# and of dead letters. Where entries were deleted by hand, the server does not know the group's lag: the script counts
# up to a thousand entries; beyond that it returns the length of the stream.
DEPTH = (
    _with_pairs("no-writes")
    + """\
local waiting = 0
for i = 2, #KEYS do
  local key, found = KEYS[i], false
  local groups = redis.call('EXISTS', key) == 1 and redis.call('XINFO', 'GROUPS', key) or {}
  for _, flat in ipairs(groups) do
    local group = pairs_of(flat)
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
