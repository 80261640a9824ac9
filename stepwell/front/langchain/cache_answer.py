"""LangChain's generations as cached answers, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk

from stepwell.base.decisions import CacheDecision
from stepwell.base.messages import Answer, Choice, Message, ToolCall

PROVENANCE = "stepwell_cache"

# a closed list: what lies in the file can't name a class of its own to build
_KINDS: dict[str, type[Generation]] = {
    c.__name__: c for c in (Generation, GenerationChunk, ChatGeneration, ChatGenerationChunk)
}
# how providers call an answer that came to its end; one that says nothing is believed
_WHOLE = frozenset(
    {"stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed", "finished"}
)


def to_answer(generations: Sequence[Generation]) -> tuple[Answer, bytes] | None:
    """The answer as a cache judges it, and the `chat.completion` that is stored: all of LangChain's own beside it.

    Of several generations the first stands for all, or one that may not be kept. None where there are none, they
    can't be written as JSON, or are of an unknown kind.
    """
    said = [_choice(g, i) for i, g in enumerate(generations)]
    if not said:
        return None
    answer = Answer([min(said, key=_may_be_kept)])
    try:
        kept = [_plain(g) for g in generations]
        choices = [
            {
                "index": i,
                "message": {"role": "assistant", "content": c.message.text},
                "finish_reason": c.finish_reason,
            }
            for i, c in enumerate(said)
        ]
        return answer, json.dumps({"choices": choices, "langchain": kept}).encode()
    except (TypeError, ValueError):
        return None


def to_generations(body: bytes, decision: CacheDecision) -> list[Generation] | None:
    """The generations, marked as a hit; None where another program or version wrote the entry.

    The mark is `stepwell_cache` in a message's `response_metadata`; in `generation_info` of a plain text, and there
    only where it was found by meaning.
    """
    try:
        made = [_made(**plain) for plain in json.loads(body)["langchain"]]
    except (ValueError, TypeError, KeyError):
        return None
    for generation in made:
        _mark(generation, decision)
    return made


def _choice(generation: Generation, index: int) -> Choice:
    message = getattr(generation, "message", None)
    calls = None
    if isinstance(message, AIMessage) and (message.tool_calls or message.invalid_tool_calls):
        calls = [ToolCall(str(c["id"])) for c in (*message.tool_calls, *message.invalid_tool_calls)]
    return Choice(Message("assistant", generation.text, calls), index, _finish(generation))


def _may_be_kept(choice: Choice) -> bool:
    message = choice.message
    return choice.finish_reason == "stop" and not message.tool_calls and bool(message.text.strip())


def _finish(generation: Generation) -> str:
    told = {
        **getattr(getattr(generation, "message", None), "response_metadata", {}),
        **(generation.generation_info or {}),
    }
    reason = told.get("finish_reason") or told.get("stop_reason") or told.get("done_reason")
    return "stop" if reason is None or str(reason).lower() in _WHOLE else str(reason)


def _plain(generation: Generation) -> dict[str, Any]:
    kind = type(generation).__name__
    if kind not in _KINDS:
        raise TypeError(f"{kind} is no known kind of generation")
    plain: dict[str, Any] = {"kind": kind, "info": generation.generation_info}
    if isinstance(generation, ChatGeneration):
        return {**plain, "message": message_to_dict(generation.message)}
    return {**plain, "text": generation.text}


def _made(kind: str, info: dict[str, Any] | None, message: Any = None, text: str = "") -> Generation:
    given = {"text": text} if message is None else {"message": messages_from_dict([message])[0]}
    return _KINDS[kind].model_validate({**given, "generation_info": info})


def _mark(generation: Generation, decision: CacheDecision) -> None:
    mark: dict[str, Any] = {"status": decision.status, "hit_id": decision.hit_id, "age_s": decision.age_s}
    if decision.p_same is not None:
        mark["p_same"] = decision.p_same
    if isinstance(generation, ChatGeneration):
        metadata = getattr(generation.message, "response_metadata", None)
        if metadata is not None:
            metadata[PROVENANCE] = mark
    elif decision.status == "semantic_hit":
        generation.generation_info = {**(generation.generation_info or {}), PROVENANCE: mark}
