"""Where a conversation stands: the task that a human set, and how its tools have fared since."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

import msgspec
from msgspec import Raw

from stepwell.base.messages import Message
from stepwell.base.request import ChatRequest
from stepwell.router.failures import is_failure
from stepwell.router.wrappers import bounded, strip_wrappers

_MAX_RESULTS = 40
_MAX_GO_ON_WORDS = 12
_MAX_GO_ON_CHARS = 80
_TOOL_ROLES = ("tool", "function")
_SYSTEM_ROLES = ("system", "developer")
# words that only say how to go on with what was asked before
_WORDS = """
    yes yeah yep ok okay sure please continue go on ahead proceed next do it that this them so now then again try
    retry more keep going carry still same no not yet wrong doesn't does didn't did isn't work works working fails
    failed broken fix and the one first second both all right fine good great perfect think harder about a bit
    thanks thank you ja weiter bitte nochmal oui continue encore vas-y si sí sigue vale sim continua da да дальше
    はい 続けて 是 好 好的 继续 네 계속
"""
_GO_ON = frozenset(_WORDS.split())
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_FLAGGED = re.compile(rb'"is_error"\s*:\s*true')
_decode_list = msgspec.json.Decoder(list[Raw]).decode


class Result(msgspec.Struct, frozen=True):
    """What one tool call came to.

    Attributes:
        place: Index of its message.
        call, content: Equal for equal calls (name and arguments; 0: unknown) and for equal results.
    """

    place: int
    call: int
    content: int
    is_failure: bool


class Turn(msgspec.Struct, frozen=True):
    """Where a conversation stands with one request. Never log `ask` or `last`.

    Attributes:
        key: Names the conversation; `opener` what it began with, before there was an answer.
        is_new: Nothing was answered yet, and the caller named no session.
        ask: What the human asked that set the task; a mere "yes, go on" sets none.
        last: What the human said last.
        task: Fingerprint of `ask`.
        is_tool_loop: Nothing but tools and harness spoke since the last answer.
        n_calls: Answers per human turn so far, 1 or more.
        results: Of tools since the ask, at most 40, oldest first.
    """

    key: bytes
    opener: bytes
    is_new: bool
    ask: str
    last: str
    task: bytes
    is_tool_loop: bool
    n_messages: int
    n_calls: float
    results: tuple[Result, ...] = ()


def read_turn(request: ChatRequest, *, session: str | None = None) -> Turn:
    """Read one request; before the context is fitted, which may drop what names the conversation.

    Args:
        session: The caller's own name for the conversation, where there is one.
    """
    messages = request.wire.messages
    ask, last, start, places = _task(messages)
    key, opener = _keys(request, session)
    n_answers = sum(m.role == "assistant" for m in messages)
    n_asks = sum(m.role == "user" for m in messages)
    return Turn(
        key=key,
        opener=opener,
        is_new=not n_answers and session is None,
        ask=ask,
        last=last,
        task=_digest(ask),
        is_tool_loop=bool(places and n_answers) and places[-1] > _last_answer(messages),
        n_messages=len(messages),
        n_calls=max(n_answers / max(n_asks, 1), 1.0),
        results=_results(request, start, places[-_MAX_RESULTS:]),
    )


def is_going_on(ask: str) -> bool:
    """Whether an ask sets no task of its own: "yes", "go on", "try again", "2"."""
    if len(ask) > _MAX_GO_ON_CHARS:
        return False
    words = _WORD.findall(ask.lower())
    if (
        not words or len(ask) == 1 or (len(ask) == 2 and ask.isdigit())
    ):  # one of the choices that an answer gave
        return True
    return len(words) <= _MAX_GO_ON_WORDS and _GO_ON.issuperset(words)


def _task(messages: Sequence[Message]) -> tuple[str, str, int, list[int]]:
    """The ask that set the task, the last one, the place of the first, and those of tool results after it."""
    places: list[int] = []
    fallback, last, ask, start = "", "", "", 0
    for i in range(len(messages) - 1, -1, -1):
        message = messages[i]
        if message.role in _TOOL_ROLES:
            places.append(i)
        if message.role != "user":
            continue
        text = bounded(message.text)
        asked = strip_wrappers(text)
        if not asked:
            places.append(i)
            fallback = fallback or text.strip()
            continue
        ask, last, start = asked, last or asked, i
        if not is_going_on(asked):
            break
    since = [p for p in reversed(places) if p > start]
    return ask or fallback, last or fallback, start, since


def _last_answer(messages: Sequence[Message]) -> int:
    return next((i for i in range(len(messages) - 1, -1, -1) if messages[i].role == "assistant"), -1)


def _results(request: ChatRequest, start: int, places: Sequence[int]) -> tuple[Result, ...]:
    if not places:
        return ()
    messages, flagged = request.wire.messages, _flagged(request, places)
    calls = {
        c.id: hash((c.function.name, c.function.arguments))
        for m in messages[start:]
        for c in m.tool_calls or ()
    }
    found = []
    for i in places:
        message = messages[i]
        text = message.text
        call = calls.get(message.tool_call_id, 0) if message.tool_call_id else _spoken_call(messages, i)
        found.append(Result(i, call, hash(text), i in flagged or is_failure(_unwrapped(text))))
    return tuple(found)


def _spoken_call(messages: Sequence[Message], place: int) -> int:
    """Where calls carry no id, what was said before is the call."""
    for i in range(place - 1, -1, -1):
        message = messages[i]
        if message.role == "assistant":
            calls = [(c.function.name, c.function.arguments) for c in message.tool_calls or ()]
            return hash((message.text, *calls))
    return 0


def _unwrapped(text: str) -> str:
    """Without the line in which a harness says whose result it is."""
    if not text.startswith("["):
        return text
    head, colon, rest = text.partition("] Result:")
    return rest if colon and "\n" not in head else text


def _flagged(request: ChatRequest, places: Sequence[int]) -> frozenset[int]:
    """Messages whose parts say `is_error`; the typed view leaves that out."""
    if all(isinstance(request.wire.messages[i].content, str) for i in places):
        return frozenset()  # no parts, and no copy of a long conversation
    raw = bytes(request.fields["messages"])
    if b'"is_error"' not in raw:
        return frozenset()
    raws = _decode_list(raw)
    return frozenset(i for i in places if _FLAGGED.search(bytes(raws[i])))


def _keys(request: ChatRequest, session: str | None) -> tuple[bytes, bytes]:
    caller = request.caller
    who = (caller.tenant or "", caller.user or "")
    if session is not None:
        key = _digest("named", *who, session)
        return key, key
    messages = request.wire.messages
    system = "\0".join(m.text for m in messages[:4] if m.role in _SYSTEM_ROLES)
    said = next((bounded(m.text) for m in messages if m.role == "user"), "")
    opener = _digest("opener", *who, system, strip_wrappers(said) or said)
    answer = next((m for m in messages if m.role == "assistant"), None)
    if answer is None:
        return opener, opener
    calls = [c.id + c.function.name + c.function.arguments for c in answer.tool_calls or ()]
    return _digest(opener.hex(), answer.text.strip(), *calls), opener


def _digest(*parts: str) -> bytes:
    """16 bytes; lengths keep the borders between the parts apart."""
    made = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        made.update(b"%d:" % len(raw))
        made.update(raw)
    return made.digest()
