"""Rows of a long suite on disk: a temporary file without a name, read by place."""

from __future__ import annotations

import marshal
import tempfile
import threading
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import Any, TypeVar, overload

Item = TypeVar("Item")
N_IN_MEMORY = 1000
_N_AT_ONCE = 64


def shelved(
    items: Iterable[Item],
    pack: Callable[[Item], tuple[Any, ...]],
    unpack: Callable[..., Item],
    *,
    n_in_memory: int = N_IN_MEMORY,
) -> Sequence[Item]:
    """Items that are in memory where they are few, and else on disk: 8 bytes of memory each.

    Args:
        pack: An item as plain values (text, bytes, numbers, tuples, lists, dicts); `unpack` gets them one by one.
    """
    given = iter(items)
    first = tuple(islice(given, n_in_memory + 1))
    return first if len(first) <= n_in_memory else Shelf(chain(first, given), pack, unpack)


class Shelf(Sequence[Item]):
    """Items on disk. They are made anew each time they are asked for."""

    def __init__(
        self,
        items: Iterable[Item],
        pack: Callable[[Item], tuple[Any, ...]],
        unpack: Callable[..., Item],
    ) -> None:
        """Write down the items; the file is gone with the shelf, or with the process."""
        self._unpack = unpack
        self._ends = array("Q", [0])
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the shelf is there
        self._lock = threading.Lock()
        weakref.finalize(self, self._file.close)
        for item in items:
            # marshal: fast, exact for any JSON value, and nobody but this process can write the file
            self._ends.append(self._ends[-1] + self._file.write(marshal.dumps(pack(item))))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, at: int | slice) -> Item | tuple[Item, ...]:
        places = range(len(self))[at]
        if isinstance(places, range):
            return tuple(self[n] for n in places)
        return self._unpack(*self._packed(places, places + 1)[0])

    def __iter__(self) -> Iterator[Item]:
        for first in range(0, len(self), _N_AT_ONCE):
            for packed in self._packed(first, min(first + _N_AT_ONCE, len(self))):
                yield self._unpack(*packed)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def _packed(self, first: int, end: int) -> list[Any]:
        """The plain values of items in a row."""
        start = self._ends[first]
        with self._lock:
            self._file.seek(start)
            data = memoryview(self._file.read(self._ends[end] - start))
        ends = self._ends[first : end + 1]
        return [marshal.loads(data[a - start : b - start]) for a, b in pairwise(ends)]
