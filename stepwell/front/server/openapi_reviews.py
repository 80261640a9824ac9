"""What the OpenAPI description says of reviews."""

from __future__ import annotations

from collections.abc import Callable

from stepwell.front.server.reviews import MOST_LISTED, MOST_NAME_CHARS, MOST_NOTE_CHARS, N_LISTED
from stepwell.guards.review.review import STATUSES

Schema = dict[str, object]
_N: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}
DECISION: Schema = {
    "type": "object",
    "properties": {
        "by": {"type": "string", "maxLength": MOST_NAME_CHARS},
        "note": {"type": "string", "maxLength": MOST_NOTE_CHARS},
        "overrule": {"type": "boolean", "default": False},
    },
    "additionalProperties": False,
}
_FIELDS: Schema = {
    "id": _TEXT,
    "object": {"const": "review"},
    "stage": _TEXT,
    "check": _TEXT,
    "kinds": {"type": "array", "items": _TEXT},
    "score": {"type": "number"},
    "policy": _TEXT,
    "status": {"enum": list(STATUSES)},
    "n_sent": _N,
    "created_at": _N,
    "decided_at": {"anyOf": [_N, {"type": "null"}]},
    "by": _TEXT,
    "note": _TEXT,
}


def _object(fields: Schema) -> Schema:
    """All of its properties are always there."""
    return {"type": "object", "required": list(fields), "properties": fields}


_LISTED = _object(_FIELDS)
_ONE = _object({**_FIELDS, "text": {"type": ["string", "null"]}})
_LIST = _object(
    {
        "object": {"const": "list"},
        "data": {"type": "array", "items": _LISTED},
        "has_more": {"type": "boolean"},
    }
)
_ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


def _in_query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def review_paths(json: Callable[[Schema, str], Schema], failures: Callable[..., Schema]) -> dict[str, object]:
    """Their part of `paths`.

    Args:
        json: A response of a schema, with its description; failures: Those of some statuses.
    """

    def operation(what: str, answer: Schema, *parameters: Schema, statuses: tuple[int, ...] = ()) -> Schema:
        return {
            "summary": what,
            "parameters": list(parameters),
            "responses": {"200": json(answer, what), **failures(400, 401, 403, 404, 503, *statuses)},
        }

    def decision(what: str) -> Schema:
        made = operation(what, _ONE, _ID, statuses=(409, 413, 415))
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/ReviewDecision"}}}
        made["requestBody"] = {"required": False, "content": content}
        return {"post": made}

    limit: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": N_LISTED}
    wanted = (
        _in_query("status", {"enum": list(STATUSES)}),
        _in_query("limit", limit),
        _in_query("after", {"type": "string", "description": "only those that came later than this id"}),
    )
    return {
        "/v1/reviews": {"get": operation("What a policy handed to people", _LIST, *wanted)},
        "/v1/reviews/{id}": {"get": operation("One review, with its text while that is kept", _ONE, _ID)},
        "/v1/reviews/{id}/approve": decision("Let the text pass from now on"),
        "/v1/reviews/{id}/reject": decision("Block the text from now on"),
    }
