"""Between LangChain's messages and the OpenAI wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    ToolCallChunk,
    convert_to_openai_messages,
)
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from stepwell.base.messages import Event, Usage
from stepwell.base.messages import ToolCall as WireCall
from stepwell.base.reply import Reply

NOT_WIRE = ("reasoning", "thinking", "tool_use", "tool_call", "server_tool_call", "server_tool_result")


class _Spoken(msgspec.Struct):
    """What base's view of an answer leaves out."""

    refusal: str | None = None


class _SpokenChoice(msgspec.Struct):
    message: _Spoken
    logprobs: Any = None


class _SpokenAnswer(msgspec.Struct):
    choices: list[_SpokenChoice]


_decode_spoken = msgspec.json.Decoder(_SpokenAnswer).decode


def to_wire(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """The messages as an OpenAI request holds them."""
    wire = convert_to_openai_messages(list(messages))
    for message in wire:
        content = message.get("content")
        if message["role"] == "assistant" and isinstance(content, list):
            message["content"] = _text_only(content)
    return wire


def _text_only(blocks: list[Any]) -> list[Any] | str:
    # an assistant's turn may hold thoughts and calls as blocks; calls travel in `tool_calls`
    kept = [b for b in blocks if not (isinstance(b, dict) and b.get("type") in NOT_WIRE)]
    if all(isinstance(b, str) or b.get("type") == "text" for b in kept):
        return "\n".join(b if isinstance(b, str) else b["text"] for b in kept)
    return kept


def to_result(reply: Reply) -> ChatResult:
    """Every choice of a reply as a generation; the first carries the usage."""
    spoken = _decode_spoken(reply.body).choices
    generations = []
    for i, choice in enumerate(reply.answer.choices):
        told = about(reply, choice.finish_reason)
        if spoken[i].logprobs is not None:
            told["logprobs"] = spoken[i].logprobs
        calls, broken = to_calls(choice.message.tool_calls or ())
        message = AIMessage(
            content=choice.message.text,
            tool_calls=calls,
            invalid_tool_calls=broken,
            usage_metadata=to_usage(reply.usage) if i == 0 else None,
            response_metadata=told,
            additional_kwargs={"refusal": spoken[i].message.refusal} if spoken[i].message.refusal else {},
        )
        info = {"finish_reason": choice.finish_reason}
        generations.append(ChatGeneration(message=message, generation_info=info))
    return ChatResult(generations=generations, llm_output={"model_name": reply.model})


def to_calls(wire: Iterable[WireCall]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Tool calls, and those whose arguments are no JSON object."""
    good, broken = [], []
    for call in wire:
        name, text = call.function.name, call.function.arguments
        try:
            args = msgspec.json.decode(text or "{}", type=dict[str, Any])
        except msgspec.DecodeError:
            broken.append(
                invalid_tool_call(name=name, args=text, id=call.id, error="arguments are no JSON object")
            )
        else:
            good.append(tool_call(name=name, args=args, id=call.id))
    return good, broken


def about(reply: Reply, finish_reason: str | None) -> dict[str, Any]:
    """Who answered, at what cost and why: a message's `response_metadata`."""
    cache = reply.trace.cache
    return {
        "model_name": reply.model,
        "model_provider": "stepwell",
        "id": reply.answer.id,
        "finish_reason": finish_reason,
        "tier": reply.tier,
        "cost_usd": reply.cost_usd,
        "is_cost_estimated": reply.is_cost_estimated,
        "is_degraded": reply.is_degraded,
        "cache": None if cache is None else cache.status,
        "why": reply.why,
    }


def to_usage(usage: Usage) -> UsageMetadata:
    n_in, n_out = usage.prompt_tokens, usage.completion_tokens
    made = UsageMetadata(
        input_tokens=n_in, output_tokens=n_out, total_tokens=usage.total_tokens or n_in + n_out
    )
    details = usage.prompt_tokens_details
    if details is not None and details.cached_tokens is not None:
        made["input_token_details"] = InputTokenDetails(cache_read=details.cached_tokens)
    return made


def to_chunks(events: Iterable[Event]) -> Iterator[ChatGenerationChunk]:
    """The streamed pieces that say something."""
    for choice in (c for event in events for c in event.chunk.choices):
        delta = choice.delta
        calls = [_call_chunk(c, i) for i, c in enumerate(delta.tool_calls or ())]
        if not (delta.content or calls or delta.refusal):
            continue
        extra = {"refusal": delta.refusal} if delta.refusal else {}
        message = AIMessageChunk(content=delta.content or "", tool_call_chunks=calls, additional_kwargs=extra)
        yield ChatGenerationChunk(message=message)


def _call_chunk(call: WireCall, position: int) -> ToolCallChunk:
    return tool_call_chunk(
        name=call.function.name or None,
        args=call.function.arguments,
        id=call.id or None,
        index=position if call.index is None else call.index,
    )


def last_chunk(reply: Reply) -> ChatGenerationChunk:
    """What is known only at a stream's end: usage, cost, tier, why."""
    choices = reply.answer.choices
    reason = choices[0].finish_reason if choices else None
    message = AIMessageChunk(
        content="",
        usage_metadata=to_usage(reply.usage),
        response_metadata=about(reply, reason),
        chunk_position="last",
    )
    return ChatGenerationChunk(message=message, generation_info={"finish_reason": reason})
