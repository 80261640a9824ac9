"""What runs inside Redis, each atomic: a change, and word of it in the log. Plain Redis from 5 on."""

from __future__ import annotations

from stepwell.memory.redis import keys

MAX_LOG = 100_000  # changes; who was away for longer reads all anew
MAX_NOTES = 20_000
ERASED_FOR_MS = 30 * 86_400_000  # so long may a replica be away and still bring nothing erased back
DONE_FOR_MS = 60_000
_IDS_A_MESSAGE = 500

_TELL = f"""
local log = '{keys.LOG}'
local function tell(...) redis.call('XADD', log, 'MAXLEN', '~', {MAX_LOG}, '*', ...) end
"""

_DROP = f"""{_TELL}
local gone = {{}}
local function drop(id)
  local name = '{keys.PREFIX}e:' .. id
  local at = redis.call('HMGET', name, 'k', 't')
  local was = redis.call('DEL', name)
  if at[1] and redis.call('GET', at[1]) == id then redis.call('DEL', at[1]) end
  if at[2] then redis.call('ZREM', at[2], id) end
  redis.call('ZREM', '{keys.ALL}', id)
  redis.call('DEL', '{keys.PREFIX}a:' .. id)
  gone[#gone + 1] = id
  return was
end
local function tell_gone()
  for i = 1, #gone, {_IDS_A_MESSAGE} do
    tell('o', 'x', 'i', table.concat(gone, ' ', i, math.min(i + {_IDS_A_MESSAGE} - 1, #gone)))
  end
end
"""

_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""

# What leads to an older entry of the same key leads to this one, which takes its record over, too.
# KEYS: entry, exact, tenant, erased tenant, erased user. ARGV: hit_id, entry, mark of the user, stored at (ms),
# expires at (ms), most entries of a tenant, who says it. 0: expired, or erased since
PUT = f"""{_DROP}{_NOW}
for i = 4, 5 do
  local until_ms = redis.call('GET', KEYS[i])
  if until_ms and tonumber(ARGV[4]) <= tonumber(until_ms) then return 0 end
end
if tonumber(ARGV[5]) <= now then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
redis.call('ZREMRANGEBYSCORE', '{keys.ALL}', '-inf', now)
local older = redis.call('GET', KEYS[2])
if older == ARGV[1] then older = false end
local record, leads = {{}}, {{}}
if older then
  record = redis.call('HMGET', '{keys.PREFIX}e:' .. older, 'r', 'w')
  leads = redis.call('SMEMBERS', '{keys.PREFIX}a:' .. older)
  drop(older)
end
redis.call('HSET', KEYS[1], 'e', ARGV[2], 'u', ARGV[3], 'k', KEYS[2], 't', KEYS[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
redis.call('SET', KEYS[2], ARGV[1])
redis.call('PEXPIREAT', KEYS[2], ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[5], ARGV[1])
redis.call('ZADD', '{keys.ALL}', ARGV[5], ARGV[1])
redis.call('PEXPIREAT', KEYS[3], string.format('%.0f', redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]))
local n_over = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[6])
if n_over > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, n_over - 1)) do drop(id) end
end
tell('o', 'p', 'i', ARGV[1], 'b', ARGV[7])
if redis.call('EXISTS', KEYS[1]) == 1 and (record[1] or record[2]) then
  local right, wrong = record[1] or '0', record[2] or '0'
  redis.call('HSET', KEYS[1], 'r', right, 'w', wrong)
  tell('o', 'k', 'i', ARGV[1], 'd', right .. ' ' .. wrong)
end
for _, id in ipairs(leads) do
  local name = '{keys.PREFIX}e:' .. id
  if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HGET', name, 'a') == older then
    redis.call('HSET', name, 'a', ARGV[1])
    redis.call('SADD', '{keys.PREFIX}a:' .. ARGV[1], id)
    tell('o', 'v', 'i', id)
  end
end
redis.call('PEXPIREAT', '{keys.PREFIX}a:' .. ARGV[1], ARGV[5])
tell_gone()
return 1
"""

# KEYS: entry, the answer's entry, what leads there. ARGV: hit_id, vector, who says it, the answer's hit_id
ATTACH = f"""{_TELL}
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'a', ARGV[4])
if ARGV[1] ~= ARGV[4] then
  redis.call('SADD', KEYS[3], ARGV[1])
  redis.call('PEXPIRE', KEYS[3], math.max(1, redis.call('PTTL', KEYS[2])))
end
tell('o', 'v', 'i', ARGV[1], 'b', ARGV[3])
return 1
"""

# ARGV: hit_id. 1 where it was there
REMOVE = f"""{_DROP}
local was = drop(ARGV[1])
tell_gone()
return was
"""

# KEYS: tenant, erased. ARGV: mark of the user or '', until when (ms), who says it, the message. How many went
ERASE = f"""{_DROP}{_NOW}
local until_ms = string.format('%.0f', math.max(now, tonumber(ARGV[2])))
redis.call('SET', KEYS[2], until_ms, 'PX', {ERASED_FOR_MS})
local n = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if ARGV[1] == '' or redis.call('HGET', '{keys.PREFIX}e:' .. id, 'u') == ARGV[1] then n = n + drop(id) end
end
tell_gone()
tell('o', 'z', 'b', ARGV[3], 'd', ARGV[4])
return n
"""

_ONCE = f"""{_TELL}
if not redis.call('SET', KEYS[1], '1', 'NX', 'PX', {DONE_FOR_MS}) then return 0 end
"""

# KEYS: done, entry. ARGV: hit_id, 'r' or 'w', who says it
JUDGED = f"""{_ONCE}
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
tell('o', 'j', 'i', ARGV[1], 'd', ARGV[2], 'b', ARGV[3])
return 1
"""

# KEYS: done. ARGV: judgement, who says it
NOTE = f"""{_ONCE}
redis.call('XADD', '{keys.NOTES}', 'MAXLEN', '~', {MAX_NOTES}, '*', 'd', ARGV[1], 'b', ARGV[2])
return 1
"""

# KEYS: done. ARGV: who says it, the message, then field and what to add
COUNT = f"""{_ONCE}
for i = 3, #ARGV, 2 do redis.call('HINCRBYFLOAT', '{keys.TALLIES}', ARGV[i], ARGV[i + 1]) end
tell('o', 'c', 'd', ARGV[2], 'b', ARGV[1])
return 1
"""

# ARGV: an epoch, for a Redis that has none. The epoch, and where the log ends
OPEN = f"""{_TELL}
if redis.call('SET', '{keys.EPOCH}', ARGV[1], 'NX') or redis.call('EXISTS', log) == 0 then tell('o', 'h') end
return {{redis.call('GET', '{keys.EPOCH}'), redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1][1]}}
"""

ALL = (PUT, ATTACH, REMOVE, ERASE, JUDGED, NOTE, COUNT, OPEN)
