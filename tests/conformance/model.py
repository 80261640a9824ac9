"""A tier that behaves like OpenAI's own endpoint, down to fields that the house does not read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import msgspec

from stepwell.base.errors import RateLimited, StreamBroken, TierError, TierRefused, TierUnavailable
from stepwell.base.messages import Event, decode_answer, decode_chunk
from stepwell.base.request import ChatRequest
from stepwell.router.tiers.base import Completed

Json = dict[str, Any]
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 4,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 3},
}
LOGPROBS = {
    "content": [{"token": "Hello", "logprob": -0.25, "bytes": [72], "top_logprobs": []}],
    "refusal": None,
}
ERRORS: dict[str, TierError] = {
    "say 429": RateLimited("tier x: 429", tier="x", upstream_status=429, retry_after_s=7),
    "say 400": TierRefused("tier x: 400", tier="x", upstream_status=400),
    "say 503": TierUnavailable("tier x: 503", tier="x", upstream_status=503),
}


class Model:
    """Answers "Hello there, friend.", tool calls and JSON to a schema; fails where the prompt says so.

    Attributes:
        seen: Every request that reached it: the fields as the caller wrote them.
    """

    def __init__(self) -> None:
        self.seen: list[Json] = []

    async def complete(self, request: ChatRequest) -> Completed:
        fields = self._read(request)
        choices = [
            {"index": i, "message": message, "logprobs": _logprobs(fields), "finish_reason": _finish(message)}
            for i, message in enumerate(_messages(fields))
        ]
        body = msgspec.json.encode({**_frame("chat.completion"), "choices": choices, "usage": USAGE})
        return Completed(body, decode_answer(body))

    async def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        fields = self._read(request)
        for i, message in enumerate(_messages(fields)):
            for delta in _deltas(message):
                yield [
                    _event(
                        [
                            {
                                "index": i,
                                "delta": delta,
                                "logprobs": _logprobs(fields, delta),
                                "finish_reason": None,
                            }
                        ]
                    )
                ]
                await asyncio.sleep(0)
                if _ask(fields) == "break" and delta.get("content"):
                    raise StreamBroken("tier x: broke off", tier="x", was_billed=True)
            yield [_event([{"index": i, "delta": {}, "logprobs": None, "finish_reason": _finish(message)}])]
        yield [_event([], USAGE)]

    async def close(self) -> None:
        """Nothing to let go of."""

    def _read(self, request: ChatRequest) -> Json:
        fields = {name: msgspec.json.decode(raw) for name, raw in request.fields.items()}
        self.seen.append(fields)
        if error := ERRORS.get(_ask(fields)):
            raise error
        return fields


def _frame(kind: str) -> Json:
    return {
        "id": "chatcmpl-1",
        "object": kind,
        "created": 1_700_000_000,
        "model": "talker-2026",
        "system_fingerprint": "fp_1",
        "service_tier": "default",
    }


def _event(choices: list[Json], usage: Json | None = None) -> Event:
    fields = {**_frame("chat.completion.chunk"), "choices": choices, "usage": usage}
    payload = msgspec.json.encode(fields)
    return Event(payload, decode_chunk(payload))


def _ask(fields: Json) -> str:
    content = fields["messages"][-1].get("content")
    return content if isinstance(content, str) else ""


def _logprobs(fields: Json, delta: Json | None = None) -> Json | None:
    """Of the one word that a delta says; guards let no others out."""
    if not fields.get("logprobs"):
        return None
    if delta is None:
        return LOGPROBS
    said = delta.get("content") or ""
    return {"content": [{"token": said, "logprob": -0.25, "bytes": list(said.encode()), "top_logprobs": []}]}


def _finish(message: Json) -> str:
    return "tool_calls" if "tool_calls" in message else "stop"


def _messages(fields: Json) -> list[Json]:
    return [_message(fields)] * (fields.get("n") or 1)


def _message(fields: Json) -> Json:
    message: Json = {"role": "assistant", "content": _text(fields), "refusal": None, "annotations": []}
    last = fields["messages"][-1]
    if fields.get("tools") and last["role"] != "tool":
        arguments = json.dumps({"city": "Oslo", "unit": "C"})
        function = {"name": fields["tools"][0]["function"]["name"], "arguments": arguments}
        message |= {
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        }
    return message


def _text(fields: Json) -> str:
    last = fields["messages"][-1]
    if last["role"] == "tool":
        return f"It is {last['content']}."
    kind = (fields.get("response_format") or {}).get("type")
    return '{"name":"Ada","age":36}' if kind in ("json_object", "json_schema") else "Hello there, friend."


def _deltas(message: Json) -> Iterator[Json]:
    """The first delta names the role, as OpenAI's does; then words, or a call's arguments in pieces."""
    yield {"role": "assistant", "content": "" if message["content"] else None, "refusal": None}
    if message["content"]:
        for word in message["content"].split(" "):
            yield {"content": word if word == message["content"].split(" ")[0] else " " + word}
    for i, call in enumerate(message.get("tool_calls", [])):
        text = call["function"]["arguments"]
        function = {"name": call["function"]["name"], "arguments": ""}
        yield {"tool_calls": [{"index": i, "id": call["id"], "type": "function", "function": function}]}
        for at in range(0, len(text), 5):
            yield {"tool_calls": [{"index": i, "function": {"arguments": text[at : at + 5]}}]}
