"""The strings of a request, whatever field they stand in, and what kind of string each is.

All of a request goes upstream, known to us or not, so all of it is read: a field is passed over only where a line here
says why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from msgspec import Raw

from stepwell.base.errors import BadRequest
from stepwell.base.messages import encode_json
from stepwell.guards.leaves import Path, read
from stepwell.guards.wire_names import KNOWN_NAMES, WORD_FIELDS, WORDS

Kind = Literal["text", "label", "link", "id", "key"]
"""text: may be read by a model; label: beside it; link: where media lie; id: has to stay the same everywhere; key: the
name of a field."""

#: Every tier writes its own model's name over the caller's.
UNREAD_FIELDS = frozenset({"model"})
_OPENS_TEXT = frozenset(b'"[{')
_CALLERS = frozenset({"user", "safety_identifier", "prompt_cache_key"})
_CALL_IDS = frozenset({"id", "tool_call_id", "tool_use_id", "call_id"})
_LABELS = frozenset({"id", "signature", "thought_signature", "encrypted_content"})
_MEDIA = frozenset({("image_url", "url"), ("input_audio", "data"), ("audio", "data"), ("file", "file_data")})
_DATA_URL = re.compile(r"data:[a-z0-9]{1,20}/[a-z0-9.+-]{1,80};base64,", re.IGNORECASE)
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_MIN_SEALED_CHARS = 100
_MAX_NUMBER_DIGITS = 6


def fields_of(fields: Mapping[str, Raw]) -> Iterator[tuple[str, Any]]:
    """The top-level fields that hold strings, decoded.

    Raises:
        BadRequest: One can't be read, or names a field of it twice: who reads it next may take the other.
    """
    for name, raw in fields.items():
        if len(raw) > 2 and name not in UNREAD_FIELDS and memoryview(raw)[0] in _OPENS_TEXT:
            yield name, _decoded(raw, name)


def _decoded(raw: Raw, name: str) -> Any:
    try:
        value = read(raw)
        # written again as it was: no name was lost, and nothing slow has to look
        if isinstance(value, str) or encode_json(value) == bytes(raw) or _names_once(raw):
            return value
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        raise BadRequest("Not JSON that can be checked", param=_shown(name)) from None
    raise BadRequest("A name stands twice in one object", param=_shown(name), code="duplicate_name")


def _shown(name: str) -> str | None:
    return name if name in KNOWN_NAMES else None


class _Twice(Exception):
    pass


def _names_once(raw: Raw) -> bool:
    try:
        json.loads(str(raw, "utf-8", "replace"), object_pairs_hook=_object, parse_int=len, parse_float=len)
    except _Twice:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _Twice


def strings(value: Any, path: Path, names: list[tuple[Path, str]]) -> Iterator[tuple[Path, str, Kind]]:
    """Every string of a decoded value, in order; names of fields that are not the wire's are added to `names`."""
    open_values = [(path, value)]
    while open_values:
        path, value = open_values.pop()
        if isinstance(value, str):
            if value and (kind := _kind(path, value)) is not None:
                yield path, value, kind
        elif isinstance(value, dict):
            if not KNOWN_NAMES.issuperset(value):
                names += [(path, name) for name in value if name not in KNOWN_NAMES and not _is_number(name)]
            open_values += [((*path, k), v) for k, v in reversed(value.items())]
        elif isinstance(value, list):
            open_values += [((*path, i), value[i]) for i in range(len(value) - 1, -1, -1)]


def _kind(path: Path, text: str) -> Kind | None:
    """None: it holds nothing to look for."""
    key = path[-1]
    if key == "content" or key == "text":
        return "text"
    if text in WORDS and (key in WORD_FIELDS or (len(path) > 1 and path[-2] in WORD_FIELDS)):
        return None
    if len(path) == 1:
        return "id" if key in _CALLERS else "text"
    if key in _CALL_IDS and path[0] == "messages":
        return "id"
    if path[-2:] in _MEDIA:
        return None if _is_media(text) else "link"
    if key in _LABELS:
        return None if len(text) >= _MIN_SEALED_CHARS and _is_base64(text) else "label"
    return "text"


def _is_number(name: str) -> bool:
    """A token's, as in logit_bias."""
    return name.isdecimal() and len(name) <= _MAX_NUMBER_DIGITS


def _is_media(text: str) -> bool:
    head = _DATA_URL.match(text)
    return _is_base64(text if head is None else text[head.end() :])


def _is_base64(text: str) -> bool:
    return text.isascii() and not text.encode().translate(None, _BASE64)


def alias(text: str, tenant: str | None) -> str:
    """What goes upstream in place of an id that holds a value: the same for the same id and tenant, always."""
    key = blake2b((tenant or "").encode("utf-8", "surrogatepass")).digest()
    said = text.encode("utf-8", "surrogatepass")
    return f"id_{blake2b(said, key=key, digest_size=12).hexdigest()}"


def shown(path: Path) -> str:
    """A path as verdicts show it: a caller's own names may be what was found."""
    return ".".join(str(s) if isinstance(s, int) or s in KNOWN_NAMES else "*" for s in path)


_decode_dict = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
Renames = Mapping[Path, Mapping[str, str]]


def renamed(raw: Raw, names: Renames) -> Raw:
    """The JSON with other names for some fields of the objects at some paths; everything beside them verbatim."""
    inner: dict[str | int, dict[Path, Mapping[str, str]]] = {}
    for path, of in names.items():
        if path:
            inner.setdefault(path[0], {})[path[1:]] = of
    fields: dict[Any, Raw] | list[Raw]
    is_list = any(isinstance(step, int) for step in inner)
    fields = _decode_list(raw) if is_list else _decode_dict(raw)
    for step, deeper in inner.items():
        fields[step] = renamed(fields[step], deeper)  # type: ignore[index]
    if isinstance(fields, dict) and () in names:
        fields = rename(fields, names[()])
    return Raw(encode_json(fields))


def rename(fields: Mapping[str, Raw], names: Mapping[str, str]) -> dict[str, Raw]:
    """The fields in their order under other names; one that is taken gets a number."""
    taken = fields.keys() - names.keys()
    n_of: dict[str, int] = {}
    made: dict[str, Raw] = {}
    for name, raw in fields.items():
        new = wanted = names.get(name, name)
        while name in names and new in taken:
            n_of[wanted] = n_of.get(wanted, 1) + 1
            new = f"{wanted}_{n_of[wanted]}"
        taken.add(new)
        made[new] = raw
    return made
