"""Rewrite one streamed event: the texts that changed, and nothing else."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from stepwell.base.messages import Event, decode_chunk, encode_json

Slot = int | str
"""Where a choice's text stands: "content", "refusal", or the index of a tool call."""

_decode_dict = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_dicts = msgspec.json.Decoder(list[dict[str, Raw]]).decode


def rewrite(event: Event, texts: dict[Slot, str], *, is_part: bool = False) -> Event:
    """Put other texts into an event with one choice; the fields around them stay as they are.

    Token log probabilities repeat the text, so they go. `is_part`: more of this event follows, so it does not end
    anything and carries no usage.
    """
    fields = _decode_dict(event.payload)
    choice = _decode_dicts(fields["choices"])[0]
    delta = _decode_dict(choice["delta"])
    for slot, text in texts.items():
        if isinstance(slot, str):
            delta[slot] = Raw(encode_json(text))
    if "tool_calls" in delta and any(isinstance(s, int) for s in texts):
        delta["tool_calls"] = _rewrite_calls(delta["tool_calls"], texts)
    choice["delta"] = Raw(encode_json(delta))
    if "logprobs" in choice:
        choice["logprobs"] = Raw(b"null")
    if is_part:
        choice["finish_reason"] = Raw(b"null")
        fields.pop("usage", None)
    fields["choices"] = Raw(encode_json([choice]))
    return _event(fields)


def _rewrite_calls(raw: Raw, texts: dict[Slot, str]) -> Raw:
    calls = _decode_dicts(raw)
    for place, call in enumerate(calls):
        index = msgspec.json.decode(call["index"], type=int) if "index" in call else place
        if index in texts:
            function = _decode_dict(call["function"])
            function["arguments"] = Raw(encode_json(texts[index]))
            call["function"] = Raw(encode_json(function))
    return Raw(encode_json(calls))


def one_choice_each(event: Event) -> list[Event]:
    """Split an event into events of one choice; usage stays with the last."""
    fields = _decode_dict(event.payload)
    choices = _decode_dicts(fields["choices"])
    usage = fields.pop("usage", None)
    made = [{**fields, "choices": Raw(encode_json([c]))} for c in choices]
    if usage is not None:
        made[-1]["usage"] = usage
    return [_event(f) for f in made]


def _event(fields: dict[str, Raw]) -> Event:
    payload = encode_json(fields)
    return Event(payload, decode_chunk(payload))
