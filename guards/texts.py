"""Where in a request texts stand, and which stage's checks they meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.base.decisions import Stage
from stepwell.base.request import ChatRequest
from stepwell.guards.asked import Kind, fields_of, shown, strings
from stepwell.guards.leaves import Path
from stepwell.guards.wire_names import KNOWN_NAMES

DOCUMENTS = "documents"
_TOOL_ROLES = ("tool", "function")
_ROLES = (*_TOOL_ROLES, "user", "assistant", "system", "developer")
SYSTEM = ("system", "developer")
#: Roles whose words no judge looks at: instructions are a system prompt's purpose, and the rest is a model's own.
_NOT_JUDGED = (*SYSTEM, "assistant", "")


@dataclass(frozen=True, slots=True)
class Place:
    """One text of a request.

    Attributes:
        path: Where it stands; of the object whose field it names, where it is a key.
        role: Of the message that holds it; DOCUMENTS for retrieved documents, "" elsewhere.
        stage: "input", "retrieved" or "tool_result".
        kind: What it is (`asked.Kind`).
    """

    path: Path
    text: str
    role: str
    stage: Stage
    kind: Kind = "text"

    @property
    def is_judged(self) -> bool:
        return self.kind == "text" and self.role not in _NOT_JUDGED

    @property
    def where(self) -> str:
        """Its path, with * for names that are not the wire's."""
        return shown((*self.path, "*") if self.kind == "key" else self.path)


def places(request: ChatRequest, keys: list[Place] | None = None) -> Iterator[Place]:
    """Every text of a request, ids and links too, in the order of its fields and messages.

    Args:
        keys: Takes the names of fields that are not the wire's.

    Raises:
        BadRequest: A field can't be read, or names something twice.
    """
    for name, value in fields_of(request.fields):
        if name == "messages":
            for i, message in enumerate(value):
                role, said = message.get("role", ""), message.get("content")
                stage: Stage = "tool_result" if role in _TOOL_ROLES else "input"
                if (
                    len(message) == 2 and role in _ROLES and isinstance(said, str)
                ):  # most; half the time of all
                    if said:
                        yield Place((name, i, "content"), said, role, stage)
                else:
                    yield from _of(message, (name, i), str(role), stage, keys)
        elif name == DOCUMENTS:
            yield from _of(value, (name,), DOCUMENTS, "retrieved", keys)
        else:
            yield from _of(value, (name,), "", "input", keys)
    if keys is not None and not KNOWN_NAMES.issuperset(request.fields):
        keys += [Place((), n, "", "input", "key") for n in request.fields if n not in KNOWN_NAMES]


def _of(value: Any, path: Path, role: str, stage: Stage, keys: list[Place] | None) -> Iterator[Place]:
    named: list[tuple[Path, str]] = []
    for at, text, kind in strings(value, path, named):
        yield Place(at, text, role, stage, kind)
    if named and keys is not None:
        keys += [Place(at, name, "", stage, "key") for at, name in named]


def marked(text: str, marks: Sequence[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    """Where retrieved text stands between marks: start and end of each; one that is not closed reaches the end."""
    for begin, end in marks:
        at = text.find(begin)
        while at >= 0:
            start = at + len(begin)
            stop = text.find(end, start)
            if stop < 0:
                yield start, len(text)
                break
            yield start, stop
            at = text.find(begin, stop + len(end))


def sources(request: ChatRequest, marks: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Retrieved texts and tool results: what an answer may be grounded in."""
    found: list[str] = []
    for place in places(request):
        if place.kind != "text":
            continue
        if place.stage != "input":
            found.append(place.text)
        elif place.role == "user":
            found += [place.text[a:b] for a, b in marked(place.text, marks)]
    return tuple(found)


def schema_of(request: ChatRequest) -> Mapping[str, Any] | None:
    """The JSON schema that the caller wants the answer to follow."""
    wanted = request.wire.response_format
    if wanted is None or not isinstance(wanted.json_schema, Mapping):
        return None
    schema = wanted.json_schema.get("schema")
    return schema if isinstance(schema, Mapping) else None
