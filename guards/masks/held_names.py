"""What stands like a placeholder in the messages that a conversation holds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import Raw

from stepwell.guards.leaves import read, texts
from stepwell.guards.masks.forms import names_in

MAX_NAMES = 500_000
"""Kept of all conversations together; those not used longest are read again."""
_MANY_BYTES = 1 << 15  # more of them take milliseconds to read


@dataclass(slots=True)
class _Seen:
    """Of one conversation: the names in its first `n` messages."""

    n: int = 0
    names: set[str] = field(default_factory=set)


class HeldNames:
    """Reads each message of a conversation once. Belongs to one event loop."""

    def __init__(self, max_names: int = MAX_NAMES) -> None:
        self._max_names = max_names
        self._seen: OrderedDict[Hashable, _Seen] = OrderedDict()
        self._n_names = 0

    async def of(self, key: Hashable, raws: Sequence[Raw], others: Iterable[str] = ()) -> set[str]:
        """Names, "EMAIL_1", that a model may read in them, whether or not they stand for a value.

        Args:
            key: Names the conversation, and what it was before it was erased another.
            raws: Its messages, as JSON; they only grow.
            others: What else is held of it and may change: read each time.
        """
        seen = self._seen.pop(key, None) or _Seen()
        self._n_names -= len(seen.names)
        new = raws[seen.n :]
        is_long = sum(map(len, new)) > _MANY_BYTES
        found = await asyncio.to_thread(_names, new) if is_long else _names(new)
        seen = _Seen(seen.n + len(new), seen.names | found)
        self._keep(key, seen)
        return seen.names.union(*map(_named, others))

    def _keep(self, key: Hashable, seen: _Seen) -> None:
        old = self._seen.pop(key, None)  # of another request, meanwhile
        self._seen[key] = seen
        self._n_names += len(seen.names) - (len(old.names) if old else 0)
        while self._n_names > self._max_names or len(self._seen) > self._max_names:
            _, gone = self._seen.popitem(last=False)
            self._n_names -= len(gone.names)


def _names(raws: Iterable[Raw]) -> set[str]:
    return {name for raw in raws for _, text in texts(read(raw)) for name in _named(text)}


def _named(text: str) -> set[str]:
    return {written.name for written in names_in(text)}
