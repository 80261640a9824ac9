"""Asks that say nearly the same: one of them is enough for a suite."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from zlib import crc32

from stepwell.base.courtesies import without_courtesies

MIN_SIMILARITY = 0.8
_WORD = re.compile(r"\w+")
_N_WORDS = 3
# so many of an ask's rarest hashes name the buckets where it looks for others like it
_N_BUCKETS = 6
_MAX_LOOKS = 40


def alike(asks: Sequence[str], *, min_similarity: float = MIN_SIMILARITY) -> list[int]:
    """For each ask the place of the first one that is nearly the same: its own, where there is none before it.

    Similar are asks whose runs of three words overlap (Jaccard) by that much; numbers count as they are, so that two
    sums are two asks. Candidates share one of their smallest hashes (a bottom-k sketch, Broder 1997).
    """
    kept: dict[int, frozenset[int]] = {}
    buckets: dict[int, list[int]] = defaultdict(list)
    places: list[int] = []
    for at, ask in enumerate(asks):
        runs = _runs(ask)
        found = next(
            (c for c in _candidates(runs, buckets) if _similar(runs, kept[c]) >= min_similarity), None
        )
        places.append(at if found is None else found)
        if found is None:
            kept[at] = runs
            for name in sorted(runs)[:_N_BUCKETS]:
                buckets[name].append(at)
    return places


def _runs(ask: str) -> frozenset[int]:
    words = _WORD.findall(without_courtesies(ask).casefold())
    last = max(1, len(words) - _N_WORDS + 1)
    return frozenset(crc32(" ".join(words[i : i + _N_WORDS]).encode("utf-8", "replace")) for i in range(last))


def _candidates(runs: frozenset[int], buckets: dict[int, list[int]]) -> Iterator[int]:
    seen: set[int] = set()
    for name in sorted(runs)[:_N_BUCKETS]:
        for at in buckets.get(name, ())[-_MAX_LOOKS:]:
            if at not in seen:
                seen.add(at)
                yield at


def _similar(a: frozenset[int], b: frozenset[int]) -> float:
    return len(a & b) / len(a | b)
