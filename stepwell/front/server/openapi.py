"""The server's OpenAPI 3.1 description, for clients and for fuzzing."""

from __future__ import annotations

from stepwell import __version__
from stepwell.front.server.openapi_conversations import IMPORT, PIN, conversation_paths
from stepwell.front.server.openapi_reviews import DECISION, review_paths
from stepwell.front.server.wishes import CACHE

JsonValue = object

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
                "review_id": {"type": "string", "description": "names what waits for a person"},
            },
        }
    },
}
_PART = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": {"type": "string"}, "text": {"type": "string"}},
}
_MESSAGE = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "role": {"type": "string"},
        "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": _PART}, {"type": "null"}]},
        "tool_call_id": {"type": "string"},
        "name": {"type": "string"},
    },
}
_COUNT = {"type": ["integer", "null"], "minimum": 1}
_CHAT = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "model": {"type": "string", "default": "auto"},
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "stream": {"type": ["boolean", "null"]},
        "stream_options": {"type": ["object", "null"], "properties": {"include_usage": {"type": "boolean"}}},
        "max_tokens": _COUNT,
        "max_completion_tokens": _COUNT,
        "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
        "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 128},
        "seed": {"type": ["integer", "null"]},
        "stop": {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "null"}]
        },
        "tools": {"type": ["array", "null"], "items": {"type": "object"}},
        "response_format": {
            "type": ["object", "null"],
            "required": ["type"],
            "properties": {"type": {"enum": ["text", "json_object", "json_schema"]}},
        },
        "user": {"type": ["string", "null"]},
    },
}
_EMBEDDINGS = {
    "type": "object",
    "required": ["input"],
    "properties": {
        "input": {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
            ]
        },
        "model": {"type": "string"},
        "encoding_format": {"enum": ["float", "base64"]},
        "dimensions": {"type": ["integer", "null"]},
    },
}
_SCORE = {"type": "number", "minimum": 0, "maximum": 1}
_FEEDBACK = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 200},
        "score": {"anyOf": [_SCORE, {"type": "null"}]},
        "good": {"type": ["boolean", "null"]},
        "tier": {"type": ["string", "null"]},
    },
}
_TAKEN = {
    "type": "object",
    "required": ["object", "id", "tier", "score"],
    "properties": {
        "object": {"const": "feedback"},
        "id": {"type": "string"},
        "tier": {"type": "string"},
        "score": _SCORE,
    },
}
_N = {"type": "integer", "minimum": 0}
_NAME = {"type": "string", "minLength": 1, "maxLength": 200}
_REPORT = {"type": "object", "required": ["hit_id"], "properties": {"hit_id": _NAME}}
_REPORTED = {
    "type": "object",
    "required": ["object", "hit_id", "removed"],
    "properties": {
        "object": {"const": "cache.report"},
        "hit_id": {"type": "string"},
        "removed": {"const": True},
    },
}
_ERASE = {
    "oneOf": [
        {"type": "object", "required": [name], "properties": {name: schema}, "additionalProperties": False}
        for name, schema in (("hit_id", _NAME), ("user", _NAME), ("all", {"const": True}))
    ]
}
_ERASED = {
    "type": "object",
    "required": ["object", "n_entries"],
    "properties": {"object": {"const": "cache.erased"}, "n_entries": _N},
}
_USAGE = {
    "type": "object",
    "required": ["prompt_tokens", "total_tokens"],
    "properties": {"prompt_tokens": _N, "completion_tokens": _N, "total_tokens": _N},
}
_COMPLETION = {
    "type": "object",
    "required": ["id", "object", "created", "model", "choices", "usage"],
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "chat.completion"},
        "created": _N,
        "model": {"type": "string"},
        "usage": _USAGE,
        "choices": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["index", "message", "finish_reason"],
                "properties": {
                    "index": _N,
                    "message": _MESSAGE,
                    "finish_reason": {"type": ["string", "null"]},
                },
            },
        },
    },
}
_MODEL = {
    "type": "object",
    "required": ["id", "object", "created", "owned_by"],
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "model"},
        "created": _N,
        "owned_by": {"type": "string"},
        "context_window": {"type": ["integer", "null"]},
    },
}
_VECTORS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["object", "index", "embedding"],
        "properties": {
            "object": {"const": "embedding"},
            "index": _N,
            "embedding": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "number"}}]},
        },
    },
}
_WISHES = [
    ("tier", {"type": "string"}),
    ("min-tier", {"type": "string"}),
    ("max-usd", {"type": "number", "exclusiveMinimum": 0}),
    ("tags", {"type": "string"}),
    ("below-floor", {"enum": ["refuse", "flag"]}),
    ("cache", {"enum": list(CACHE)}),
    ("timeout-s", {"type": "number", "exclusiveMinimum": 0}),
    ("session", {"type": "string", "minLength": 1, "maxLength": 256}),
    (
        "keep-to",
        {"type": "string", "pattern": "[^, \\t]", "description": "the only tiers that may see it: a,b"},
    ),
    (
        "conversation",
        {
            "type": "string",
            "minLength": 1,
            "pattern": "^([^%]|%[0-9A-Fa-f]{2})+$",
            "description": "percent-encoded UTF-8 (a % itself is %25), as in paths; 1 to 256 characters when decoded",
        },
    ),
]


def _json(schema: JsonValue, what: str) -> dict[str, JsonValue]:
    return {"description": what, "content": {"application/json": {"schema": schema}}}


def _failures(*statuses: int) -> dict[str, JsonValue]:
    return {
        str(s): _json({"$ref": "#/components/schemas/Error"}, "An error in OpenAI's shape") for s in statuses
    }


def _get(what: str, schema: JsonValue, *also: int) -> dict[str, JsonValue]:
    return {"get": {"summary": what, "responses": {"200": _json(schema, what), **_failures(*also)}}}


def _list(items: JsonValue) -> dict[str, JsonValue]:
    """OpenAI's list: the items are under `data`."""
    fields = {"object": {"const": "list"}, "data": items, "model": {"type": "string"}, "usage": _USAGE}
    return {"type": "object", "required": ["object", "data"], "properties": fields}


def _post(what: str, body: str, answer: JsonValue, *also: int, wishes: bool = False) -> dict[str, JsonValue]:
    operation: dict[str, JsonValue] = {
        "summary": what,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{body}"}}},
        },
        "responses": {"200": _json(answer, what), **_failures(400, 401, 404, 413, 415, *also)},
    }
    if wishes:
        operation["parameters"] = [
            {"name": f"x-stepwell-{name}", "in": "header", "required": False, "schema": schema}
            for name, schema in _WISHES
        ]
        ok = operation["responses"]
        assert isinstance(ok, dict)
        ok["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    return {"post": operation}


def description() -> dict[str, JsonValue]:
    """The whole description, as JSON values."""
    plain = {"type": "object"}
    metrics = {"description": "Prometheus metrics", "content": {"text/plain": {"schema": {"type": "string"}}}}
    name = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    one_model = _get("One model", _MODEL, 401, 404)
    one_model["parameters"] = [name]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stepwell", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": {
            "/v1/chat/completions": _post(
                "Answer a conversation", "Chat", _COMPLETION, 402, 403, 409, 429, 502, 503, 504, wishes=True
            ),
            "/v1/embeddings": _post("Embed texts", "Embeddings", _list(_VECTORS)),
            "/v1/feedback": _post("Say how good a reply was", "Feedback", _TAKEN),
            "/v1/cache/report": _post("Remove a wrong hit, and learn from it", "CacheReport", _REPORTED, 503),
            "/v1/cache": {
                "delete": _post("Delete what is kept of this tenant", "CacheErase", _ERASED, 503)["post"]
            },
            **conversation_paths(_json, _failures),
            **review_paths(_json, _failures),
            "/v1/models": _get("All models", _list({"type": "array", "items": _MODEL}), 401),
            "/v1/models/{model}": one_model,
            "/healthz": _get("The process lives", plain),
            "/readyz": _get("A tier can answer", plain, 503),
            "/metrics": {"get": {"summary": "Metrics", "responses": {"200": metrics, **_failures(401)}}},
            "/openapi.json": _get("This description", plain),
        },
        "components": {
            "schemas": {
                "Error": _ERROR,
                "Chat": _CHAT,
                "Embeddings": _EMBEDDINGS,
                "Feedback": _FEEDBACK,
                "CacheReport": _REPORT,
                "CacheErase": _ERASE,
                "Pin": PIN,
                "History": IMPORT,
                "ReviewDecision": DECISION,
            }
        },
    }
