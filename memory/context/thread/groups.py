"""What hangs together in a conversation: exchanges, and tool calls with their results."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import MutableMapping
from typing import TYPE_CHECKING

from stepwell.base.messages import SYSTEM_ROLES, Message
from stepwell.memory.context.thread.column import Column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESULT_ROLES = ("tool", "function")
_CallId = tuple[str, str | None]  # the role of what answers, and what that names


class Shape:
    """Tells exchanges and tool groups of a conversation; grows by one message at a time, in constant time.

    An exchange is a user's message with all up to the next user's message; where results come only after that
    next message, the two are one exchange. A tool group is an assistant's message with calls, and all its results.
    A result belongs to the latest earlier message that made a call of its id; one of a function (as it was before
    there were tools) to the latest one that called a function of its name. Both are named by the place of their
    first message.
    """

    def __init__(self) -> None:
        self._system = Column("bool")
        self._user = Column("bool")
        self._group = Column("int32")
        self._exchange = Column("int32")
        self._opener = Column("int32")
        self._n_open = Column("int32")
        self._n_results = Column("int32")
        self._asked: MutableMapping[_CallId, int] = {}
        self._results: MutableMapping[int, tuple[int, ...]] = {}
        self._waiting: set[tuple[int, _CallId]] = set()
        self._now = 0
        self._last_user = -1
        self._last_said = -1

    def __len__(self) -> int:
        return len(self._group)

    def add(self, message: Message) -> int:
        """Take in the next message; gives its place."""
        place = len(self)
        is_user, is_system = message.role == "user", message.role in SYSTEM_ROLES
        if is_user:
            self._now = self._last_user = place
        group, n_open = place, 0
        if message.role in RESULT_ROLES:
            group, n_open = self._answer(place, _answered(message))
        elif not is_system:
            self._last_said = place
            if message.role == "assistant":
                n_open = self._ask(place, _asked(message))
        self._system.add(is_system)
        self._user.add(is_user)
        self._group.add(group)
        self._exchange.add(self._now)
        self._opener.add(self._last_user)
        self._n_open.add(n_open)
        self._n_results.add(0)
        return place

    def _ask(self, place: int, ids: set[_CallId]) -> int:
        for call_id in ids:
            self._asked[call_id] = place
            self._waiting.add((place, call_id))
        return len(ids)

    def _answer(self, place: int, call_id: _CallId) -> tuple[int, int]:
        """Group of a result, and 1 where nobody called for it."""
        asker = self._asked.get(call_id)
        if asker is None:
            return place, 1
        if (asker, call_id) in self._waiting:
            self._waiting.remove((asker, call_id))
            self._n_open.view()[asker] -= 1
        self._results[asker] = (*self._results.get(asker, ()), place)
        self._n_results.view()[asker] += 1
        self._merge(int(self._exchange.view()[asker]))
        return asker, 0

    def _merge(self, exchange: int) -> None:
        """All since that exchange is part of it."""
        if exchange != self._now:
            numbers = self._exchange.view()
            numbers[numbers.searchsorted(exchange, side="right") :] = exchange
            self._now = exchange

    # ----

    def fork(self) -> Shape:
        """One to be continued otherwise; this one does not change by it."""
        other = Shape.__new__(Shape)
        for name in ("_system", "_user", "_group", "_exchange", "_opener", "_n_open", "_n_results"):
            setattr(other, name, getattr(self, name).copy())
        other._asked, other._results = ChainMap({}, self._asked), ChainMap({}, self._results)
        other._waiting = set(self._waiting)
        other._now, other._last_user, other._last_said = self._now, self._last_user, self._last_said
        return other

    @property
    def is_system(self) -> NDArray[np.bool_]:
        """System and developer messages, shape (n,)."""
        return self._system.view()

    @property
    def is_user(self) -> NDArray[np.bool_]:
        return self._user.view()

    @property
    def group(self) -> NDArray[np.int32]:
        """The tool group of each message, itself where it is in none, shape (n,)."""
        return self._group.view()

    @property
    def exchange(self) -> NDArray[np.int32]:
        """The exchange of each message, never falling, shape (n,)."""
        return self._exchange.view()

    @property
    def opener(self) -> NDArray[np.int32]:
        """The last user's message up to each, -1 where there is none, shape (n,)."""
        return self._opener.view()

    @property
    def is_broken(self) -> NDArray[np.bool_]:
        """Results without a call, and groups with a call that has no result: no provider takes them; shape (n,)."""
        broken: NDArray[np.bool_] = (self._n_open.view() > 0)[self.group]
        return broken

    @property
    def tail(self) -> int:
        """Where what must stay begins: the last user's message; where no user speaks, the last message that is no
        tool's or function's; where there is none either, the beginning. `len` where all are system messages."""
        if self._last_user >= 0:
            return self._last_user
        if self._last_said >= 0:
            return self._last_said
        return len(self) if self.is_system.all() else 0

    @property
    def n_results(self) -> NDArray[np.int32]:
        """How many results each message's calls have, shape (n,)."""
        return self._n_results.view()

    def members(self, group: int) -> tuple[int, ...]:
        """The places of a group, rising."""
        return (group, *self._results.get(group, ()))

    @property
    def n_bytes(self) -> int:
        """Memory, about."""
        return 22 * len(self) + 200 * (len(self._asked) + len(self._results))


def _asked(message: Message) -> set[_CallId]:
    ids: set[_CallId] = {("tool", call.id) for call in message.tool_calls or ()}
    if message.function_call is not None:
        ids.add(("function", message.function_call.name))
    return ids


def _answered(message: Message) -> _CallId:
    return message.role, message.tool_call_id if message.role == "tool" else message.name
