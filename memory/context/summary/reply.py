"""What of a model's reply can be used as a summary."""

from __future__ import annotations

import re

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"^```[a-z]*\n(.*?)\n?```$", re.DOTALL)
_OPENING = re.compile(
    r"^(?:(?:sure|certainly|okay|ok)[,.!]?\s+)?(?:(?:here(?: is|'s)|this is) [^\n]{0,60}?:"
    r"|\W*(?:new |updated )?summary\W*:)\s*",
    re.IGNORECASE,
)
_DECLINES = re.compile(
    r"^(?:(?:i'?m|i am) (?:sorry|afraid|unable|not able)|sorry\b|i apologi[sz]e|as an ai\b|as a language model\b"
    r"|(?:i|we) (?:can(?:'t|not| not)|won'?t|will not|do(?:n't| not)) (?:help|assist|summari[sz]e|provide|comply|do|see"
    r"|access|find|process|continue)|(?:please|could you|can you)(?: please)? (?:provide|share|paste|send|clarify)"
    r"|there (?:is|are|was|were) (?:no|nothing) (?:\w+ )?(?:to summari[sz]e|conversation|text|turns|content))",
    re.IGNORECASE,
)
_MIN_ECHO_WORDS = 40
_MAX_ECHO_SHARE = 0.9
_N = 8


class UselessSummary(Exception):
    """A summarizer gave nothing that can stand for the turns; the message says how, never what."""


def usable(reply: str, shown: str) -> str:
    """The summary in `reply`, without thoughts, fences and opening words.

    Args:
        shown: The turns that it was given to read.

    Raises:
        UselessSummary: It is empty, refuses, or gives back what was shown.
    """
    text = _THOUGHT.sub("", reply).strip()
    fenced = _FENCE.match(text)
    text = _OPENING.sub("", fenced[1].strip() if fenced else text, count=1).strip()
    if not any(c.isalnum() for c in text):
        raise UselessSummary("it is empty")
    if _DECLINES.match(text.replace("’", "'").lstrip("\"'*_ ")):
        raise UselessSummary("it declines")
    if _echoes(text, shown):
        raise UselessSummary("it gives back what was shown")
    return text


def _echoes(text: str, shown: str) -> bool:
    """Whether nearly all runs of eight words stand in what was shown: nothing was made shorter, only copied."""
    words = text.split()
    if len(words) < _MIN_ECHO_WORDS:
        return False
    runs = _runs(words)
    return len(runs & _runs(shown.split())) > _MAX_ECHO_SHARE * len(runs)


def _runs(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + _N]) for i in range(len(words) - _N + 1)}
