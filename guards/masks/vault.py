"""The values behind the placeholders of one request, or of one conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from types import MappingProxyType
from typing import NoReturn

from stepwell.guards.masks.forms import MAX_DIGITS, kind_of, names_in

_ALL_NUMBERS = range(1, 10**MAX_DIGITS)


class Vault:
    """Gives each value a placeholder, "[EMAIL_1]", and puts the values back. Not shared between requests.

    Equal values, to the letter, get the same placeholder. Values show in no repr, and it can't be pickled.

    Args:
        entries: Values by the names of their placeholders ("EMAIL_1"), as another vault gave them.
        reserved: Names that never stand for a value.
        more_numbers: Gives numbers that nobody else uses, whenever those it gave are used up.
    """

    __slots__ = (
        "__weakref__",
        "_by_name",
        "_by_value",
        "_counters",
        "_kinds",
        "_more",
        "_ranges",
        "_reserved",
    )

    def __init__(
        self,
        entries: Mapping[str, str] | None = None,
        *,
        reserved: Iterable[str] = (),
        more_numbers: Callable[[], range] | None = None,
    ) -> None:
        self._by_name: dict[str, str] = {}
        self._by_value: dict[str, str] = {}
        self._reserved: set[str] = set(reserved)
        self._ranges: list[range] = []
        self._more = more_numbers or _once(_ALL_NUMBERS)
        self._counters: dict[str, int] = {}
        self._kinds: set[str] = set()
        self.merge(entries or {})

    @property
    def entries(self) -> Mapping[str, str]:
        """Values by the names of their placeholders, oldest first."""
        return MappingProxyType(self._by_name)

    @property
    def reserved(self) -> frozenset[str]:
        """Names that never stand for a value."""
        return frozenset(self._reserved)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to put back."""
        return not self._by_name

    @property
    def kinds(self) -> Set[str]:
        """Those of its placeholders."""
        return self._kinds

    def mask(self, kind: str, value: str) -> str:
        """The placeholder of a value; made where it has none yet.

        Raises:
            StoreUnavailable: A conversation's numbers are used up, and no more can be had.
        """
        name = self._by_value.get(value)
        if name is None:
            name = self._new_name(kind_of(kind))
            self.merge({name: value})
        return f"[{name}]"

    def reserve(self, text: str) -> None:
        """Never give out what somebody wrote by themselves, "[EMAIL_1]" and what may be read as it.

        Call it with every text before the first value is masked; `own_words` tells what came too late.
        """
        self.reserve_names(written.name for written in names_in(text))

    def reserve_names(self, names: Iterable[str]) -> None:
        """These will stand for no value."""
        self._reserved.update(name for name in names if name not in self._by_name)

    def own_words(self, text: str) -> list[tuple[int, int, str]]:
        """Start, end and kind of what somebody wrote by themselves and what would read as one of these placeholders.

        It comes back as it was where it is masked as a value of its own.
        """
        spans: list[tuple[int, int, str]] = []
        for w in sorted(names_in(text), key=lambda w: (w.start, -w.end)):
            if w.name not in self._by_name:
                continue
            if spans and w.start < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(w.end, spans[-1][1]), spans[-1][2])
            else:
                spans.append((w.start, w.end, w.name.rpartition("_")[0]))
        return spans

    def restore(self, text: str, *, is_json: bool | None = False) -> str:
        """The text with values in place of placeholders; what stands for no value stays.

        Args:
            is_json: Values become parts of JSON strings, or JSON strings; None: where the text looks like it.
        """
        if not self._by_name:
            return text
        from stepwell.guards.masks.restoring import Restoring

        restoring = Restoring(self, is_json=is_json)
        return restoring.push(text) + restoring.finish()

    def merge(self, entries: Mapping[str, str]) -> None:
        """Take another vault's values in.

        Raises:
            ValueError: A name stands for something else here.
        """
        for name, value in entries.items():
            if name in self._reserved or self._by_name.get(name, value) != value:
                raise ValueError(f"placeholder {name} stands for something else")
            if name not in self._by_name:
                self._by_name[name] = value
                self._by_value.setdefault(value, name)
                self._kinds.add(name.rpartition("_")[0])

    def hold(self, numbers: range) -> None:
        """Numbers for it alone."""
        self._ranges.append(numbers)

    @property
    def holds_numbers(self) -> bool:
        """Whether it has numbers for it alone."""
        return bool(self._ranges)

    def give_numbers_back(self) -> None:
        """Others may use its numbers from now on: the next value asks for more."""
        self._ranges.clear()
        self._counters.clear()

    def _new_name(self, kind: str) -> str:
        while True:
            at = self._counters.get(kind, 0)
            name = f"{kind}_{self._number(at)}"
            self._counters[kind] = at + 1
            if name not in self._by_name and name not in self._reserved:
                return name

    def _number(self, at: int) -> int:
        """The one at a place among its numbers."""
        for numbers in self._ranges:
            if at < len(numbers):
                return numbers[at]
            at -= len(numbers)
        self._ranges.append(self._more())
        return self._ranges[-1][at]

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._by_name)} values)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault can't be pickled or copied: it holds what was masked")


def _once(numbers: range) -> Callable[[], range]:
    left = [numbers]

    def more() -> range:
        if not left:
            raise ValueError("a text with ten million values can't be masked")
        return left.pop()

    return more
