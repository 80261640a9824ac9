"""Asks that say nearly the same: but for courtesies, a misspelt word, or a word in ten.

Scripts that put no blanks between words are compared by characters.

`traffic.alike` compares runs of three words: one other word in a mail of twenty hides a copy from it, and two mails of
sixty words that name two orders are one to it. Here words are compared, and numbers must be the same.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from stepwell.evals.finetune.data.said import plain_words

CHANGED_SHARE = 0.1
MAX_CHANGED = 8
# misspelt words; of a short ask one
_N_MISSPELT, _SHORT = 2, 8
# words of an ask from which on one may be missing
_MIN_ADDED = 5
# rare words that two near asks must share
_N_SHARED = 3
# a bucket may hold every ask of one template: looking at all of them would take a square of their number
_MAX_LOOKS = 500
# of words that change nothing; "not", "from" and "to" do
_EMPTY = frozenset(
    {"a", "an", "the", "this", "that", "it", "its", "is", "are", "was", "be", "am"}
    | {"i", "my", "me", "we", "our", "us"}
)

# Thai, Lao, Tibetan, Burmese, Khmer, kana, Chinese characters
_SCRIPTS = (
    r"\u0e00-\u0e4f\u0e80-\u0ecf\u0f40-\u0fbc\u1000-\u103f\u1780-\u17d3\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d"
    r"\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"[{_SCRIPTS}]")
_PART = re.compile(f"[{_SCRIPTS}]|[^{_SCRIPTS}]+")
_TURNING = frozenset({"not", "no", "never", "without", "t", "un", "cannot", "except", "instead"})


@dataclass(frozen=True, slots=True)
class Words:
    """An ask as it is compared.

    Attributes:
        bag: Its words without numbers, the second of the same word marked as such.
        numbers: Words with digits, sorted.
        order: All words but those that change nothing, as they came.
    """

    bag: frozenset[str]
    numbers: tuple[str, ...]
    order: tuple[str, ...]

    @property
    def n_changed(self) -> int:
        """Words that may be other ones."""
        return min(MAX_CHANGED, int(len(self.bag) * CHANGED_SHARE))

    @property
    def n_added(self) -> int:
        """Words that one of them may have more."""
        return max(self.n_changed, 1 if len(self.bag) >= _MIN_ADDED else 0)

    @property
    def n_apart(self) -> int:
        """Words that two such asks may not share, misspelt ones counted."""
        return self.n_added + (_N_MISSPELT if len(self.bag) >= _SHORT else 1)


def words_of(text: str) -> Words:
    """What is compared of a text."""
    found = [part for word in plain_words(text) for part in _parts(word)]
    numbers = tuple(sorted(w for w in found if any(c.isdigit() for c in w)))
    counted = Counter(w for w in found if w not in _EMPTY and not any(c.isdigit() for c in w))
    bag = frozenset(w if k == 0 else f"{w} {k}" for w, n in counted.items() for k in range(n))
    order = tuple(w for w in found if w not in _EMPTY)
    return Words(bag or frozenset(found) or frozenset((text.strip(),)), numbers, order)


def _parts(word: str) -> list[str]:
    """A word, or, of scripts that put no blanks between words, its characters."""
    return [word] if word.isascii() else _PART.findall(word)


def is_same_ask(a: Words, b: Words) -> bool:
    """Whether two near asks have the same words in the same order, but for misspelt ones and some that one adds."""
    short, long = sorted((a.order, b.order), key=len)
    at = 0
    for word in long:
        if at < len(short) and (word == short[at] or _is_misspelt(word, short[at])):
            at += 1
        elif word in _TURNING or any(c.isdigit() for c in word) or _UNSPACED.fullmatch(word):
            return False  # one character more may turn it round
    return at == len(short)


def n_changed(a: Words, b: Words) -> int | None:
    """How many words were put in the place of others, 0 for none; None where the two are not near."""
    if a.numbers != b.numbers:
        return None
    allowed, apart = min(a.n_changed, b.n_changed), min(a.n_apart, b.n_apart)
    if abs(len(a.bag) - len(b.bag)) > apart:
        return None
    of_a, of_b = a.bag - b.bag, b.bag - a.bag
    if max(len(of_a), len(of_b)) > apart:
        return None
    n_a, n_b = _unlike(of_a, of_b)
    added = min(a.n_added, b.n_added) if not (n_a and n_b) else 0
    n = max(n_a, n_b)
    return n if n <= max(allowed, added) else None


def near_pairs(words: Sequence[Words]) -> Iterator[tuple[int, int]]:
    """Places of asks that are near, the lower one first."""
    yield from _met(words, range(len(words)), is_first=lambda _: True, is_second=lambda _: True)


def near_across(a: Sequence[Words], b: Sequence[Words]) -> Iterator[tuple[int, int]]:
    """Places in `a` and in `b` of asks that are near."""
    n, both = len(a), [*a, *b]
    # b goes in first, then each of a looks for it
    order = [*range(n, len(both)), *range(n)]
    for one, other in _met(both, order, is_first=lambda i: i >= n, is_second=lambda i: i < n):
        yield min(one, other), max(one, other) - n


def _met(
    words: Sequence[Words],
    order: Iterable[int],
    *,
    is_first: Callable[[int], bool],
    is_second: Callable[[int], bool],
) -> Iterator[tuple[int, int]]:
    """Near pairs among those that share several of their rarest words.

    Two sets that differ by at most n words share k of their n + k rarest: the prefix filter of set joins (Chaudhuri et
    al. 2006, A primitive operator for similarity joins).
    """
    n_with = Counter(w for of in words for w in of.bag)
    buckets: dict[tuple[tuple[str, ...], str], list[int]] = defaultdict(list)
    n_shared = [min(_N_SHARED, max(1, len(of.bag) - of.n_apart)) for of in words]
    for at in order:
        of = words[at]
        rare = sorted(of.bag, key=lambda w: (n_with[w], w))[: of.n_apart + _N_SHARED]
        names = [(of.numbers, w) for w in rare]
        if is_second(at):
            met = Counter(
                chain.from_iterable(buckets[name][-_MAX_LOOKS:] for name in names if name in buckets)
            )
            for other, n in met.items():
                is_met = n >= min(n_shared[at], n_shared[other])
                if is_met and n_changed(words[other], of) is not None:
                    yield (other, at) if other < at else (at, other)
        if is_first(at):
            for name in names:
                buckets[name].append(at)


def _unlike(of_a: frozenset[str], of_b: frozenset[str]) -> tuple[int, int]:
    """How many words are left of each side once misspelt ones are paired."""
    left = sorted(of_b)
    n_a = 0
    for word in sorted(of_a):
        twin = next((other for other in left if _is_misspelt(word, other)), None)
        if twin is None:
            n_a += 1
        else:
            left.remove(twin)
    return n_a, len(left)


@lru_cache(maxsize=65_536)
def _is_misspelt(a: str, b: str) -> bool:
    """One letter too many, too few, another, or two turned round; two of them in long words."""
    least = min(len(a), len(b))
    if any(c.isdigit() for c in a + b):
        return False
    if least < 4 or a[0] != b[0] or abs(len(a) - len(b)) > 2:
        return False
    return _n_edits(a, b) <= (2 if least >= 8 else 1)


def _n_edits(a: str, b: str) -> int:
    """Optimal string alignment distance (Damerau 1964)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
