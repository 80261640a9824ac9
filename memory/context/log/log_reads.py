"""Reads of the log's tables, a statement at a time, so that none holds up another or keeps its snapshot."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from stepwell.base.sealing import opened
from stepwell.memory.context.log.log import Listed, Name, Pin, Summary, Turn
from stepwell.memory.context.log.log_file import SEQ_BITS
from stepwell.memory.context.log.names import print_of, prints_of, to_text
from stepwell.memory.reader import Reader

N_A_CHUNK = 1000  # rows; 100,000 short turns take 0.2 s, in which others want to read, too

_HEAD = """
    SELECT c.n, k.key, c.epoch, c.user, c.n_turns, c.n_bytes, s.text, s.upto, s.by, s.n_read_tokens,
        EXISTS (SELECT 1 FROM pins WHERE n = c.n)
    FROM conversations AS c JOIN keys AS k USING (n) LEFT JOIN summaries AS s USING (n)
    WHERE c.tenant = ? AND c.id = ?
"""
_TURNS = """
    SELECT place & ?, raw, at_s, guarded, is_lead, mark FROM turns LEFT JOIN marks USING (place)
    WHERE place >= ? AND place < ? ORDER BY place
"""
_PINS = "SELECT id, text FROM pins WHERE n = ? ORDER BY seq"
_LIST = """
    SELECT names, key, n_turns, began_s, last_s FROM conversations JOIN keys USING (n) WHERE tenant = ? {}
    ORDER BY last_s DESC, n DESC LIMIT ?
"""


class Head(NamedTuple):
    """A conversation without its turns."""

    n: int
    key: bytes
    epoch: int
    user: bytes
    n_turns: int
    n_bytes: int
    summary: Summary | None
    has_pins: bool


def head(reader: Reader, name: Name) -> Head | None:
    row = reader.one(_HEAD, prints_of(name))
    if row is None:
        return None
    n, key, epoch, user, n_turns, n_bytes, text, upto, by, n_read_tokens, has_pins = row
    summary = None if text is None else Summary(to_text(opened(key, text)), upto, by, n_read_tokens)
    return Head(n, key, epoch, user, n_turns, n_bytes, summary, bool(has_pins))


def turns(reader: Reader, head: Head, first: int) -> list[Turn]:
    """The turns from place `first` on; fewer where the conversation was erased meanwhile."""
    start, found = head.n << SEQ_BITS, list[Turn]()
    for at in range(first, head.n_turns, N_A_CHUNK):
        span = (start + at, start + min(at + N_A_CHUNK, head.n_turns))
        rows = reader.all(_TURNS, ((1 << SEQ_BITS) - 1, *span))
        found += [_turn(head.key, *row) for row in rows]
    return found


def _turn(
    key: bytes, seq: int, raw: bytes, at_s: float, guarded: bytes, is_lead: int, mark: bytes | None
) -> Turn:
    mark = b"" if mark is None else opened(key, mark)
    return Turn(seq, opened(key, raw), at_s, guarded, mark, bool(is_lead))


def pins(reader: Reader, head: Head) -> tuple[Pin, ...]:
    return tuple(Pin(id, to_text(opened(head.key, text))) for id, text in reader.all(_PINS, (head.n,)))


def listed(reader: Reader, *, tenant: str, user: str | None, limit: int) -> list[Listed]:
    sql = _LIST.format("" if user is None else "AND user = ?")
    values: list[Any] = [print_of(tenant), *([] if user is None else [print_of(user)]), limit]
    return [_listed(tenant, *row) for row in reader.all(sql, values)]


def _listed(tenant: str, names: bytes, key: bytes, n_turns: int, began_s: float, last_s: float) -> Listed:
    id, user = msgspec.msgpack.decode(opened(key, names), type=tuple[bytes, bytes])
    name = Name(to_text(id), tenant, to_text(user))
    return Listed(name, n_turns, began_s, last_s)
