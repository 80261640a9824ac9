"""What may be cached, and what may be compared by meaning."""

from __future__ import annotations

import re

from stepwell.base.messages import Answer
from stepwell.base.request import ChatRequest
from stepwell.memory.cache.followup import is_followup
from stepwell.memory.cache.invents import invents

# all-MiniLM-L6-v2 cuts at 256 word pieces, end markers included: two longer texts with the same beginning would look
# equal. Where the embedder shows its pieces it says so itself (TokenVectors.is_cut).
MAX_PIECES = 254
# Else we guess, on the high side: two letters or one other character a piece. 215 are 254 but for strings of random
# letters, which are cut up finer by a tenth.
MAX_GUESSED_PIECES = 215
_GUESSED = re.compile(r"[A-Za-z]{1,2}|[^A-Za-z\s]")
_LEAST = re.compile(r"\w{1,18}|[^\w\s]")  # no piece of its vocabulary is longer

_TOOL_FIELDS = ("functions", "web_search_options")


def why_bypass(request: ChatRequest, *, keeps_sampled: bool = True) -> str | None:
    """Say why the cache must stay out of it, neither read nor written, or None.

    Args:
        keeps_sampled: config.cache.sampled.
    """
    wish = request.wishes.cache
    if wish is False:
        return "the caller asked for no cache"
    if (request.wire.n or 1) > 1:
        return "n > 1"
    if is_sampled(request):
        if wish == "no-sampled":
            return "sampled, and the caller wants no such answer from the cache"
        if not keeps_sampled:
            return "sampled"
    return None


def is_sampled(request: ChatRequest) -> bool:
    """Whether the answer is drawn at a temperature above 0; where none is given, it is (the API's default is 1).

    A seed changes nothing: it makes repeating likely, not certain.
    """
    return request.wire.temperature is None or request.wire.temperature > 0


def why_exact_only(request: ChatRequest, *, shows_pieces: bool = False) -> str | None:
    """Say why the request must not be compared by meaning, or None.

    Args:
        shows_pieces: The embedder will say whether it cut the text (`may_be_cut` where it then does not); else
            a long text is refused on a guess.
    """
    last = request.messages[-1]
    if request.wishes.cache == "exact":
        return "the caller asked for it"
    if not request.caller.tenant:
        return "no tenant"
    if request.wire.tools or any(f in request.fields for f in _TOOL_FIELDS):
        return "tools"
    if last.role != "user":
        return "the last message is not the user's"
    if isinstance(last.content, list) and any(p.type != "text" for p in last.content):
        return "not only text"
    text = last.text
    if not text.strip() or (_is_surely_cut(text) if shows_pieces else may_be_cut(text)):
        return "too short or too long to embed whole"
    if has_history(request) and is_followup(text):
        return "follow-up"
    # two good poems share nothing, so no judge could say whether serving one for the other was wrong
    return "made up anew" if invents(text) else None


def why_not_stored(answer: Answer, *, is_degraded: bool, request: ChatRequest | None = None) -> str | None:
    """Say why an answer must not be kept, or None: only one whole, plain text answer is.

    Args:
        request: What it answers; its caller may wish that nothing is kept.
    """
    if request is not None and request.wishes.cache == "no-store":
        return "the caller asked for it"
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


def may_be_cut(text: str) -> bool:
    """Whether an embedder that reads 256 word pieces might cut the text: a guess on the safe side."""
    return n_pieces(text) > MAX_GUESSED_PIECES


def n_pieces(text: str) -> int:
    """Guess the word pieces of a text, on the high side: two letters or one other character each."""
    return sum(1 for _ in _GUESSED.finditer(text))


def has_history(request: ChatRequest) -> bool:
    """True where something was said before the last message, instructions apart."""
    return any(m.role not in ("system", "developer") for m in request.messages[:-1])


def _is_surely_cut(text: str) -> bool:
    return sum(1 for _ in _LEAST.finditer(text)) > MAX_PIECES
