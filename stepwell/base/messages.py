"""Chat messages and answers as the OpenAI wire writes them: typed views, a few fields each.

Views are for reading and for building new ones. What a caller sent travels beside them
verbatim (`base.request.ChatRequest.fields`), so a field that we don't know is never lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

SYSTEM_ROLES = ("system", "developer")


class FunctionCall(msgspec.Struct, omit_defaults=True):
    name: str = ""
    arguments: str = ""


class CustomCall(msgspec.Struct, omit_defaults=True):
    """A call of a tool that takes plain text."""

    name: str = ""
    input: str = ""


class ToolCall(msgspec.Struct, omit_defaults=True):
    id: str = ""
    type: str = ""
    function: FunctionCall = msgspec.field(default_factory=FunctionCall)
    index: int | None = None
    custom: CustomCall | None = None


class Part(msgspec.Struct, omit_defaults=True):
    """One piece of a message; `text` is set where type is "text"."""

    type: str
    text: str | None = None


class Message(msgspec.Struct, omit_defaults=True):
    role: str
    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    function_call: FunctionCall | None = None
    refusal: str | None = None

    @property
    def text(self) -> str:
        """All text of the message; the parts of a list are joined by a newline."""
        content = self.content
        if content is None:
            return ""
        if isinstance(content, str):
            return content
        return "\n".join(p.text for p in content if p.text is not None)

    @property
    def has_images(self) -> bool:
        return isinstance(self.content, list) and any(p.type == "image_url" for p in self.content)


class PromptDetails(msgspec.Struct, omit_defaults=True):
    cached_tokens: int | None = None


class Usage(msgspec.Struct, omit_defaults=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None


class Choice(msgspec.Struct, omit_defaults=True):
    message: Message
    index: int = 0
    finish_reason: str | None = None


class Answer(msgspec.Struct, omit_defaults=True):
    """The typed view of a `chat.completion`."""

    choices: list[Choice]
    id: str = ""
    model: str = ""
    created: int = 0
    usage: Usage | None = None

    @property
    def text(self) -> str:
        return self.choices[0].message.text if self.choices else ""


class Delta(msgspec.Struct, omit_defaults=True):
    content: str | None = None
    role: str | None = None
    tool_calls: list[ToolCall] | None = None
    refusal: str | None = None
    function_call: FunctionCall | None = None


class ChunkChoice(msgspec.Struct, omit_defaults=True):
    delta: Delta = msgspec.field(default_factory=Delta)
    index: int = 0
    finish_reason: str | None = None


class Chunk(msgspec.Struct, omit_defaults=True):
    """The typed view of one `chat.completion.chunk`. `error` is set by upstreams that fail in mid-stream."""

    choices: list[ChunkChoice] = msgspec.field(default_factory=list)
    id: str = ""
    model: str = ""
    created: int = 0
    usage: Usage | None = None
    error: Any = None


class Event(msgspec.Struct):
    """One streamed event: the JSON that goes to the client, and its typed view."""

    payload: bytes
    chunk: Chunk


def n_leading(messages: Sequence[Message]) -> int:
    """How many system and developer messages stand at the head."""
    n = 0
    while n < len(messages) and messages[n].role in SYSTEM_ROLES:
        n += 1
    return n


decode_answer = msgspec.json.Decoder(Answer).decode
decode_chunk = msgspec.json.Decoder(Chunk).decode
encode_json = msgspec.json.Encoder().encode
