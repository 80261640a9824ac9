"""Streams and whole answers, one from the other."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from stepwell.base.messages import (
    Answer,
    Choice,
    Chunk,
    ChunkChoice,
    CustomCall,
    Delta,
    Event,
    FunctionCall,
    Message,
    ToolCall,
    Usage,
    decode_chunk,
    encode_json,
)

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Assembler:
    """Puts streamed events together into the answer they spell.

    Attributes:
        n_pieces: Deltas with content so far; about one a token.
        usage: What the upstream counted, once it has said so.
    """

    def __init__(self) -> None:
        self.n_pieces = 0
        self.usage: Usage | None = None
        self._first: Chunk | None = None
        self._texts: dict[int, list[str]] = {}
        self._calls: dict[int, dict[int, ToolCall]] = {}
        self._finish: dict[int, str] = {}
        self._others: dict[int, Message] = {}

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            chunk = event.chunk
            if self._first is None:
                self._first = chunk
            if chunk.usage is not None:
                self.usage = chunk.usage
            for choice in chunk.choices:
                delta = choice.delta
                if delta.content:
                    self.n_pieces += 1
                    texts = self._texts.get(choice.index)
                    if texts is None:
                        self._texts[choice.index] = [delta.content]
                    else:
                        texts.append(delta.content)
                if delta.tool_calls or choice.finish_reason is not None:
                    self._add_rare(choice)
                if delta.refusal or delta.function_call is not None:
                    self._add_rarest(choice)

    def _add_rare(self, choice: ChunkChoice) -> None:
        if choice.finish_reason is not None:
            self._finish[choice.index] = choice.finish_reason
        calls = self._calls.setdefault(choice.index, {}) if choice.delta.tool_calls else {}
        for call in choice.delta.tool_calls or ():
            self.n_pieces += 1
            place = call.index
            if place is None:  # some upstreams leave it out: an id begins another call
                place = len(calls) if call.id else max(len(calls) - 1, 0)
            kept = calls.setdefault(place, ToolCall(type="function", function=FunctionCall()))
            kept.id = kept.id or call.id
            kept.function.name += call.function.name
            kept.function.arguments += call.function.arguments
            if call.custom is not None:
                kept.type = "custom"
                kept.custom = kept.custom or CustomCall()
                kept.custom.name += call.custom.name
                kept.custom.input += call.custom.input

    def _add_rarest(self, choice: ChunkChoice) -> None:
        self.n_pieces += 1
        kept, delta = self._others.setdefault(choice.index, Message("assistant")), choice.delta
        if delta.refusal:
            kept.refusal = (kept.refusal or "") + delta.refusal
        if delta.function_call is not None:
            kept.function_call = kept.function_call or FunctionCall()
            kept.function_call.name += delta.function_call.name
            kept.function_call.arguments += delta.function_call.arguments

    def answer(self, usage: Usage | None = None) -> Answer:
        """The answer so far; a choice without a finish has finish_reason None."""
        first = self._first or Chunk()
        parts = (self._texts, self._calls, self._finish, self._others)
        indices = sorted({0}.union(*parts))
        choices = [Choice(self._message(i), i, self._finish.get(i)) for i in indices]
        return Answer(choices, first.id, first.model, first.created, usage or self.usage)

    def _message(self, index: int) -> Message:
        calls = [call for _, call in sorted(self._calls.get(index, {}).items())]
        texts = self._texts.get(index)
        made = Message("assistant", "".join(texts) if texts is not None else None, calls or None)
        if (other := self._others.get(index)) is not None:
            made.refusal, made.function_call = other.refusal, other.function_call
        return made


def answer_body(answer: Answer) -> bytes:
    """The answer as the JSON of a `chat.completion`."""
    choices = [
        {
            "index": c.index,
            "message": {"content": None, **_plain(c.message), "refusal": c.message.refusal},
            "logprobs": None,
            "finish_reason": c.finish_reason,
        }
        for c in answer.choices
    ]
    return _encoded(
        {
            "id": answer.id,
            "object": "chat.completion",
            "created": answer.created or int(time.time()),
            "model": answer.model,
            "choices": choices,
            "usage": _usage(answer.usage or Usage()),
        }
    )


def _plain(message: Message) -> dict[str, object]:
    fields: dict[str, object] = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        fields["tool_calls"] = [_plain_call(c) for c in message.tool_calls]
    if message.function_call is not None:
        fields["function_call"] = _plain_function(message.function_call)
    return fields


def _plain_call(call: ToolCall) -> dict[str, object]:
    if call.custom is not None:
        custom = {"name": call.custom.name, "input": call.custom.input}
        return {"id": call.id, "type": "custom", "custom": custom}
    return {"id": call.id, "type": "function", "function": _plain_function(call.function)}


def _plain_function(call: FunctionCall) -> dict[str, object]:
    return {"name": call.name, "arguments": call.arguments}


def _usage(usage: Usage) -> dict[str, object]:
    fields: dict[str, object] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens or usage.prompt_tokens + usage.completion_tokens,
    }
    if usage.prompt_tokens_details is not None:
        fields["prompt_tokens_details"] = {"cached_tokens": usage.prompt_tokens_details.cached_tokens or 0}
    return fields


def event(chunk: Chunk) -> Event:
    """An event of our own making."""
    choices = [
        {"index": c.index, "delta": c.delta, "logprobs": None, "finish_reason": c.finish_reason}
        for c in chunk.choices
    ]
    fields: dict[str, object] = {
        "id": chunk.id,
        "object": "chat.completion.chunk",
        "created": chunk.created or int(time.time()),
        "model": chunk.model,
        "choices": choices,
    }
    if chunk.usage is not None:
        fields["usage"] = _usage(chunk.usage)
    try:
        return Event(encode_json(fields), chunk)
    except UnicodeEncodeError:
        payload = _encoded(fields)
        return Event(payload, decode_chunk(payload))


def _encoded(fields: object) -> bytes:
    """As JSON; halves of characters, which tiers in Python may hand over, become replacement characters."""
    try:
        return encode_json(fields)
    except UnicodeEncodeError:
        return encode_json(_whole(msgspec.to_builtins(fields)))


def _whole(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(k): _whole(v) for k, v in value.items()}
    return [_whole(v) for v in value] if isinstance(value, list) else value


def without_usage(event: Event) -> Event:
    """The event with its usage taken out; every other field stays as it is."""
    fields = _decode_fields(event.payload)
    fields.pop("usage", None)
    return Event(encode_json(fields), msgspec.structs.replace(event.chunk, usage=None))


def as_events(answer: Answer) -> list[Event]:
    """A whole answer as the events of a stream: one content delta a choice, then the finish, then the usage."""

    def make(choices: list[ChunkChoice], usage: Usage | None = None) -> Event:
        return event(Chunk(choices, answer.id, answer.model, answer.created, usage))

    events = []
    for c in answer.choices:
        calls = [
            ToolCall(call.id, "custom" if call.custom else "function", call.function, i, call.custom)
            for i, call in enumerate(c.message.tool_calls or [])
        ]
        said = c.message
        delta = Delta(said.text or None, "assistant", calls or None, said.refusal, said.function_call)
        events.append(make([ChunkChoice(delta, c.index)]))
        events.append(make([ChunkChoice(Delta(), c.index, c.finish_reason)]))
    if answer.usage is not None:
        events.append(make([], answer.usage))
    return events
