"""What an example says, as plain text: what duplicates and conversations are told by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from stepwell.base.courtesies import without_courtesies
from stepwell.evals.finetune.data.example import Example

_SYSTEM = ("system", "developer")
_WORD = re.compile(r"\w+")
# what a log has in place of a part that was no text
_TEXTS = frozenset({"text", "input_text", "output_text"})
_NO_TEXT = frozenset({"[FILE]", "[AUDIO]", "[IMAGE]", "[PART]"})


def text_of(message: Mapping[str, object]) -> str:
    """A message's text; of several parts, the text of all."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [p.get("text") for p in parts if isinstance(p, Mapping)]
    return "\n".join(t for t in texts if isinstance(t, str))


def is_all_text(messages: Iterable[Mapping[str, object]]) -> bool:
    """Whether nothing but text was asked: no part, and nothing that stands for one."""
    return all(_is_text(m) for m in messages)


def _is_text(message: Mapping[str, object]) -> bool:
    content = message.get("content")
    if isinstance(content, list):
        return all(_is_text_part(p) for p in content)
    # an assistant that calls a tool may say nothing
    return isinstance(content, str) or (content is None and message.get("role") == "assistant")


def _is_text_part(part: object) -> bool:
    if not isinstance(part, Mapping) or part.get("type", "text") not in _TEXTS:
        return False
    text = part.get("text")
    return isinstance(text, str) and text not in _NO_TEXT


def is_system(message: Mapping[str, object]) -> bool:
    return message.get("role") in _SYSTEM


def said(example: Example) -> str:
    """All that was asked but for the system prompt, which a whole dataset may share."""
    return "\n".join(text_of(m) for m in example.messages if not is_system(m))


def instructions(messages: Sequence[Mapping[str, object]]) -> str:
    """The system prompt; "" where there is none."""
    return "\n".join(text_of(m) for m in messages if is_system(m))


def plain_words(text: str) -> list[str]:
    """Words in lower case, without courtesies and punctuation."""
    return _WORD.findall(without_courtesies(text).casefold())
