"""Put words before or after those of a message."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from stepwell.base.messages import Message, Part, encode_json

_BETWEEN = "\n\n"
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode


def joined(message: Message, raw: Raw, *, before: str = "", after: str = "") -> tuple[Message, Raw]:
    """The message with a text and a blank line before its own, or after it; all else of it stays as it was written.

    Parts stay as they are: the text becomes one of its own.
    """
    content = message.content
    fields = _decode_fields(raw)
    made: str | list[Part]
    if isinstance(content, list):
        first, last = _parts(before, is_first=True), _parts(after, is_first=False)
        made = [*first, *content, *last]
        written = [*map(encode_json, first), *_decode_list(fields["content"]), *map(encode_json, last)]
        fields["content"] = Raw(encode_json([Raw(part) for part in written]))
    else:
        made = _BETWEEN.join(filter(None, [before, content, after]))
        fields["content"] = Raw(encode_json(made))
    return msgspec.structs.replace(message, content=made), Raw(encode_json(fields))


def _parts(text: str, *, is_first: bool) -> list[Part]:
    if not text:
        return []
    return [Part("text", text + _BETWEEN if is_first else _BETWEEN + text)]
