"""The texts in a piece of JSON by their paths, and the same JSON with some of them replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from stepwell.base.messages import encode_json

Path = tuple[str | int, ...]

decode_dict = msgspec.json.Decoder(dict[str, Raw]).decode
decode_list = msgspec.json.Decoder(list[Raw]).decode
# numbers hold no text, and one too large for a float must not stop the rest from being read
_decode_any = msgspec.json.Decoder(Any, float_hook=lambda _: None).decode

# opaque to the model too, or not text
BLOBS = frozenset({"signature", "thought_signature", "encrypted_content"})
MEDIA = frozenset({("image_url", "url"), ("input_audio", "data"), ("audio", "data"), ("file", "file_data")})
# must come back as they went
_IDS = frozenset({"id", "tool_call_id"})
# words of the wire itself, in every message: not worth a check each
_NAMERS = ("role", "type")
_ROLES = {"user", "assistant", "system", "developer", "tool", "function"}
_TYPES = {
    "text",
    "image_url",
    "refusal",
    "custom",
    "string",
    "object",
    "array",
    "number",
    "integer",
    "boolean",
}
KNOWN_WORDS = frozenset(_ROLES | _TYPES | {"content", "json_object", "json_schema"})


def read(raw: Raw | bytes) -> Any:
    """Decode all of a piece of JSON; broken UTF-8, which a typed view skips over, becomes replacement characters.

    Raises:
        msgspec.DecodeError, RecursionError: It has a number or a depth that can't be read.
    """
    try:
        return _decode_any(raw)
    except UnicodeDecodeError:
        return _decode_any(str(raw, "utf-8", "replace"))


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every string of a decoded JSON value that may carry a caller's or a model's words, in order."""
    open_values = [(path, value)]
    while open_values:
        path, value = open_values.pop()
        if isinstance(value, str):
            if value and not _is_opaque(path, value):
                yield path, value
        elif isinstance(value, dict):
            open_values += [((*path, k), v) for k, v in reversed(value.items())]
        elif isinstance(value, list):
            open_values += [((*path, i), value[i]) for i in range(len(value) - 1, -1, -1)]


def _is_opaque(path: Path, text: str) -> bool:
    key = path[-1]
    return key in _IDS or key in BLOBS or path[-2:] in MEDIA or (key in _NAMERS and text in KNOWN_WORDS)


def put(raw: Raw | bytes, values: Mapping[Path, str | None]) -> Raw:
    """Return the JSON with other values at some paths; everything beside them stays verbatim."""
    if () in values:
        return Raw(encode_json(values[()]))
    inner: dict[str | int, dict[Path, str | None]] = {}
    for path, value in values.items():
        inner.setdefault(path[0], {})[path[1:]] = value
    fields: dict[Any, Raw] | list[Raw]
    fields = decode_list(raw) if isinstance(next(iter(inner)), int) else decode_dict(raw)
    for step, deeper in inner.items():
        fields[step] = put(fields[step], deeper)  # type: ignore[index]
    return Raw(encode_json(fields))


def is_json(path: Path) -> bool | None:
    """Whether the text at `path` is JSON itself; None: its first character tells."""
    return True if path[-1] == "arguments" else None
