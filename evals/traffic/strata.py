"""Drawing evenly over kinds of traffic, with the weights that make the draw stand for all of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def drawn_evenly(
    items: Sequence[T], n: int, *, stratum: Callable[[T], Hashable], name: Callable[[T], str], seed: int = 0
) -> list[tuple[T, float]]:
    """`n` items, as many of each stratum as there are others of, in their order; each with how many it stands for.

    Args:
        name: Names an item: the draw is the same for the same names, on every machine.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        groups[stratum(item)].append(place)
    sizes = even_sizes({key: len(of) for key, of in groups.items()}, n)
    drawn: dict[int, float] = {}
    for key, of in groups.items():
        size = sizes[key]
        first = sorted(of, key=lambda place: _at(name(items[place]), seed))[:size]
        drawn |= dict.fromkeys(first, len(of) / size if size else 0.0)
    return [(items[place], drawn[place]) for place in sorted(drawn)]


def even_sizes(sizes: Mapping[Hashable, int], n: int) -> dict[Hashable, int]:
    """How many to draw of each, at most what is there; what small ones lack goes to the others."""
    left, drawn = min(n, sum(sizes.values())), dict.fromkeys(sizes, 0)
    order = sorted(sizes, key=lambda key: (sizes[key], str(key)))
    for k, key in enumerate(order):
        drawn[key] = min(sizes[key], left // (len(order) - k))
        left -= drawn[key]
    for key in reversed(order):  # rounding left some over
        more = min(left, sizes[key] - drawn[key])
        drawn[key], left = drawn[key] + more, left - more
    return drawn


def _at(name: str, seed: int) -> bytes:
    return blake2b(f"{seed}\0{name}".encode("utf-8", "replace"), digest_size=8).digest()
