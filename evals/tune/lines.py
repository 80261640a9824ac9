"""Outcome rows as JSON Lines: one checked row a line, and errors that name line and column, never text."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from stepwell.base.errors import BadRequest
from stepwell.base.messages import Message
from stepwell.router.traits import TRAITS, TRAITS_HASH
from stepwell.router.wrappers import last_ask

_CHARS_PER_TOKEN = 4.0

Score = Annotated[float, msgspec.Meta(ge=0, le=1)] | bool | None
Amount = Annotated[float, msgspec.Meta(ge=0)]


class Row(msgspec.Struct):
    """One line of the file; `weak` and `strong` may stand for scores {weak, strong}, traits for the prompt."""

    id: str | int | None = None
    prompt: str | None = None
    messages: list[Message] | None = None
    domain: str | None = None
    dataset: str | None = None
    scores: dict[str, Score] | None = None
    weak: Score = None
    strong: Score = None
    answers: dict[str, str | int | float | bool | None] | None = None
    out_tokens: dict[str, Amount | None] | None = None
    out_chars: dict[str, Amount | None] | None = None
    cost_usd: dict[str, Amount | None] | None = None
    contaminated: bool = False
    traits: list[float] | None = None
    traits_hash: str = ""
    vector: list[float] | None = None
    embedder: str = ""
    n_counted_tokens: Amount | None = msgspec.field(default=None, name="n_input_tokens")

    def score(self, tier: str) -> float | None:
        """The tier's score, where the row has one."""
        score = (self.scores or {}).get(tier)
        return None if score is None else float(score)

    @property
    def n_output_tokens(self) -> Mapping[str, float | None]:
        """By tier: as recorded, else characters / 4."""
        if self.out_tokens is not None:
            return self.out_tokens
        chars = self.out_chars or {}
        return {t: None if c is None else c / _CHARS_PER_TOKEN for t, c in chars.items()}

    @property
    def n_input_tokens(self) -> float:
        """Of the whole prompt: characters / 4, at least 1; as counted where only traits were kept."""
        if self.prompt is None and self.n_counted_tokens is not None:
            return max(1.0, self.n_counted_tokens)
        n_chars = sum(len(m.text) for m in self.messages) if self.messages else len(self.prompt or "")
        return max(1.0, n_chars / _CHARS_PER_TOKEN)


_decode = msgspec.json.Decoder(Row).decode


def read_rows(
    rows: str | os.PathLike[str] | Iterable[str | bytes], *, is_scored: bool = True
) -> Iterator[Row]:
    """Every row with an id, a prompt and a score; those flagged `contaminated` are left out.

    Args:
        rows: A JSON Lines file (.gz too) or its lines; blank ones are skipped.
        is_scored: Rows must have a score.

    Raises:
        BadRequest: Names the file, or line and column; never the text.
    """
    for n, line in enumerate(_lines(rows), start=1):
        if not line.strip():
            continue
        try:
            row = _decode(line)
        except msgspec.ValidationError as e:
            raise BadRequest(f"Line {n}: {_fault(e)}") from None
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise BadRequest(f"Line {n}: not a JSON object.") from None
        if not row.contaminated:
            yield _checked(row, n, is_scored=is_scored)


def _lines(rows: str | os.PathLike[str] | Iterable[str | bytes]) -> Iterator[str | bytes]:
    if not isinstance(rows, (str, os.PathLike)):
        yield from rows
        return
    path = Path(rows)
    try:
        with path.open("rb") as raw:
            is_packed = raw.peek(2)[:2] == b"\x1f\x8b"
            yield from io.BufferedReader(gzip.GzipFile(fileobj=raw)) if is_packed else raw
    except FileNotFoundError:
        raise BadRequest(f"There is no file of outcomes {path.name!r}.") from None
    except (OSError, EOFError, zlib.error) as e:
        raise BadRequest(f"The file of outcomes {path.name!r} can't be read: {type(e).__name__}.") from e


def _fault(error: msgspec.ValidationError) -> str:
    """What msgspec says of types and ranges: it names the place and quotes no value."""
    said, _, place = str(error).partition(" - at ")
    column = place.strip("`").removeprefix("$.") or "the row"
    return f"column {column}: {said}."


def _checked(row: Row, n: int, *, is_scored: bool) -> Row:
    if row.prompt is None and row.messages is not None:
        row.prompt = last_ask(row.messages)
    if row.prompt is None and row.traits is not None:
        if row.traits_hash != TRAITS_HASH or len(row.traits) != len(TRAITS):
            raise BadRequest(f"Line {n}: column traits: by another version of Stepwell.", param="traits")
    elif not row.prompt or not row.prompt.strip():
        raise BadRequest(f"Line {n}: column prompt: no ask in it, nor in messages.", param="prompt")
    if row.scores is None:
        row.scores = {k: v for k, v in (("weak", row.weak), ("strong", row.strong)) if v is not None}
    if is_scored and all(v is None for v in row.scores.values()):
        raise BadRequest(f"Line {n}: column scores: no tier has a score.", param="scores")
    row.id = _name_of(row) if row.id is None else str(row.id)
    return row


def _name_of(row: Row) -> str:
    """The same ask has the same name in every file: by its prompt, else by traits and vector."""
    if row.prompt is not None:
        said = row.prompt.encode("utf-8", "replace")
    else:
        said = msgspec.json.encode((row.traits, row.vector))
    return hashlib.sha256(said).hexdigest()[:16]
