"""Where in a request texts stand that a model will read, and which stage's checks they meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from stepwell.base.decisions import Stage
from stepwell.base.errors import BadRequest
from stepwell.base.request import ChatRequest
from stepwell.guards.leaves import Path, read, texts

DOCUMENTS = "documents"
_READ_BY_MODELS = (
    "messages",
    "tools",
    "functions",
    "response_format",
    "prediction",
    "metadata",
    DOCUMENTS,
)
_TOOL_ROLES = ("tool", "function")
SYSTEM = ("system", "developer")
#: Roles whose words no judge looks at: instructions are a system prompt's purpose, and the rest is a model's own.
_NOT_JUDGED = (*SYSTEM, "assistant", "")


@dataclass(frozen=True, slots=True)
class Place:
    """One text of a request.

    Attributes:
        role: Of the message that holds it; DOCUMENTS for retrieved documents, "" elsewhere.
        stage: "input", "retrieved" or "tool_result".
    """

    path: Path
    text: str
    role: str
    stage: Stage

    @property
    def is_judged(self) -> bool:
        return self.role not in _NOT_JUDGED

    @property
    def where(self) -> str:
        return ".".join(map(str, self.path))


def places(request: ChatRequest) -> Iterator[Place]:
    """Every text that a model may read, in the order of the request's fields and messages.

    Raises:
        BadRequest: A field that has to be checked can't be read.
    """
    for name in _READ_BY_MODELS:
        raw = request.fields.get(name)
        if raw is None:
            continue
        value = _read(raw, name)
        if name == "messages":
            for i, message in enumerate(value):
                role = str(message.get("role", ""))
                stage: Stage = "tool_result" if role in _TOOL_ROLES else "input"
                for path, text in texts(message, (name, i)):
                    yield Place(path, text, role, stage)
        else:
            is_documents = name == DOCUMENTS
            for path, text in texts(value, (name,)):
                yield Place(
                    path, text, DOCUMENTS if is_documents else "", "retrieved" if is_documents else "input"
                )


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


def _read(raw: Raw, name: str) -> Any:
    try:
        return read(raw)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest("Not JSON that can be checked", param=name) from None
