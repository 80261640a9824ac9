"""What runs inside Redis, each atomic. Plain Redis from 5 on.

Each answers status, Redis' time in ms, and what was asked. ARGV[1] of all: the last ms at which somebody waits for the
answer, so that a Redis that was frozen changes nothing afterwards. Epochs are compared as text: a Lua number holds
53 bits. KEYS of what changes a conversation: done, head, turns, marks, pins, all, the user's.
"""

from __future__ import annotations

_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if now > tonumber(ARGV[1]) then return {'late', now} end
"""

# ARGV[2]: for how long (ms) the answer may be asked again, after a connection broke
_ONCE = f"""{_NOW}
local said = redis.call('GET', KEYS[1])
if said then return {{'ok', now, said}} end
local function done(answer)
  answer = tostring(answer)
  redis.call('SET', KEYS[1], answer, 'PX', ARGV[2])
  return {{'ok', now, answer}}
end
"""

# ARGV from 3 on: user, mark of the user, id, mark of the id, fresh epoch, time. What takes memory comes first: a Redis
# that is full refuses a script at its first write, and never later
_BEGIN = f"""{_ONCE}
local head = redis.call('HMGET', KEYS[2], 'e', 'u', 'n', 'l')
local epoch, n = head[1], tonumber(head[3] or '0')
if epoch and head[2] ~= ARGV[3] then return {{'foreign', now}} end
local function begin()
  epoch = ARGV[7]
  redis.call('HSET', KEYS[2], 'e', epoch, 'i', ARGV[5], 'u', ARGV[3], 'w', ARGV[4], 'n', 0, 'b', ARGV[8], 'l', ARGV[8])
  redis.call('ZADD', KEYS[6], ARGV[8], ARGV[6])
  redis.call('ZADD', KEYS[7], ARGV[8], ARGV[6])
  redis.call('UNLINK', KEYS[3], KEYS[4], KEYS[5])
end
"""

# KEYS from 8 on: erasures that would take it. ARGV from 9 on: epoch, time of the last turn, since when or '', turns
APPEND = f"""{_BEGIN}
if ARGV[9] ~= (epoch or '0') then return {{ARGV[9] == '0' and 'begun' or 'erased', now}} end
if epoch and redis.call('LLEN', KEYS[3]) ~= n then return {{'lost', now}} end
if #ARGV == 11 then return {{'ok', now, (epoch or '0') .. ' ' .. n}} end
if not epoch then
  for i = 8, #KEYS do
    local at = redis.call('GET', KEYS[i])
    if at and ARGV[11] ~= '' and tonumber(at) >= tonumber(ARGV[11]) then return {{'erased', now}} end
  end
  begin()
end
for i = 12, #ARGV do redis.call('RPUSH', KEYS[3], ARGV[i]) end
n = n + #ARGV - 11
redis.call('HSET', KEYS[2], 'n', n)
if tonumber(ARGV[10]) > tonumber(head[4] or ARGV[8]) then
  redis.call('HSET', KEYS[2], 'l', ARGV[10])
  redis.call('ZADD', KEYS[6], ARGV[10], ARGV[6])
  redis.call('ZADD', KEYS[7], ARGV[10], ARGV[6])
end
return done(epoch .. ' ' .. n)
"""

# ARGV from 9 on: pin id, text
PIN = f"""{_BEGIN}
if not epoch then begin() end
redis.call('HSET', KEYS[5], ARGV[9], redis.call('HINCRBY', KEYS[2], 'np', 1) .. ':' .. ARGV[10])
return done('')
"""

# KEYS: done, head, pins. ARGV from 3 on: user, pin id
UNPIN = f"""{_ONCE}
local user = redis.call('HGET', KEYS[2], 'u')
if not user then return {{'ok', now, '0'}} end
if user ~= ARGV[3] then return {{'foreign', now}} end
return done(redis.call('HDEL', KEYS[3], ARGV[4]))
"""

# KEYS: head, marks. ARGV from 2 on: epoch, then seq and mark
MARKS = f"""{_NOW}
local head = redis.call('HMGET', KEYS[1], 'e', 'n')
if head[1] ~= ARGV[2] then return {{'ok', now}} end
for i = 3, #ARGV, 2 do
  if tonumber(ARGV[i]) < tonumber(head[2]) then redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
end
return {{'ok', now}}
"""

# KEYS: head. ARGV from 2 on: epoch, what it covers, summary
SUMMARY = f"""{_NOW}
local head = redis.call('HMGET', KEYS[1], 'e', 'su')
if head[1] == ARGV[2] and tonumber(ARGV[3]) >= tonumber(head[2] or '0') then
  redis.call('HSET', KEYS[1], 's', ARGV[4], 'su', ARGV[3])
end
return {{'ok', now}}
"""

# KEYS: done, all. ARGV from 3 on: prefix, mark of the user or '', marks of ids. How many went
ERASE = f"""{_ONCE}
local n = 0
for i = 5, #ARGV do
  local head = ARGV[3] .. 'c:' .. ARGV[i]
  local user = redis.call('HGET', head, 'w')
  if user and (ARGV[4] == '' or ARGV[4] == user) then
    redis.call('UNLINK', head, ARGV[3] .. 't:' .. ARGV[i], ARGV[3] .. 'm:' .. ARGV[i], ARGV[3] .. 'p:' .. ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
    redis.call('ZREM', ARGV[3] .. 'u:' .. user, ARGV[i])
    n = n + 1
  end
end
return done(n)
"""

# KEYS: head, turns, marks, pins. ARGV from 2 on: user, epoch or '', first, most rows, most bytes.
# epoch, n, summary or '', pins, turns, marks: as many turns as go in, one at least
READ = f"""{_NOW}
local head = redis.call('HMGET', KEYS[1], 'e', 'u', 'n', 's')
if not head[1] then return {{'none', now}} end
if head[2] ~= ARGV[2] then return {{'foreign', now}} end
if ARGV[3] ~= '' and head[1] ~= ARGV[3] then return {{'anew', now}} end
local n, at, last = tonumber(head[3]), tonumber(ARGV[4]), tonumber(ARGV[4]) + tonumber(ARGV[5])
if redis.call('LLEN', KEYS[2]) ~= n then return {{'lost', now}} end
local turns, marks, n_bytes = {{}}, {{}}, 0
last = math.min(last, n)
while at < last and n_bytes < tonumber(ARGV[6]) do
  local stop = math.min(at + 50, last)
  local seqs = {{}}
  for seq = at, stop - 1 do seqs[#seqs + 1] = string.format('%.0f', seq) end
  local kept = redis.call('HMGET', KEYS[3], unpack(seqs))
  for i, turn in ipairs(redis.call('LRANGE', KEYS[2], at, stop - 1)) do
    n_bytes = n_bytes + #turn
    turns[#turns + 1] = turn
    marks[#marks + 1] = kept[i] or ''
  end
  at = stop
end
return {{'ok', now, head[1], head[3], head[4] or '', redis.call('HGETALL', KEYS[4]), turns, marks}}
"""

# KEYS: all or the user's. ARGV from 2 on: first, last place, prefix. For each: mark, id, user, n, began, last
LIST = f"""{_NOW}
local found = {{}}
for _, mark in ipairs(redis.call('ZREVRANGE', KEYS[1], ARGV[2], ARGV[3])) do
  local head = redis.call('HMGET', ARGV[4] .. 'c:' .. mark, 'i', 'u', 'n', 'b', 'l')
  if head[1] then found[#found + 1] = {{mark, head[1], head[2], head[3], head[4], head[5]}} end
end
return {{'ok', now, found, redis.call('ZCARD', KEYS[1])}}
"""

# KEYS: the erasure, all or the user's. ARGV from 2 on: time, for how long (s) it is remembered, last place. Ids' marks
ERASING = f"""{_NOW}
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return {{'ok', now, redis.call('ZRANGE', KEYS[2], 0, ARGV[4])}}
"""

ALL = (APPEND, PIN, UNPIN, MARKS, SUMMARY, ERASE, READ, LIST, ERASING)
