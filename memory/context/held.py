"""The conversations in memory: the latest ones, as many as go in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from weakref import WeakValueDictionary

from stepwell.memory.context.log.log import Name
from stepwell.memory.context.talk import Talk


class Held:
    """One `Talk` for each conversation, for as long as somebody has it.

    Args:
        let_go: Told of each one that goes.
    """

    def __init__(self, *, max_talks: int, max_bytes: int, let_go: Callable[[Talk], None]) -> None:
        self._max_talks = max_talks
        self._max_bytes = max_bytes
        self._let_go = let_go
        self._talks: OrderedDict[Name, Talk] = OrderedDict()
        self._sizes: dict[Name, int] = {}
        # what a request has is in memory in any case, and a second one beside it would not know what it knows
        self._in_use: WeakValueDictionary[Name, Talk] = WeakValueDictionary()
        self.n_bytes = 0

    def __len__(self) -> int:
        return len(self._talks)

    def __contains__(self, talk: Talk) -> bool:
        return self._talks.get(talk.name) is talk

    def names(self) -> Iterable[Name]:
        return {*self._talks, *self._in_use.keys()}

    def get(self, name: Name) -> Talk:
        """The latest one now; an empty one where there is none."""
        talk = self.find(name) or Talk(name)
        self._talks[name] = self._in_use[name] = talk
        self._talks.move_to_end(name)
        return talk

    def weigh(self, talk: Talk) -> None:
        """Note how large it is now, and let go of those that were silent the longest where all are too large.

        Their log is read again when they speak. One that is too large alone goes alone.
        """
        if talk not in self:
            return
        n_bytes = talk.n_bytes
        self.n_bytes += n_bytes - self._sizes.get(talk.name, 0)
        self._sizes[talk.name] = n_bytes
        if n_bytes > self._max_bytes:
            self._drop(talk)
        while (len(self._talks) > self._max_talks or self.n_bytes > self._max_bytes) and self._talks:
            self._drop(next(iter(self._talks.values())))

    def forget(self, talk: Talk) -> None:
        """It was erased: who asks for it again gets another one."""
        if self._in_use.get(talk.name) is talk:
            del self._in_use[talk.name]
        if talk in self:
            self._drop(talk)

    def find(self, name: Name) -> Talk | None:
        return self._talks.get(name) or self._in_use.get(name)

    def _drop(self, talk: Talk) -> None:
        del self._talks[talk.name]
        self.n_bytes -= self._sizes.pop(talk.name, 0)
        self._let_go(talk)
