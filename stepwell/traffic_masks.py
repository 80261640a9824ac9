"""Text with its values gone for good: [KIND] stands in their place, and nothing is kept to bring them back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import msgspec

from stepwell.base.config import GuardsConfig
from stepwell.base.config.traffic import MASKED
from stepwell.base.errors import StepwellError
from stepwell.base.messages import encode_json
from stepwell.base.request import ChatRequest
from stepwell.guards.guard import Guard

Said = tuple[dict[str, object], ...]
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_PARTS = {"image_url": "[IMAGE]", "input_audio": "[AUDIO]", "file": "[FILE]"}
_decode = msgspec.json.Decoder(Said).decode


class OneWay:
    """Replaces what checks of values find, in messages and answers. Blocks; not for an event loop's thread.

    Args:
        checks: By name, as in the guards' configuration.

    Raises:
        ConfigError: A check is unknown.
    """

    def __init__(self, checks: Sequence[str] = MASKED) -> None:
        rules = [{"check": name, "action": "redact", "timeout_s": 10.0} for name in checks]
        self._guard = Guard(GuardsConfig.model_validate({"input": rules, "output": []}))
        self._runner = asyncio.Runner()

    def masked(self, messages: Sequence[Mapping[str, object]], answer: str | None) -> tuple[Said, str | None]:
        """Messages and answer with values replaced; other parts than text become a word for what they were.

        Raises:
            StepwellError: It can't be checked, so nothing may be kept of it.
        """
        calls: dict[str, str] = {}
        said = [_plain(m, calls) for m in messages]
        if answer is not None:
            said.append({"role": "assistant", "content": answer})
        if not said:
            return (), None
        request = ChatRequest.parse(encode_json({"messages": said}))
        _, changed = self._runner.run(self._guard.check_input(request))
        made = _decode(changed.fields["messages"])
        if answer is None:
            return made, None
        return made[:-1], str(made[-1]["content"])

    def text(self, text: str) -> str | None:
        """One text with values replaced; None where it can't be checked."""
        try:
            return self.masked((), text)[1]
        except StepwellError:
            return None

    def close(self) -> None:
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _plain(message: Mapping[str, object], calls: dict[str, str]) -> dict[str, object]:
    """What it takes to ask it again; names, images and annotations are left out, ids of calls are numbered."""
    role, content = str(message.get("role")), message.get("content")
    plain: dict[str, object] = {"role": role if role in _ROLES else "user"}
    plain["content"] = [_part(p) for p in content] if isinstance(content, list) else str(content or "")
    asked = message.get("tool_calls")
    if isinstance(asked, list) and asked:
        plain["tool_calls"] = [_call(c, calls) for c in asked if isinstance(c, Mapping)]
    if message.get("tool_call_id") is not None:
        plain["tool_call_id"] = _numbered(message["tool_call_id"], calls)
    return plain


def _call(call: Mapping[str, object], calls: dict[str, str]) -> dict[str, object]:
    function = call.get("function")
    of = function if isinstance(function, Mapping) else {}
    said = {"name": str(of.get("name", "")), "arguments": str(of.get("arguments", ""))}
    return {"id": _numbered(call.get("id"), calls), "type": "function", "function": said}


def _numbered(name: object, calls: dict[str, str]) -> str:
    return calls.setdefault(str(name), f"call_{len(calls)}")


def _part(part: object) -> dict[str, object]:
    kind, text = (part.get("type"), part.get("text")) if isinstance(part, Mapping) else ("", None)
    if isinstance(text, str):
        return {"type": "text", "text": text}
    return {"type": "text", "text": _PARTS.get(str(kind), "[PART]")}
