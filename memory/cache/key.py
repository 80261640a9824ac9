"""Which requests are the same: canonical JSON, and the fingerprints made from it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from struct import pack
from typing import Any

import msgspec
from msgspec import Raw

from stepwell.base.request import ChatRequest

# Neither how an answer travels nor whose it is changes what it says.
IGNORED = frozenset(
    {
        "stream",
        "stream_options",
        "user",
        "safety_identifier",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
    }
)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="sorted").encode


def exact_key(request: ChatRequest, *, scope: str, versions: str) -> bytes:
    """Fingerprint (32 bytes) of the whole request within its partition.

    Key order, whitespace and the fields in IGNORED don't count; everything else does.
    """
    fields = {k: _read(v) for k, v in request.fields.items() if k not in IGNORED}
    return _digest("exact", request, [scope, versions], fields)


def flight_key(exact_key: bytes, limit_usd: float | None, rules: str = "") -> bytes:
    """Names the requests that may share a call under way: a dollar limit may cut the answer, or keep a tier away.

    What is kept is whole, and is checked again when it is served, so the cache itself needs no more than `exact_key`.

    Args:
        rules: Names the rules that the answer passes on its way out.
    """
    limited = exact_key if limit_usd is None else exact_key + pack("<d", limit_usd)
    return limited + rules.encode()


def semantic_partition(request: ChatRequest, *, scope: str, versions: str, embedder: str) -> bytes:
    """Fingerprint (32 bytes) of everything but the text of the last message.

    Two prompts are ever compared by meaning only where this is equal.
    """
    fields = {k: _read(v) for k, v in request.fields.items() if k not in IGNORED}
    messages = fields["messages"]
    if isinstance(messages, list) and isinstance(messages[-1], dict):
        fields["messages"] = [*messages[:-1], _without_text(messages[-1])]
    return _digest("semantic", request, [scope, versions, embedder], fields)


def _without_text(message: dict[str, Any]) -> dict[str, Any]:
    """All that a message says beside its text: its name, images, how its parts are marked."""
    parts = message.get("content")
    if not isinstance(parts, list) or [_without(part, "text") for part in parts] == [{"type": "text"}]:
        return {**message, "content": None}
    return {**message, "content": [_without(part, "text") for part in parts]}


def _without(part: Any, name: str) -> Any:
    return {k: v for k, v in part.items() if k != name} if isinstance(part, dict) else part


def _digest(kind: str, request: ChatRequest, where: list[str], fields: Mapping[str, Any]) -> bytes:
    wishes = request.wishes
    # JSON keeps None, "" and the borders between the parts apart
    partition = [kind, request.caller.tenant or None, wishes.tier, wishes.min_tier, *where]
    return sha256(_encode([partition, fields])).digest()


def _read(raw: Raw) -> Any:
    try:
        return _decode(raw)
    except (ValueError, RecursionError):
        return raw  # a number out of range, say: stands as it was written
