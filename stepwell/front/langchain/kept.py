"""Between LangChain's messages and those of a conversation's log: nothing is lost that the wire has a place for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_openai_messages,
)

from stepwell.base.errors import BadRequest
from stepwell.base.messages import ToolCall
from stepwell.front.langchain.convert import NOT_WIRE, to_calls

_OF_ASSISTANT = (
    "audio",
    "function_call",
)  # LangChain has no other place for them, but does not write them itself


def to_kept(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """The messages as the log keeps them, and as an upstream takes them.

    Raises:
        BadRequest: They are no list, or one is no message that can be kept; names its place.
    """
    if isinstance(messages, str | BaseMessage) or not isinstance(messages, Iterable):
        raise BadRequest("messages must be a list of LangChain messages", param="messages")
    return [_checked(message, f"messages[{n}]") for n, message in enumerate(messages)]


def _checked(message: BaseMessage, where: str) -> dict[str, Any]:
    if isinstance(message, RemoveMessage):
        raise BadRequest(
            f"{where} is a RemoveMessage: what was said stays, unless `clear` erases all of it", param=where
        )
    if not isinstance(message, BaseMessage):
        raise BadRequest(f"{where} is no LangChain message", param=where)
    try:
        return _to_wire(message)
    except (AttributeError, KeyError, TypeError, ValueError):  # LangChain's, of parts it can't write
        raise BadRequest(f"{where} has no form in OpenAI's format", param=where) from None


def _to_wire(message: BaseMessage) -> dict[str, Any]:
    # text that came in parts stays so
    wire: Any = convert_to_openai_messages(
        message, text_format="string" if isinstance(message.content, str) else "block"
    )
    if not isinstance(message, AIMessage):
        return dict(wire)
    if isinstance(wire["content"], list):
        wire["content"] = [part for part in wire["content"] if part.get("type") not in NOT_WIRE]
    if message.invalid_tool_calls:  # their results may follow, and must not stand alone
        wire["tool_calls"] = [*wire.get("tool_calls", ()), *map(_broken_call, message.invalid_tool_calls)]
    kept = {k: v for k, v in message.additional_kwargs.items() if k in _OF_ASSISTANT and v is not None}
    return {**wire, **kept}


def _broken_call(call: InvalidToolCall) -> dict[str, Any]:
    function = {"name": call["name"] or "", "arguments": call["args"] or ""}
    return {"type": "function", "id": call["id"] or "", "function": function}


def from_kept(kept: Sequence[Mapping[str, Any]]) -> list[BaseMessage]:
    """The messages of a log; fields that LangChain has no place for are in `additional_kwargs`."""
    return [_from_wire(dict(message)) for message in kept]


def _from_wire(rest: dict[str, Any]) -> BaseMessage:
    role, content, name = rest.pop("role"), rest.pop("content", None), rest.pop("name", None)
    given: dict[str, Any] = {"content": "" if content is None else content, "name": name}
    if role == "tool":
        return ToolMessage(**given, tool_call_id=rest.pop("tool_call_id", ""), additional_kwargs=rest)
    if role == "assistant":
        good, broken = to_calls(msgspec.convert(rest.pop("tool_calls", None) or [], list[ToolCall]))
        # providers name what an answer does not have
        rest = {k: v for k, v in rest.items() if v not in (None, [])}
        return AIMessage(**given, tool_calls=good, invalid_tool_calls=broken, additional_kwargs=rest)
    if role == "user":
        return HumanMessage(**given, additional_kwargs=rest)
    if role == "function":
        return FunctionMessage(**{**given, "name": name or ""}, additional_kwargs=rest)
    if role in ("system", "developer"):
        told = (
            {"__openai_role__": "developer"} if role == "developer" else {}
        )  # as LangChain tells them apart
        return SystemMessage(**given, additional_kwargs={**rest, **told})
    return ChatMessage(**given, role=role, additional_kwargs=rest)
