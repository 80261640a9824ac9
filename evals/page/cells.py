"""The texts of samples, packed in pieces that a browser opens one by one."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import FileIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from stepwell.evals.entries import Entry, decode_entry
from stepwell.evals.page.index import MISSING, Index
from stepwell.evals.suite import Row

PIECE_BYTES = 192 * 1024
LEVEL = 5  # 6 takes half as much time again, for 3 % less
MAX_TEXT_CHARS = 20_000
_encode = msgspec.json.Encoder(order="deterministic").encode


class Cell(msgspec.Struct, omit_defaults=True):
    """One sample, under names of one letter, for there are many."""

    text: str = msgspec.field(default="", name="a")
    earlier: tuple[str, ...] = msgspec.field(default=(), name="e")
    why: str = msgspec.field(default="", name="w")
    parts: Mapping[str, float] = msgspec.field(default={}, name="p")
    served: str | None = msgspec.field(default=None, name="s")
    n_in_tokens: int = msgspec.field(default=0, name="i")
    n_out_tokens: int = msgspec.field(default=0, name="o")
    ttft_ms: float | None = msgspec.field(default=None, name="f")
    tries: int = msgspec.field(default=1, name="t")
    judge_usd: float = msgspec.field(default=0.0, name="j")
    lost_usd: float = msgspec.field(default=0.0, name="l")
    is_degraded: bool = msgspec.field(default=False, name="d")


def pieces(
    journal: str | Path, index: Index, rows: Iterable[Row], *, max_text_chars: int = MAX_TEXT_CHARS
) -> Iterator[tuple[int, str]]:
    """Rows with their answers in the index's order: how many rows a piece holds, and the piece.

    A piece is JSON, deflated, in base64: rows of [id, prompt or [[role, text], ...], turns, targets, cells, scorer],
    cells arm by arm and repeat by repeat, 0 where there is none. No more than a piece is in memory at once.
    """
    # unbuffered: each line is read for itself, most of them not in order
    with open(journal, "rb", buffering=0) as file:
        found: list[bytes] = []
        size = 0
        for n, row in zip_longest(range(len(index.ids)), rows):
            found.append(_row(file, index, n, row, max_text_chars))
            size += len(found[-1])
            if size >= PIECE_BYTES:
                yield len(found), packed(b"[" + b",".join(found) + b"]")
                found, size = [], 0
        if found:
            yield len(found), packed(b"[" + b",".join(found) + b"]")


def packed(data: bytes) -> str:
    """Raw deflate in base64, which stands safely inside any element."""
    deflater = zlib.compressobj(level=LEVEL, wbits=-zlib.MAX_WBITS)
    return base64.b64encode(deflater.compress(data) + deflater.flush()).decode("ascii")


def _row(file: FileIO, index: Index, n: int, row: Row | None, most: int) -> bytes:
    cells = [_cell(file, index, at, most) for at in range(index.place(n), index.place(n + 1))]
    if row is None:
        return _encode([index.ids[n], "", [], [], cells, ""])
    asked = row.prompt
    said: object = _cut(asked, most) if asked is not None else [_message(m, most) for m in row.messages]
    targets = [_cut(t, most) for t in row.targets if t]
    return _encode([row.id, said, [_cut(t, most) for t in row.turns], targets, cells, row.scorer])


def _cell(file: FileIO, index: Index, at: int, most: int) -> object:
    if index.state[at] == MISSING:
        return 0
    file.seek(index.start[at])
    entry = decode_entry(file.read(index.length[at]), f"{file.name}, byte {index.start[at]}")
    assert isinstance(entry, Entry)
    return Cell(
        _cut(entry.answer or "", most),
        tuple(_cut(text, most) for text in entry.earlier),
        entry.why,
        entry.parts,
        entry.served,
        entry.in_tokens,
        entry.out_tokens,
        entry.ttft_ms,
        entry.tries,
        index.judge_nano_usd[at] / 1e9,
        index.lost_nano_usd[at] / 1e9,
        entry.is_degraded,
    )


def _message(message: Mapping[str, Any], most: int) -> list[str]:
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    text = "\n".join(_part(p) for p in parts)
    return [str(message.get("role", "")), _cut(text, most)]


def _part(part: object) -> str:
    """A part of a message as text; what is no text is only named."""
    if isinstance(part, dict):
        text = part.get("text")
        return text if isinstance(text, str) else f"[{part.get('type', 'part')}]"
    return "" if part is None else str(part)


def _cut(text: str, most: int) -> str:
    left = len(text) - most
    return text if left <= 0 else f"{text[:most]}\n… {left:,} more characters, in the journal"
