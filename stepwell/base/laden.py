"""What a message carries that its typed view does not show, and how many tokens that takes at most."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from stepwell.base.messages import Message, Part, encode_json

# One image at full detail: Claude 4,784 at most, GPT-5 and GPT-4.1 about 3,800, GPT-4o 1,445.
# What is only named (a file's id, a link) and any unknown part counts the same.
N_IMAGE_TOKENS = 5000
# Gemini takes 32 tokens for a second of sound, others fewer: enough for sound of 16 kbit/s and more, WAV of
# 64 kbit/s and more, film of 160 kbit/s and more.
N_BYTES_A_SOUND_TOKEN = 64
N_BYTES_A_WAVE_TOKEN = 256
# Pages go as text and as pictures, about 2,500 tokens each; with fonts and pictures they have 20 kB and more.
N_BYTES_A_PAGE_TOKEN = 8

_FIELDS = frozenset(
    {"role", "content", "tool_calls", "tool_call_id", "name", "function_call", "cache_control"}
)
_CALL_FIELDS = frozenset({"id", "type", "function", "index"})
_FUNCTION_FIELDS = frozenset({"name", "arguments"})
_PART_FIELDS = frozenset({"type", "text", "cache_control"})
_PICTURE_FIELDS = _PART_FIELDS | {"image_url", "image", "source", "detail", "file_id"}
_SAID = frozenset({"refusal", "thinking", "input_text", "output_text", "tool_use", "tool_result"})
_MEDIA = ("audio", "images")
_EMPTY = frozenset({b"null", b"[]", b"{}", b'""'})
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_WAVE = b'"UklGR'  # how "RIFF" begins in base64


class Laden(Message):
    """A message with more than the typed view has a place for. Nothing decodes into it but `read`.

    Attributes:
        more: That as text.
        n_more_tokens: What is no text takes so many tokens more than the typed view lets one think; may be negative.
    """

    more: str = ""
    n_more_tokens: int = 0


def read(messages: list[Message], raws: Raw | bytes) -> list[Message]:
    """The messages of a list, those with more than their typed view shows as `Laden`.

    Args:
        messages: The typed view of `raws`, a JSON array.
    """
    try:
        _decode_plain(raws)
        return messages
    except _UNREADABLE:
        return [_laden(m, raw) for m, raw in zip(messages, _decode_raws(raws), strict=True)]


def decode_message(raw: Raw | bytes) -> Message:
    """The typed view of one message, with all that takes tokens.

    Raises:
        msgspec.MsgspecError: It is no message.
    """
    message = _decode_message(raw)
    try:
        _decode_plain_one(raw)
        return message
    except _UNREADABLE:
        return _laden(message, raw)


def part_tokens(part: Part) -> int:
    """Tokens of a part beside its text, as far as the typed view tells."""
    return N_IMAGE_TOKENS if part.text is None or "image" in part.type else 1


# ---- the usual: typed fields alone, and empty ones that clients send back with an answer


_Nothing = Annotated[list[Any], Meta(max_length=0)] | None


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    text: str
    cache_control: Raw = Raw()


class _Function(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    arguments: str = ""


class _Call(msgspec.Struct, forbid_unknown_fields=True):
    id: str = ""
    type: str = ""
    function: _Function | None = None
    index: int | None = None


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    role: str
    content: str | list[_Text] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    function_call: _Function | None = None
    cache_control: Raw = Raw()
    refusal: None = None
    audio: None = None
    reasoning: None = None
    reasoning_content: None = None
    annotations: _Nothing = None


_decode_plain = msgspec.json.Decoder(list[_Plain]).decode
_decode_plain_one = msgspec.json.Decoder(_Plain).decode
_decode_message = msgspec.json.Decoder(Message).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_raws = msgspec.json.Decoder(list[Raw]).decode
_decode_list = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_decode_any = msgspec.json.Decoder().decode


# ---- all else


def _laden(message: Message, raw: Raw | bytes) -> Message:
    try:
        text, n = _all_beside(message, _decode_fields(raw))
    except _UNREADABLE:  # broken text in a field that the typed view skips
        text, n = str(bytes(raw), "utf-8", "replace"), 0
    if not text and not n:
        return message
    given = {name: getattr(message, name) for name in Message.__struct_fields__}
    return Laden(**given, more=text, n_more_tokens=n)


def _all_beside(message: Message, fields: Mapping[str, Raw]) -> tuple[str, int]:
    more = _beside(fields, _FIELDS)
    n = sum(_n_media(name, more.pop(name)) for name in _MEDIA if name in more)
    said = [_text(more)]
    if isinstance(message.content, list):
        for part, given in zip(message.content, _decode_list(fields["content"]), strict=True):
            text, n_tokens = _part(part, given)
            said.append(text)
            n += n_tokens - part_tokens(part)
    if message.tool_calls:
        said += map(_call, _decode_list(fields["tool_calls"]))
    return "\n".join(filter(None, said)), n


def _part(part: Part, fields: Mapping[str, Raw]) -> tuple[str, int]:
    """What a part says beside its text, and how many tokens it takes beside both."""
    kind = part.type
    if "image" in kind:
        return _text(_beside(fields, _PICTURE_FIELDS)), N_IMAGE_TOKENS
    more = _beside(fields, _PART_FIELDS)
    if "audio" in kind or "video" in kind:
        return "", sum(_n_media(kind, raw) for raw in more.values()) or N_IMAGE_TOKENS
    if part.text is None and kind not in _SAID and any(_is_base64(raw) for raw in more.values()):
        return "", sum(_n_media(kind, raw) for raw in more.values())
    return _text(more), 1 if kind in _SAID or part.text is not None else N_IMAGE_TOKENS


def _is_base64(raw: Raw) -> bool:
    data = bytes(raw)
    return b";base64," in data or b'"base64"' in data


def _call(fields: Mapping[str, Raw]) -> str:
    more = _beside(fields, _CALL_FIELDS)
    if "function" in fields:
        more |= _beside(_decode_fields(fields["function"]), _FUNCTION_FIELDS)
    return _text(more)


def _beside(fields: Mapping[str, Raw], known: frozenset[str]) -> dict[str, Raw]:
    return {
        name: raw
        for name, raw in fields.items()
        if name not in known and (len(raw) > 4 or bytes(raw) not in _EMPTY)
    }


def _n_media(kind: str, raw: Raw) -> int:
    """Tokens of sound, film, pages or pictures, at least what one picture takes."""
    data = bytes(raw)
    n_bytes = len(data) * 3 // 4
    if kind == "images":
        n = N_IMAGE_TOKENS * data.count(b'"url"')
    elif "audio" in kind or "video" in kind:
        n = n_bytes // (N_BYTES_A_WAVE_TOKEN if _WAVE in data else N_BYTES_A_SOUND_TOKEN)
    else:  # of a text each byte may be a token
        n = n_bytes if b"text/" in data else n_bytes // N_BYTES_A_PAGE_TOKEN
    return max(n, N_IMAGE_TOKENS)


def _text(more: Mapping[str, Raw]) -> str:
    return ", ".join(f'"{name}": {_json(raw)}' for name, raw in more.items())


def _json(raw: Raw) -> str:
    """JSON as text, its letters unescaped."""
    data = bytes(raw)
    if b"\\u" in data:
        with suppress(*_UNREADABLE):  # it counts as it was written: more
            data = encode_json(_decode_any(data))
    return data.decode("utf-8", "replace")
