"""LangChain's serialised prompts as chat requests."""

from __future__ import annotations

import json
from typing import Any

from stepwell.base.errors import BadRequest
from stepwell.base.request import NO_WISHES, Caller, ChatRequest, Wishes

EXACT = Wishes(cache="exact")

_ROLES = {
    "SystemMessage": "system",
    "HumanMessage": "user",
    "AIMessage": "assistant",
    "ToolMessage": "tool",
    "FunctionMessage": "tool",
    "ChatMessage": "other",
}


def to_request(prompt: str, *, tenant: str) -> ChatRequest | None:
    """The request that a prompt stands for; None where it can't be written as JSON.

    Two prompts that differ in anything make two requests. Only the text of a last human message, or a plain prompt of
    one line, may be compared by meaning: a longer one may hold instructions and a talk.
    """
    messages = _chat(prompt)
    wishes = NO_WISHES
    if messages is None:
        messages = [{"role": "user", "content": prompt}]
        wishes = EXACT if "\n" in prompt.strip() else NO_WISHES
    try:
        return ChatRequest.build({"messages": messages}, Caller(tenant), wishes)
    except BadRequest:
        return None


def _chat(prompt: str) -> list[dict[str, Any]] | None:
    """The messages of a chat prompt, which LangChain writes as JSON; None for any other text.

    They are read as plain data: nothing that a prompt names is built.
    """
    if not prompt.startswith("["):
        return None
    try:
        written = json.loads(prompt)
    except (ValueError, RecursionError):
        return None
    if not written or not all(_is_message(m) for m in written):
        return None
    return [*map(_as_context, written[:-1]), _as_last(written[-1])]


def _is_message(written: Any) -> bool:
    return (
        isinstance(written, dict)
        and written.keys() == {"lc", "type", "id", "kwargs"}
        and written["type"] == "constructor"
        and isinstance(written["id"], list)
        and bool(written["id"])
        and isinstance(written["kwargs"], dict)
    )


def _role(written: dict[str, Any]) -> str:
    return _ROLES.get(str(written["id"][-1]).removesuffix("Chunk"), "other")


def _as_context(written: dict[str, Any]) -> dict[str, Any]:
    """An earlier message, with all that LangChain says of it."""
    return {"role": _role(written), "content": _plain_json(written)}


def _as_last(written: dict[str, Any]) -> dict[str, Any]:
    """The last message: its text as it is, the rest of it in its name."""
    content = written["kwargs"].get("content")
    text = _text_of(content)
    if _role(written) != "user" or text is None:
        return {"role": "other", "content": _plain_json(written)}
    rest = {**written, "kwargs": {k: v for k, v in written["kwargs"].items() if k != "content"}}
    is_list = not isinstance(content, str)
    return {"role": "user", "content": text, "name": _plain_json([rest, is_list])}


def _text_of(content: Any) -> str | None:
    """The text of a message that holds one text and nothing else."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], dict):
        block = content[0]
        if block.keys() == {"type", "text"} and block["type"] == "text" and isinstance(block["text"], str):
            return block["text"]
    return None


def _plain_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
