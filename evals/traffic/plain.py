"""Values of other tools' logs as we write them: times, numbers, messages, answers."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from typing import NoReturn

import msgspec

from stepwell.evals.traffic.records import BadRecord, is_object

Said = tuple[dict[str, object], ...]
_decode = msgspec.json.Decoder().decode
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "generic": "user"}


def first(values: Mapping[str, object], *names: str) -> object:
    """The first of these fields that is there and not null."""
    return next((values[n] for n in names if values.get(n) is not None), None)


def text(value: object) -> str:
    """A text, or ""."""
    return value if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """A finite number, or one that is written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: object) -> int:
    """A number of tokens; 0 where there is none."""
    found = number(value)
    return int(found) if found is not None and 0 <= found < 1e12 else 0


def share(value: object) -> float | None:
    """A score 0..1; None for one on another scale."""
    found = float(value) if isinstance(value, bool) else number(value)
    return found if found is not None and 0 <= found <= 1 else None


def seconds(value: object) -> float | None:
    """Unix time of a number (s, ms, us or ns by its size) or of an ISO 8601 text, UTC where no zone is named."""
    found = number(value)
    if found is not None:
        while found > 1e11:
            found /= 1e3
        return found
    if not isinstance(value, str):
        return None
    try:
        at = datetime.datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).timestamp()


def parsed(value: object) -> object:
    """JSON that stands in a text, else the value as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return _decode(value)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return value
    return value


def messages_of(value: object) -> Said:
    """Chat messages of what a tool recorded as input: a list, {messages: [...]}, one message, or a prompt.

    Raises:
        BadRecord: It is none of them.
    """
    found = parsed(value)
    if found is None or found in ("", [], {}):
        return ()
    if is_object(found):
        inner = first(found, "messages", "prompt", "input", "content", "query", "question", "text")
        if "role" in found and "content" in found:
            return _all([found])
        return messages_of(inner) if inner is not None else _unknown("input")
    if isinstance(found, str):
        return ({"role": "user", "content": found},)
    return _all(found) if isinstance(found, list) else _unknown("input")


def _all(items: Iterable[object]) -> Said:
    return tuple(_message(item) for item in items)


def _message(item: object) -> dict[str, object]:
    if isinstance(item, str):
        return {"role": "user", "content": item}
    if not is_object(item):
        return _unknown("a message of the input")
    role = text(first(item, "role", "type")) or "user"
    content = item.get("content")
    made: dict[str, object] = {"role": _ROLES.get(role, role)}
    made["content"] = content if isinstance(content, str | list) else ""
    return made | {n: item[n] for n in ("tool_calls", "tool_call_id") if item.get(n)}


def _unknown(what: str) -> NoReturn:
    raise BadRecord(f"{what} is of no known form")


def answer_of(value: object) -> str | None:
    """The text of what a tool recorded as output; None where there is none (a tool call alone has none)."""
    found = parsed(value)
    if isinstance(found, str):
        return found or None
    if isinstance(found, list):
        texts = [t for item in found if (t := answer_of(item)) is not None]
        return texts[0] if texts else None
    if not is_object(found):
        return None
    for name in ("choices", "message", "content", "text", "completion", "output", "answer", "response"):
        if found.get(name) is not None:
            inner = answer_of(found[name])
            if inner is not None:
                return inner
    return None
