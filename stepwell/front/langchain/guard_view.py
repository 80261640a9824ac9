"""LangChain's messages as guards read them, and the same messages with what the guards changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage
from langchain_core.messages.tool import invalid_tool_call, tool_call

_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}
_PAYLOADS = ("base64", "data", "file_data", "url")


def to_view(message: BaseMessage) -> dict[str, Any]:
    """A message as an OpenAI request holds it, place by place; pictures and sound are left out of it."""
    role = message.role if isinstance(message, ChatMessage) else _ROLES.get(message.type, message.type)
    view: dict[str, Any] = {"role": role, "content": _seen(message.content)}
    if isinstance(message, AIMessage) and (calls := _calls(message)):
        view["tool_calls"] = calls
    if getattr(message, "tool_call_id", None):
        view["tool_call_id"] = message.tool_call_id  # type: ignore[attr-defined]
    return view


def from_view(message: BaseMessage, view: Mapping[str, Any]) -> BaseMessage:
    """The message with the texts of a view that guards may have changed; the same object where they did not."""
    before = to_view(message)
    if before == view:
        return message
    update: dict[str, Any] = {"content": _merged(message.content, view["content"])}
    if isinstance(message, AIMessage) and before.get("tool_calls") != view.get("tool_calls"):
        update |= _called(message, view["tool_calls"])
        # some providers' classes read the calls as they came, which hold the texts as they were
        update["additional_kwargs"] = {
            k: v for k, v in message.additional_kwargs.items() if k != "tool_calls"
        }
    return message.model_copy(update=update)


def _calls(message: AIMessage) -> list[dict[str, Any]]:
    written = [(c["id"], c["name"], json.dumps(c["args"], ensure_ascii=False)) for c in message.tool_calls]
    written += [(c["id"], c["name"] or "", c["args"] or "") for c in message.invalid_tool_calls]
    return [
        {"id": id_ or "", "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, name, arguments in written
    ]


def _called(message: AIMessage, views: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    n_good = len(message.tool_calls)
    good = [
        tool_call(name=v["function"]["name"], args=json.loads(v["function"]["arguments"]), id=c["id"])
        for c, v in zip(message.tool_calls, views, strict=False)
    ]
    broken = [
        invalid_tool_call(
            name=v["function"]["name"], args=v["function"]["arguments"], id=c["id"], error=c["error"]
        )
        for c, v in zip(message.invalid_tool_calls, views[n_good:], strict=True)
    ]
    return {"tool_calls": good, "invalid_tool_calls": broken}


def _seen(content: Any) -> Any:
    """Content without the payloads of pictures, sound and files."""
    if isinstance(content, str):
        return content
    return [{"type": "text", "text": b} if isinstance(b, str) else _without_payload(b) for b in content]


def _without_payload(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _without_payload(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_payload(v) for v in value]
    is_payload = isinstance(value, str) and key in _PAYLOADS and (key != "url" or value.startswith("data:"))
    return "" if is_payload else value


def _merged(before: Any, seen: Any) -> Any:
    """What guards saw and may have changed, with the payloads put back."""
    if isinstance(before, str) and isinstance(seen, dict):
        return seen["text"]
    if isinstance(before, dict) and isinstance(seen, dict):
        return {k: _merged(v, seen[k]) for k, v in before.items()}
    if isinstance(before, list) and isinstance(seen, list):
        return [_merged(a, b) for a, b in zip(before, seen, strict=True)]
    return before if seen == "" else seen
