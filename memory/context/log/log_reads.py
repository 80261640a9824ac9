"""Reads of the log's tables, a statement at a time, so that none holds up another or keeps its snapshot."""

from __future__ import annotations

from typing import Any, NamedTuple

from stepwell.memory.context.log.log import Listed, Name, Pin, Summary, Turn
from stepwell.memory.context.log.log_file import SEQ_BITS
from stepwell.memory.context.log.names import key_of, to_bytes, to_text
from stepwell.memory.reader import Reader

N_A_CHUNK = 1000  # rows; 100,000 short turns take 0.2 s, in which others want to read, too

_HEAD = """
    SELECT c.n, c.epoch, c.user, c.n_turns, c.n_bytes, s.text, s.upto, s.by, s.n_read_tokens,
        EXISTS (SELECT 1 FROM pins WHERE n = c.n)
    FROM conversations AS c LEFT JOIN summaries AS s USING (n) WHERE c.tenant = ? AND c.id = ?
"""
_TURNS = """
    SELECT place & ?, raw, at_s, guarded, coalesce(mark, x'') FROM turns LEFT JOIN marks USING (place)
    WHERE place >= ? AND place < ? ORDER BY place
"""
_PINS = "SELECT id, text FROM pins WHERE n = ? ORDER BY seq"
_LIST = """
    SELECT id, user, n_turns, began_s, last_s FROM conversations WHERE tenant = ? {}
    ORDER BY last_s DESC, n DESC LIMIT ?
"""


class Head(NamedTuple):
    """A conversation without its turns."""

    n: int
    epoch: int
    user: bytes
    n_turns: int
    n_bytes: int
    summary: Summary | None
    has_pins: bool


def head(reader: Reader, name: Name) -> Head | None:
    row = reader.one(_HEAD, key_of(name))
    if row is None:
        return None
    n, epoch, user, n_turns, n_bytes, text, upto, by, n_read_tokens, has_pins = row
    summary = None if text is None else Summary(to_text(text), upto, by, n_read_tokens)
    return Head(n, epoch, user, n_turns, n_bytes, summary, bool(has_pins))


def turns(reader: Reader, n: int, first: int, end: int) -> list[Turn]:
    """The turns from place `first` to before `end`; fewer where the conversation was erased meanwhile."""
    start, found = n << SEQ_BITS, []
    for at in range(first, end, N_A_CHUNK):
        span = (start + at, start + min(at + N_A_CHUNK, end))
        found += [Turn(*row) for row in reader.all(_TURNS, ((1 << SEQ_BITS) - 1, *span))]
    return found


def pins(reader: Reader, n: int) -> tuple[Pin, ...]:
    return tuple(Pin(id, to_text(text)) for id, text in reader.all(_PINS, (n,)))


def listed(reader: Reader, *, tenant: str, user: str | None, limit: int) -> list[Listed]:
    sql = _LIST.format("" if user is None else "AND user = ?")
    values: list[Any] = [to_bytes(tenant), *([] if user is None else [to_bytes(user)]), limit]
    return [_listed(tenant, *row) for row in reader.all(sql, values)]


def _listed(tenant: str, id: bytes, user: bytes, n_turns: int, began_s: float, last_s: float) -> Listed:
    name = Name(to_text(id), tenant, to_text(user))
    return Listed(name, n_turns, began_s, last_s)
