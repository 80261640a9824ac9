"""What the OpenAPI description says of conversations."""

from __future__ import annotations

from collections.abc import Callable

from stepwell.conversation import MOST_PIN_CHARS, MOST_PINS
from stepwell.front.server.conversations import MOST_ITEMS, MOST_LISTED, N_ITEMS, N_LISTED

Schema = dict[str, object]
_N: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 256, "description": "percent-encoded UTF-8"}
PIN: Schema = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1, "maxLength": MOST_PIN_CHARS, "pattern": "\\S"}},
    "additionalProperties": False,
}
IMPORT: Schema = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "messages": {
            "type": "array",
            "items": {"type": "object", "required": ["role"], "properties": {"role": {"type": "string"}}},
        },
        "at_s": {
            "type": ["number", "null"],
            "minimum": 0,
            "exclusiveMaximum": 1e11,
            "description": "Unix time in seconds at which they were said; none: now",
        },
    },
    "additionalProperties": False,
}


def _object(kind: str | None = None, **properties: object) -> Schema:
    """All of its properties are always there."""
    if kind is not None:
        properties["object"] = {"const": kind}
    return {"type": "object", "required": list(properties), "properties": properties}


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_LISTED = _object("conversation", id=_TEXT, user=_TEXT, n_messages=_N, created_at=_N, last_at=_N)
_LIST = _object("list", data=_array(_LISTED), has_more={"type": "boolean"})
_ITEM = _object(seq=_N, created_at=_N, message={"type": "object"})
_ONE = _object(
    "conversation",
    id=_TEXT,
    user=_TEXT,
    n_messages=_N,
    items=_array(_ITEM),
    has_more={"type": "boolean"},
    pins=_array(_object(id=_TEXT, text=_TEXT)),
    summary={"anyOf": [_object(text=_TEXT, upto=_N, by=_TEXT), {"type": "null"}]},
)
_DELETED = _object("conversation.deleted", id=_TEXT, deleted={"const": True})
_ALL_DELETED = _object("conversations.deleted", n_conversations=_N)
_PINNED = _object("conversation.pin", id=_TEXT, text=_TEXT)
_PINS = _object("list", data=_array(_PINNED), has_more={"const": False})
_IMPORTED = _object("conversation.messages", id=_TEXT, n_turns=_N)
_UNPINNED = _object("conversation.pin.deleted", id=_TEXT, deleted={"const": True})


def _in_query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": _NAME}


def _count(name: str, least: int, most: int, default: int) -> Schema:
    return _in_query(name, {"type": "integer", "minimum": least, "maximum": most, "default": default})


def _body(schema: str) -> Schema:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"required": True, "content": content}


_USER = _in_query("user", _TEXT)
_ID = _in_path("id")


def conversation_paths(
    json: Callable[[Schema, str], Schema], failures: Callable[..., Schema]
) -> dict[str, object]:
    """Their part of `paths`.

    Args:
        json: A response of a schema, with its description; failures: Those of some statuses.
    """

    def operation(
        what: str, answer: Schema, *parameters: Schema, statuses: tuple[int, ...] = (), ok: str = "200"
    ) -> Schema:
        return {
            "summary": what,
            "parameters": list(parameters),
            "responses": {ok: json(answer, what), **failures(400, 401, 404, 413, 415, 503, *statuses)},
        }

    counts = _count("limit", 1, MOST_LISTED, N_LISTED), _count("limit", 1, MOST_ITEMS, N_ITEMS)
    everything = _in_query("all", {"const": "true"})
    after = _count("after", -1, 2**53, -1)
    pinned = operation("Pin a fact to a conversation", _PINNED, _ID, _USER, statuses=(403, 409))
    pinned["description"] = f"One that nobody began is begun by it. At most {MOST_PINS} pins."
    pinned["requestBody"] = _body("Pin")
    imported = operation("Add what was said elsewhere", _IMPORTED, _ID, _USER, statuses=(403, 409), ok="201")
    imported["description"] = (
        "All of it or nothing is added; no tier is asked. One that nobody began is begun by it."
    )
    imported["requestBody"] = _body("History")
    pins = operation("The pins of a conversation", _PINS, _ID, _USER, statuses=(403,))
    return {
        "/v1/conversations": {
            "get": operation("Conversations of this tenant", _LIST, _USER, counts[0]),
            "delete": operation("Delete those of a user, or all", _ALL_DELETED, _USER, everything),
        },
        "/v1/conversations/{id}": {
            "get": operation("One conversation", _ONE, _ID, _USER, after, counts[1], statuses=(403,)),
            "delete": operation("Delete one conversation", _DELETED, _ID, _USER, statuses=(403,)),
        },
        "/v1/conversations/{id}/messages": {"post": imported},
        "/v1/conversations/{id}/pins": {"get": pins, "post": pinned},
        "/v1/conversations/{id}/pins/{pin_id}": {
            "delete": operation("Take a pin away", _UNPINNED, _ID, _in_path("pin_id"), _USER, statuses=(403,))
        },
    }
