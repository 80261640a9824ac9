"""What an example says, as plain text: what duplicates and conversations are told by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stepwell.base.courtesies import without_courtesies
from stepwell.evals.finetune.data.example import Example

_SYSTEM = ("system", "developer")
_WORD = re.compile(r"\w+")


def text_of(message: Mapping[str, object]) -> str:
    """A message's text; of several parts, the text of all."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [p.get("text") for p in parts if isinstance(p, Mapping)]
    return "\n".join(t for t in texts if isinstance(t, str))


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
