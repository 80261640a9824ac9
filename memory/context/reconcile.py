"""Which of the messages sent are new to a conversation: some clients send the whole history each time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

Sent = Collection[bytes]  # the prints of one message sent: it may be known by any of them

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode
_LEAST_COMMON = 2  # two messages in a row from the beginning: a history sent again, not a chance likeness
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, AttributeError, TypeError)
_OF_TRANSPORT = frozenset({"cache_control"})  # clients move it from message to message


def print_of(raw: bytes) -> bytes:
    """Equal for messages (JSON) that say the same, however a client has written them; 8 bytes.

    What counts: the role, a name, texts up to their blanks, images and other parts, calls and whom a result answers.
    What clients leave out when they send an answer again (its reasoning, its annotations) does not.
    """
    return _print(raw, _fields(raw))


def prints_of(*raws: bytes) -> set[bytes]:
    """All that one message that was sent may be known by.

    Args:
        raws: It as it is now, and as it came.
    """
    found = set()
    for raw in raws:
        fields = _fields(raw)
        found.add(_print(raw, fields))
        if fields.get("role") == "assistant" and fields.get("name"):  # some clients give answers a name
            found.add(_print(raw, {**fields, "name": None}))
    return found


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = _decode(raw)
    except _UNREADABLE:
        return {}
    return fields if isinstance(fields, dict) else {}


def _print(raw: bytes, fields: dict[str, Any]) -> bytes:
    made = blake2b(digest_size=8)
    try:
        pieces = [*_pieces(fields)]
    except _UNREADABLE:
        pieces = []
    for piece in pieces or [bytes(raw)]:
        made.update(b"%d:" % len(piece))
        made.update(piece)
    return made.digest()


def _pieces(fields: dict[str, Any]) -> Iterator[bytes]:
    if not fields:
        return
    for key in ("role", "name", "tool_call_id"):
        yield (fields.get(key) or "").encode()
    yield from _content(fields.get("content"))
    for call in fields.get("tool_calls") or ():
        yield b"call" + _call(call)
    if (call := fields.get("function_call")) is not None:
        yield b"function" + _encode(_named(call))
    if (audio := fields.get("audio")) is not None:
        yield b"audio" + _encode(audio.get("id"))


def _content(content: str | list[dict[str, Any]] | None) -> Iterator[bytes]:
    """Texts in a row as one, and what lies between."""
    texts: list[str] = []
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content or ():
        if part.get("type") == "text":
            texts.append(part.get("text") or "")
            continue
        yield from _text(texts)
        texts = []
        yield b"part" + _encode(_bare(part))
    yield from _text(texts)


def _text(texts: Sequence[str]) -> Iterator[bytes]:
    words = " ".join("\n".join(texts).split())
    if words:
        yield b"text" + words.encode()


def _call(call: dict[str, Any]) -> bytes:
    made = {k: v for k, v in _bare(call).items() if k not in ("index", "type")}
    if isinstance(function := made.get("function"), dict):
        made["function"] = _named(function)
    return _encode(made)


def _named(function: dict[str, Any]) -> tuple[Any, bytes]:
    return function.get("name"), _canonical(function.get("arguments") or "{}")


def _canonical(arguments: str) -> bytes:
    """Clients write a call's JSON again in their own way."""
    try:
        return _encode(_decode(arguments))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return arguments.strip().encode()


def _bare(value: Any) -> Any:
    """Without nulls and what is said to caches on the way."""
    if isinstance(value, dict):
        return {k: _bare(v) for k, v in value.items() if v is not None and k not in _OF_TRANSPORT}
    return [_bare(v) for v in value] if isinstance(value, list) else value


def n_known(held: Sequence[bytes], sent: Sequence[Sent], answers: Sequence[int] = ()) -> int:
    """How many of the first messages sent are in the conversation already.

    Who sends an answer that is held, and before it what was answered, sends history again: what comes after the last
    such answer is new, whatever was edited, left out or asked twice before it. Without one, what is known ends where
    the conversation ends, or is its beginning. Nothing held is taken away.

    Args:
        answers: Which of those sent are an assistant's, rising.
    """
    if not sent:
        return 0
    last = _last_known(held, sent, answers)
    if last >= 0:
        return last + 1
    ids: dict[bytes, int] = {}
    said = [_id(ids, prints) for prints in sent]
    held_ids = [ids.get(each, -1) for each in held[-len(said) :]]
    n = next((n for n, is_ in enumerate(said) if n == len(held) or ids.get(held[n], -1) != is_), len(said))
    return max(_overlap(held_ids, said), n if n >= _LEAST_COMMON else 0)


def _last_known(held: Sequence[bytes], sent: Sequence[Sent], answers: Sequence[int]) -> int:
    """The last answer that was given to the same, or with which the client begins; -1: none.

    By itself it would not do: another history may have an "ok", too.
    """
    after: dict[bytes, dict[bytes, int]] = {}
    for n in answers:
        for given in sent[n]:
            after.setdefault(given, {}).update(dict.fromkeys(sent[n - 1] if n else (b"",), n))
    found = -1
    for place in range(len(held) - 1 if after else -1, -1, -1):
        before = after.get(held[place])
        if before is not None:
            found = max(found, before.get(b"", -1), before.get(held[place - 1], -1) if place else -1)
            if found == answers[-1]:
                break
    return found


def _id(ids: dict[bytes, int], prints: Sent) -> int:
    """One number for all prints of a message."""
    found = next((ids[each] for each in prints if each in ids), len(ids))
    for each in prints:
        ids.setdefault(each, found)
    return found


def _overlap(were: Sequence[int], said: Sequence[int]) -> int:
    """The longest end of one that begins the other (Knuth, Morris and Pratt 1977: in one pass)."""
    falls, n = [0], 0
    for each in said[1:]:
        n = _step(said, falls, n, each)
        falls.append(n)
    n = 0
    for each in were:
        n = _step(said, falls, n, each)
    return n


def _step(said: Sequence[int], falls: Sequence[int], n: int, each: int) -> int:
    """How many are matched after one more, where n were before it."""
    if n == len(said):
        n = falls[n - 1]
    while n and said[n] != each:
        n = falls[n - 1]
    return n + (said[n] == each)
