"""Fit a conversation into a window: drop the oldest exchanges, whole, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.base.decisions import FitDecision
from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message
from stepwell.base.tokens import N_REPLY_TOKENS, count_message, count_text, is_exact_for, upper_bound
from stepwell.memory.context.cuts import SYSTEM_ROLES, cuts


def fit(
    messages: Sequence[Message],
    *,
    window_tokens: int,
    reserve_tokens: int,
    model: str,
    tools_json: bytes | None = None,
) -> FitDecision:
    """Choose which messages to send so that prompt and reply fit the window together.

    System and developer messages stay, and the last user turn with everything after it. Of the rest the
    latest exchanges stay that fit; the oldest go first. A tool call and its results stay or go together.
    Where a bound in bytes already fits, nothing is counted and no vocabulary is loaded.

    Args:
        window_tokens: What prompt and reply may hold together.
        reserve_tokens: Room for the reply.
        model: Names the vocabulary to count with.
        tools_json: The request's tools as JSON; they take room too.

    Raises:
        ContextTooLong: What must stay does not fit; the message says which part is too large and by how much.
        ConfigError: A vocabulary is needed and is not on this machine.
    """
    bound = upper_bound(messages, tools_json)
    if bound + reserve_tokens <= window_tokens:
        return FitDecision(tuple(range(len(messages))), bound, window_tokens)
    return _fit_exactly(messages, _Room(window_tokens, reserve_tokens, model, tools_json))


class _Room:
    """What the window has left once reply and tools have taken their share; counts each message once."""

    def __init__(self, window_tokens: int, reserve_tokens: int, model: str, tools_json: bytes | None) -> None:
        self.window_tokens = window_tokens
        self.reserve_tokens = reserve_tokens
        self.n_tools = count_text(tools_json.decode("utf-8", "ignore"), model) if tools_json else 0
        self.left = window_tokens - reserve_tokens - N_REPLY_TOKENS - self.n_tools
        self.is_exact = is_exact_for(model)
        self._model = model

    @property
    def n_used(self) -> int:
        return self.window_tokens - self.reserve_tokens - self.left

    def take(self, messages: Sequence[Message]) -> int:
        n = sum(count_message(m, self._model) for m in messages)
        self.left -= n
        return n

    def take_if_fits(self, messages: Sequence[Message]) -> bool:
        n = sum(count_message(m, self._model) for m in messages)
        if n > self.left:
            return False
        self.left -= n
        return True


def _fit_exactly(messages: Sequence[Message], room: _Room) -> FitDecision:
    places = cuts(messages)
    start = places.pop()
    n_system = room.take([m for m in messages if m.role in SYSTEM_ROLES])
    n_last = room.take(_spoken(messages[start:]))
    if room.left < 0:
        raise _too_long(room, n_system, n_last)
    for place in reversed(places):
        if not room.take_if_fits(_spoken(messages[place:start])):
            break
        start = place
    kept = tuple(i for i, m in enumerate(messages) if i >= start or m.role in SYSTEM_ROLES)
    return FitDecision(
        kept,
        room.n_used,
        room.window_tokens,
        is_exact=room.is_exact,
        n_dropped=len(messages) - len(kept),
    )


def _spoken(messages: Sequence[Message]) -> list[Message]:
    return [m for m in messages if m.role not in SYSTEM_ROLES]


def _too_long(room: _Room, n_system: int, n_last: int) -> ContextTooLong:
    sizes = {
        "the last turn": n_last,
        "the system prompt": n_system,
        "the tools": room.n_tools,
        "the room reserved for the reply": room.reserve_tokens,
    }
    largest = max(sizes, key=lambda name: sizes[name])
    listed = ", ".join(f"{name} {n}" for name, n in sizes.items() if n)
    window, over = room.window_tokens, -room.left
    return ContextTooLong(
        f"What must stay takes {window + over} tokens, {over} more than the window of {window}: {listed}. "
        f"The largest part is {largest}.",
        n_tokens=window + over,
        window_tokens=window,
    )
