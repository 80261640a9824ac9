"""What may be cached, and what may be compared by meaning."""

from __future__ import annotations

import re

from stepwell.base.messages import Answer
from stepwell.base.request import ChatRequest

# all-MiniLM-L6-v2 cuts at 256 word pieces, end markers included: two longer texts with the same beginning
# would look equal. 215 by our guess: strings of random letters are cut up finer, by a tenth.
MAX_PIECES = 215
_PIECES = re.compile(r"[A-Za-z]{1,2}|[^A-Za-z\s]")

_WORD = re.compile(r"[a-z']+")
_POINTS_BACK = frozenset(
    _WORD.findall(
        """it its itself he him his himself she her hers herself they them their theirs themselves
        this that these those there here one ones same former latter above previous earlier before again
        another other others example examples else instead both either neither such so too also more less
        further rest first second third last next continue elaborate rephrase shorter longer simpler"""
    )
)
_BEGINS_MIDWAY = frozenset(_WORD.findall("and but or then because ok okay yes no sure thanks why"))
_BEGINS_MIDWAY_2 = frozenset(
    {("what", "about"), ("how", "about"), ("how", "so"), ("go", "on"), ("what", "if")}
)
_MIN_WORDS = 6  # "what are the alternatives?"


def why_bypass(request: ChatRequest) -> str | None:
    """Say why the cache must stay out of it, or None."""
    if not request.wishes.cache:
        return "the caller asked for no cache"
    if (request.wire.n or 1) > 1:
        return "n > 1"
    return None


def why_exact_only(request: ChatRequest) -> str | None:
    """Say why the request must not be compared by meaning, or None."""
    last = request.messages[-1]
    if not request.caller.tenant:
        return "no tenant"
    if request.wire.tools or "functions" in request.fields:
        return "tools"
    if last.role != "user":
        return "the last message is not the user's"
    if isinstance(last.content, list) and any(p.type != "text" for p in last.content):
        return "not only text"
    text = last.text
    if not text.strip() or n_pieces(text) > MAX_PIECES:
        return "too short or too long to embed whole"
    if has_history(request) and is_followup(text):
        return "follow-up"
    return None


def why_not_stored(answer: Answer, *, is_degraded: bool) -> str | None:
    """Say why an answer must not be kept, or None: only one whole, plain text answer is."""
    if is_degraded:
        return "degraded"
    if len(answer.choices) != 1:
        return "not one choice"
    choice = answer.choices[0]
    if choice.message.tool_calls:
        return "tool calls"
    if choice.finish_reason != "stop":
        return "unfinished"
    return None if choice.message.text.strip() else "empty"


def last_user_text(request: ChatRequest) -> str:
    """The text to embed: the last message's."""
    return request.messages[-1].text


def n_pieces(text: str) -> int:
    """Guess the word pieces of a text, on the high side: two letters or one other character each."""
    return sum(1 for _ in _PIECES.finditer(text))


def has_history(request: ChatRequest) -> bool:
    """True where something was said before the last message, instructions apart."""
    return any(m.role not in ("system", "developer") for m in request.messages[:-1])


def is_followup(text: str) -> bool:
    """True where the text may lean on what was said before: pronouns, ellipsis, or hardly any English."""
    words = _WORD.findall(text.lower())
    letters = sum(c.isalpha() for c in text)
    if len(words) < _MIN_WORDS or 2 * sum(map(len, words)) < letters:
        return True
    if words[0] in _BEGINS_MIDWAY or tuple(words[:2]) in _BEGINS_MIDWAY_2:
        return True
    return any(w.partition("'")[0] in _POINTS_BACK for w in words)
