"""The texts of one streamed event, and the same event with some of them rewritten, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from stepwell.base.messages import Event, decode_chunk, encode_json
from stepwell.guards.leaves import Path, put, read, texts

CONTENT: Path = ("content",)
_TOOL_FIELDS = ("tool_calls", "function_call")
# words of the wire, said again in each event: what they would spell when joined is no text
_LABELS = frozenset({"role", "type", "format", "status", "object"})
# who sends these says the answer's text a second time
_REPEATS = ("message", "text")
_EMPTY = (b"null", b'""', b"[]")

_decode_dict = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_dicts = msgspec.json.Decoder(list[dict[str, Raw]]).decode


_NULL = Raw(b"null")
_Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]
# OpenAI's, new in each event; what is longer, or a number, is read
_Padding = Annotated[
    str, msgspec.Meta(max_length=16, pattern="^(?:[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]*[A-Za-z]|)$")
]
_ROLES = (b'"assistant"', b"null", b'""')


class _Keys(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    delta: dict[str, Raw] | None = None
    index: int = 0
    finish_reason: _Finish | None = None
    logprobs: None = None


class _Shape(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    choices: list[_Keys]
    id: Raw = _NULL
    object: Raw = _NULL
    created: Raw = _NULL
    model: Raw = _NULL
    system_fingerprint: Raw = _NULL
    service_tier: Raw = _NULL
    usage: Raw = _NULL
    obfuscation: _Padding = ""


_decode_shape = msgspec.json.Decoder(_Shape).decode


@dataclass(frozen=True, slots=True)
class Text:
    """One text that an event adds.

    Attributes:
        path: Where it stands in the delta.
        lane: The text that it goes on with: `path`, with the upstream's own numbers for places in lists.
    """

    path: Path
    lane: Path
    text: str

    @property
    def group(self) -> Path:
        """What keeps its order: a field of the delta, or one tool call."""
        return _head(self.lane)

    @property
    def own(self) -> Path:
        """The part of the delta that belongs to the group alone."""
        return _head(self.path)


def _head(path: Path) -> Path:
    return path[:2] if path[0] == "tool_calls" else path[:1]


def has_only_content(event: Event) -> bool:
    """Whether an event with one choice holds no text but `content`, and beside it words of the wire alone."""
    try:
        delta = _decode_shape(event.payload).choices[0].delta or {}
    except msgspec.ValidationError:
        return False
    if len(delta) == 1:
        return "content" in delta
    for name, raw in delta.items():
        if name != "content" and bytes(raw) not in (_ROLES if name == "role" else _EMPTY):
            return False
    return True


def said_once(event: Event) -> Event:
    """An event with one choice, without the fields of the choice that say the answer's text a second time."""
    fields = _decode_dict(event.payload)
    choice = _decode_dicts(fields["choices"])[0]
    if not choice.keys() & _REPEATS:
        return event
    kept = {name: raw for name, raw in choice.items() if name not in _REPEATS}
    fields["choices"] = Raw(encode_json([kept]))
    return _event(fields)


@dataclass(slots=True)
class Calls:
    """Numbers a choice's tool calls where the upstream doesn't: an id begins another."""

    n_seen: int = 0

    def numbers(self, calls: Any) -> list[int]:
        """The number of each call of one event."""
        numbers = []
        for call in calls if isinstance(calls, list) else ():
            number = call.get("index") if isinstance(call, dict) else 0
            if not isinstance(number, int):
                number = self.n_seen if call.get("id") else max(self.n_seen - 1, 0)
            self.n_seen = max(self.n_seen, number + 1)
            numbers.append(number)
        return numbers


def texts_of(event: Event, calls: Calls) -> list[Text]:
    """Every text of an event with one choice: whatever may be a model's words, in order."""
    delta = read(event.payload)["choices"][0].get("delta") or {}
    numbers = calls.numbers(delta.get("tool_calls"))
    return [Text(p, _lane(delta, p, numbers), text) for p, text in texts(delta) if not _is_label(p)]


def is_tool_input(path: Path) -> bool:
    """Whether a tool takes the text at `path`."""
    return path[-1] == "arguments" or path[-2:] == ("custom", "input")


def _is_label(path: Path) -> bool:
    if path[-1] == "name":
        return path[0] not in _TOOL_FIELDS
    return path[-1] in _LABELS


def _lane(value: Any, path: Path, numbers: list[int]) -> Path:
    if path[0] == "tool_calls" and isinstance(path[1], int):
        return ("tool_calls", numbers[path[1]], *path[2:])
    lane: list[str | int] = []
    for step in path:
        value = value[step]
        index = value.get("index") if isinstance(step, int) and isinstance(value, dict) else None
        lane.append(index if isinstance(index, int) else step)
    return tuple(lane)


def rewrite(event: Event, changed: Mapping[Path, str], *, is_part: bool = False) -> Event:
    """Put other texts into an event with one choice; the fields around them stay as they are.

    Token log probabilities repeat the text, so they go. `is_part`: more of this event follows, so it does not end
    anything and carries no usage.
    """
    fields = _decode_dict(event.payload)
    choice = _decode_dicts(fields["choices"])[0]
    choice["delta"] = put(choice["delta"], dict(changed))
    return _built(fields, choice, is_part=is_part)


def rest_of(event: Event, path: Path, text: str) -> tuple[Event, Path]:
    """What is left of an event whose front is out, and where the text stands in it; roles and ids are said."""
    fields = _decode_dict(event.payload)
    choice = _decode_dicts(fields["choices"])[0]
    choice["delta"] = Raw(encode_json(_only(read(choice["delta"]), path, text)))
    return _built(fields, choice, is_part=False), tuple(0 if isinstance(s, int) else s for s in path)


def _only(value: Any, path: Path, text: str) -> Any:
    """The value with nothing but the text at `path`, and the numbers of what holds it."""
    if not path:
        return text
    step, deeper = path[0], path[1:]
    inner = _only(value[step], deeper, text)
    if isinstance(step, int):
        return [inner]
    numbers = {"index": value["index"]} if isinstance(value.get("index"), int) else {}
    return {**numbers, step: inner}


def _built(fields: dict[str, Raw], choice: dict[str, Raw], *, is_part: bool) -> Event:
    if "logprobs" in choice:
        choice["logprobs"] = Raw(b"null")
    if is_part:
        choice["finish_reason"] = Raw(b"null")
        fields.pop("usage", None)
    fields["choices"] = Raw(encode_json([choice]))
    return _event(fields)


def one_group_each(event: Event, groups: Sequence[set[Path]]) -> list[Event]:
    """Split an event with one choice into one for each group of its texts; what is no text stays with the first.

    Args:
        groups: By group, what of the delta is its own: fields, or calls by their place.
    """
    return [_part(event, groups, n) for n in range(len(groups))]


def _part(event: Event, groups: Sequence[set[Path]], n: int) -> Event:
    fields = _decode_dict(event.payload)
    choice = _decode_dicts(fields["choices"])[0]
    delta = _decode_dict(choice["delta"])
    others = set().union(*groups) - groups[n]
    kept = {
        name: raw
        for name, raw in delta.items()
        if (name,) not in others and (n == 0 or _owns(groups[n], name))
    }
    if "tool_calls" in kept:
        listed = _decode_dicts(delta["tool_calls"])
        mine = [
            c for i, c in enumerate(listed) if _is_mine(("tool_calls", i), groups[n], others, is_first=n == 0)
        ]
        kept["tool_calls"] = Raw(encode_json(mine))
        if not mine:
            del kept["tool_calls"]
    choice["delta"] = Raw(encode_json(kept))
    if n:
        choice["logprobs"] = Raw(b"null")
    if n < len(groups) - 1:
        choice["finish_reason"] = Raw(b"null")
        fields.pop("usage", None)
    fields["choices"] = Raw(encode_json([choice]))
    return _event(fields)


def _owns(group: set[Path], name: str) -> bool:
    return any(path[0] == name for path in group)


def _is_mine(path: Path, group: set[Path], others: set[Path], *, is_first: bool) -> bool:
    return path in group or (is_first and path not in others)


def one_choice_each(event: Event) -> list[Event]:
    """Split an event into events of one choice; usage stays with the last."""
    fields = _decode_dict(event.payload)
    choices = _decode_dicts(fields["choices"])
    usage = fields.pop("usage", None)
    made = [{**fields, "choices": Raw(encode_json([c]))} for c in choices]
    if usage is not None:
        made[-1]["usage"] = usage
    return [_event(f) for f in made]


def parted(event: Event) -> tuple[Event, Event]:
    """An event that ends its choice as two: what it says, and the end alone."""
    fields = _decode_dict(event.payload)
    choice = _decode_dicts(fields["choices"])[0]
    ending = {**choice, "delta": Raw(b"{}"), **({"logprobs": _NULL} if "logprobs" in choice else {})}
    said = {name: raw for name, raw in fields.items() if name != "usage"}
    said["choices"] = Raw(encode_json([{**choice, "finish_reason": _NULL}]))
    return _event(said), _event({**fields, "choices": Raw(encode_json([ending]))})


def stopped(event: Event, index: int) -> Event:
    """The event that ends a choice whose text a guard stopped; `event` is one of the same answer."""
    fields = _decode_dict(event.payload)
    fields.pop("usage", None)
    choice = {"index": index, "delta": {}, "logprobs": None, "finish_reason": "content_filter"}
    fields["choices"] = Raw(encode_json([choice]))
    return _event(fields)


def _event(fields: dict[str, Raw]) -> Event:
    payload = encode_json(fields)
    return Event(payload, decode_chunk(payload))
