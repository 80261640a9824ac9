"""What a request asks of every room alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message
from stepwell.base.tokens import N_REPLY_TOKENS, count_message, upper_bound
from stepwell.memory.context.log.log import Summary
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.packing.preface import preface
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.view import View

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a room is divided; see `pack`."""

    recent_share: float
    summary_share: float
    before: Packed | None
    slack_share: float


class Needs:
    """A conversation, what must stay of it and what may, and what goes along."""

    def __init__(
        self,
        view: View,
        query: Query,
        system: tuple[Message, ...],
        pins: tuple[str, ...],
        summary: Summary | None,
    ) -> None:
        self.view = view
        self.pins = pins
        self.summary = summary
        self._query = query
        self._system = system
        self._n_fixed: dict[str, _Fixed] = {}

    def __len__(self) -> int:
        return len(self.view)

    @cached_property
    def n_most(self) -> int:
        """Tokens of all of it at most, in any vocabulary."""
        more = [*self._system, *_message(preface(self.pins, "", ""))]
        return upper_bound(more) + int(self.view.bound.sum())

    @cached_property
    def n_about(self) -> int:
        """A rough count of the messages."""
        return int(self.view.about.sum())

    @cached_property
    def must(self) -> Mask:
        """System messages, the last turn, and calls whose results are in it, shape (n,)."""
        import numpy as np

        shape = self.view.shape
        in_tail = np.zeros(len(self), dtype=np.bool_)
        in_tail[shape.group[shape.tail :]] = True
        must: Mask = shape.is_system | in_tail[shape.group]
        must[shape.tail :] = True
        return must

    @cached_property
    def may(self) -> Mask:
        """What is kept if it fits: the rest, less what no provider would take, shape (n,)."""
        may: Mask = ~(self.must | self.view.shape.is_broken)
        return may

    @cached_property
    def is_older(self) -> Mask:
        """Spoken before the last turn, shape (n,)."""
        older = ~self.view.shape.is_system
        older[self.view.shape.tail :] = False
        return older

    @cached_property
    def relevance(self) -> NDArray[np.float32]:
        """Of each message, 0..1, shape (n,); searched when first asked for."""
        return self.view.relevance(self._query)

    def n_fixed(self, room: Room) -> int:
        """Tokens there of what goes in any case.

        Raises:
            ContextTooLong: That is more than the room has.
        """
        known = self._n_fixed.get(room.model)
        if known is None:
            known = self._n_fixed[room.model] = self._count(room.model)
        n = N_REPLY_TOKENS + room.n_fixed_tokens + known.n_system + known.n_last + known.n_pins
        if n > room.n_tokens:
            raise _too_long(room, known)
        return n

    def _count(self, model: str) -> _Fixed:
        is_system = self.view.shape.is_system
        n_system = self.view.count_beside(self._system, model)
        n_system += self.view.count((self.must & is_system).nonzero()[0], model)
        n_last = self.view.count((self.must & ~is_system).nonzero()[0], model)
        n_pins = self.view.count_beside(_message(preface(self.pins, "", "")), model)
        return _Fixed(n_system, n_last, n_pins)


@dataclass(frozen=True, slots=True)
class _Fixed:
    n_system: int
    n_last: int
    n_pins: int


def n_note(model: str, *, summary: str = "", dates: str = "") -> int:
    """Tokens of the message that says this."""
    return sum(count_message(m, model) for m in _message(preface((), summary, dates)))


def _message(made: Message | None) -> list[Message]:
    return [] if made is None else [made]


def _too_long(room: Room, fixed: _Fixed) -> ContextTooLong:
    sizes = {
        "the last turn": fixed.n_last,
        "the system prompt": fixed.n_system,
        "the pinned facts": fixed.n_pins,
        "the tools": room.n_fixed_tokens,
        "the room reserved for the reply": room.n_reserve_tokens,
    }
    largest = max(sizes, key=lambda name: sizes[name])
    listed = ", ".join(f"{name} {n}" for name, n in sizes.items() if n)
    n = N_REPLY_TOKENS + sum(sizes.values())
    has = room.n_tokens + room.n_reserve_tokens  # of a window, or less where a prompt's length is capped
    return ContextTooLong(
        f"What must stay takes {n} tokens, {n - has} more than the {has} that the window has: {listed}. "
        f"The largest part is {largest}.",
        n_tokens=n,
        window_tokens=has,
    )
