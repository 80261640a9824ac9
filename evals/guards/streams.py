"""Does a guarded stream show what redacting the whole shows? Random chunkings of one's own texts."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.base.errors import GuardBlocked
from stepwell.base.messages import Event, decode_answer, decode_chunk, encode_json
from stepwell.guards.guard import Guard

Row = Mapping[str, Any]
Wrap = Callable[[str], dict[str, Any]]
# as models write (a token or some), as gateways pass on (a sentence), and character by character
LONGEST = (1, 4, 12, 60, 400)

# where the pieces of a text may stand: in a delta, and the same in a whole message
FIELDS: Mapping[str, tuple[Wrap, Wrap]] = {
    "content": (lambda t: {"content": t}, lambda t: {"content": t}),
    "refusal": (lambda t: {"refusal": t}, lambda t: {"content": None, "refusal": t}),
    "reasoning": (
        lambda t: {"reasoning_content": t},
        lambda t: {"content": None, "reasoning_content": t},
    ),
    "tool_call": (
        lambda t: {"tool_calls": [{"index": 0, "function": {"arguments": t}}]},
        lambda t: {"content": None, "tool_calls": [{"index": 0, "function": {"arguments": t}}]},
    ),
    "custom_call": (
        lambda t: {"tool_calls": [{"index": 0, "custom": {"input": t}}]},
        lambda t: {"content": None, "tool_calls": [{"index": 0, "custom": {"input": t}}]},
    ),
    "function_call": (
        lambda t: {"function_call": {"arguments": t}},
        lambda t: {"content": None, "function_call": {"arguments": t}},
    ),
}


@dataclass(frozen=True, slots=True)
class Streamed:
    """How the chunkings of one text came out.

    Attributes:
        n_chunkings: How many were tried.
        n_unequal: Of those, how many did not show what redacting the whole shows.
        n_leaked: Values that a stream showed and the whole, redacted, does not, over all chunkings.
        n_values: Values in the text: its `spans`, else what the guard cuts out of the whole.
        max_held_chars: The most that waited at once.
    """

    n_chunkings: int
    n_unequal: int
    n_leaked: int
    n_values: int
    max_held_chars: int


def check_rows(
    rows: Iterable[Row], guard: Guard, *, n_chunkings: int = 10, seed: int = 0
) -> Iterator[Streamed]:
    """Stream each row's text through the guard in random pieces, in every field that may carry text, in turn.

    Not to be called from a running event loop.

    Args:
        rows: `text`, and where they are known `spans`: the values in it, each with `start` and `end`.
    """
    rng = random.Random(seed)
    names = list(FIELDS)
    for n, row in enumerate(rows):
        text = str(row["text"])
        values = values_of(row, guard)
        tried = []
        for k in range(n_chunkings):
            name = names[(n + k) % len(names)]
            body = encode_json({"args": text}).decode() if name in ("tool_call", "function_call") else text
            tried.append(_try(guard, name, body, pieces(body, rng), values))
        yield Streamed(
            n_chunkings,
            sum(not is_equal for is_equal, _, _ in tried),
            sum(n_leaked for _, n_leaked, _ in tried),
            len(values),
            max((held for _, _, held in tried), default=0),
        )


def pieces(text: str, rng: random.Random) -> list[str]:
    """The text in random pieces."""
    longest = rng.choice(LONGEST)
    out, at = [], 0
    while at < len(text):
        n = rng.randint(1, longest)
        out.append(text[at : at + n])
        at += n
    return out


def values_of(row: Row, guard: Guard) -> list[str]:
    """The values in a row's text: its `spans`, else what the guard finds in the whole."""
    text = str(row["text"])
    spans = row.get("spans")
    if spans:
        return [text[int(s["start"]) : int(s["end"])] for s in spans]
    body = _body("content", text)
    try:
        verdict, _, _ = asyncio.run(guard.check_output(body, decode_answer(body)))
    except GuardBlocked as e:
        found = getattr(e.verdict, "findings", ())
    else:
        found = verdict.findings
    return [text[f.start : f.end] for f in found if f.end <= len(text)]


def _try(
    guard: Guard, name: str, text: str, parts: Sequence[str], values: list[str]
) -> tuple[bool, int, int]:
    """Whether stream and whole are equal, how many values leaked, and how much waited."""
    whole = redacted(guard, name, text)
    shown, held = _streamed(guard, name, parts)
    is_equal = shown == whole if whole is not None else not _shows_any(shown, values)
    leaked = [v for v in values if v and shown.count(v) > (whole or "").count(v)]
    return is_equal, len(leaked), held


def _shows_any(shown: str, values: list[str]) -> bool:
    return any(v in shown for v in values)


def _body(name: str, text: str) -> bytes:
    message = {"role": "assistant", **FIELDS[name][1](text)}
    return encode_json({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})


def redacted(guard: Guard, name: str, text: str) -> str | None:
    """The whole text after the guard; None where it blocks."""
    body = _body(name, text)
    try:
        _, body, _ = asyncio.run(guard.check_output(body, decode_answer(body)))
    except GuardBlocked:
        return None
    return _said(json.loads(body)["choices"][0]["message"])


def _streamed(guard: Guard, name: str, parts: Sequence[str]) -> tuple[str, int]:
    """What came out, and the most that waited at once."""
    stream = guard.open_stream()
    wrap = FIELDS[name][0]
    shown: list[str] = []
    held = 0
    events = [_event(wrap(part)) for part in parts]
    if stream is None:
        return "".join(parts), 0
    try:
        for event in [*events, _event({}, finish="stop")]:
            shown += map(_shown, stream.feed([event]))
            held = max(held, stream.n_held_chars)
        shown += map(_shown, stream.finish())
    except GuardBlocked:
        pass  # what is out is out, and is looked at
    return "".join(shown), held


def _event(delta: dict[str, Any], *, finish: str | None = None) -> Event:
    payload = encode_json({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    return Event(payload, decode_chunk(payload))


def _shown(event: Event) -> str:
    choices = json.loads(event.payload)["choices"]
    return _said(choices[0]["delta"]) if choices else ""


def _said(said: Any) -> str:
    """All strings of a message or a delta, in order, but those that only name its parts."""
    if isinstance(said, str):
        return said
    if isinstance(said, dict):
        return "".join(_said(value) for key, value in said.items() if key != "role")
    return "".join(map(_said, said)) if isinstance(said, list) else ""
