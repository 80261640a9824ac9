"""Examples kept aside: whole conversations and near-duplicates together, by hash, so that growing data moves few."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stepwell.evals.finetune.data.answers import is_few
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.data.near import words_of
from stepwell.evals.finetune.data.said import said
from stepwell.evals.finetune.data.twins import pairs_within
from stepwell.evals.suite import drawn_at

# a label of which one in five would be less than one example
_MIN_OF_LABEL = 5
_TOP = 2.0**64


@dataclass(frozen=True, slots=True)
class Unit:
    """Examples that stay together.

    Attributes:
        places: Of the examples.
        at: Where it stands in the seed's shuffled order, 0..1.
        label: The most frequent answer, where answers are labels.
    """

    places: tuple[int, ...]
    at: float
    label: str


def held_out_places(examples: Sequence[Example], *, held_out: float | int, seed: int) -> set[int]:
    """Places of the examples to keep aside.

    Args:
        held_out: A share below 1, or a number of examples. With a share each unit's own hash decides, so that further
            examples don't move it; a number takes the first of the order, evenly by label.
    """
    units = units_of(examples, seed=seed)
    if held_out >= 1:
        return _places(_first(units, int(held_out)))
    return _places(_below(units, float(held_out)))


def units_of(examples: Sequence[Example], *, seed: int) -> list[Unit]:
    """Conversations and near-duplicates, joined, in the seed's order."""
    parents = list(range(len(examples)))
    words = [words_of(said(e)) for e in examples]
    first: dict[str, int] = {}
    for at, example in enumerate(examples):
        if example.group:
            _join(parents, first.setdefault(example.group, at), at)
    for one, other in pairs_within(examples, words):
        _join(parents, one, other)
    members: dict[int, list[int]] = defaultdict(list)
    for at in range(len(examples)):
        members[_root(parents, at)].append(at)
    has_labels = is_few({e.answer for e in examples}, len(examples))
    units = [_unit(examples, of, seed, has_labels=has_labels) for of in members.values()]
    return sorted(units, key=lambda u: (u.at, u.places))


def _unit(examples: Sequence[Example], places: list[int], seed: int, *, has_labels: bool) -> Unit:
    of = [examples[p] for p in places]
    # a group's name outlasts further examples of it
    name = min((e.group for e in of if e.group), default="") or min(e.sha256 for e in of)
    counts = Counter(e.answer for e in of)
    label = min(counts, key=lambda a: (-counts[a], a)) if has_labels else ""
    return Unit(tuple(places), int.from_bytes(drawn_at(name, seed)[:8]) / _TOP, label)


def _below(units: Sequence[Unit], share: float) -> list[Unit]:
    """Units whose place in the order is below the share, each frequent label with one at least, and none whole."""
    wanted = share * sum(len(u.places) for u in units)
    small = [u for u in units if len(u.places) <= max(2 * wanted, 1)]
    taken = {u.places: u for u in small if u.at < share}
    by_label: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        by_label[unit.label].append(unit)
    for of in by_label.values():
        _mend(of, small, taken)
    return list(taken.values())


def _mend(of: Sequence[Unit], small: Sequence[Unit], taken: dict[tuple[int, ...], Unit]) -> None:
    is_held = [u.places in taken for u in of]
    n = sum(len(u.places) for u in of)
    if not any(is_held) and n >= _MIN_OF_LABEL and len(of) > 1:
        least = min(of, key=lambda u: (u not in small, u.at))
        taken[least.places] = least
    if all(is_held):
        del taken[max(of, key=lambda u: u.at).places]


def _first(units: Sequence[Unit], n: int) -> list[Unit]:
    """Units with `n` examples in all, as near as their sizes allow; labels by their frequency."""
    sizes: Counter[str] = Counter()
    for unit in units:
        sizes[unit.label] += len(unit.places)
    left = _quotas(sizes, n)
    taken = [u for u in units if _takes(left, u.label, u)]
    more = {"": n - sum(len(u.places) for u in taken)}
    seen = {u.places for u in taken}
    return taken + [u for u in units if u.places not in seen and _takes(more, "", u)]


def _takes(left: dict[str, int], name: str, unit: Unit) -> bool:
    is_in = len(unit.places) <= left[name]
    left[name] -= len(unit.places) * is_in
    return is_in


def _quotas(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Shares of `n` by largest remainder."""
    total = sum(sizes.values())
    exact = {label: n * size / total for label, size in sizes.items()}
    quotas = {label: int(q) for label, q in exact.items()}
    rest = sorted(exact, key=lambda label: (quotas[label] - exact[label], label))
    for label in rest[: n - sum(quotas.values())]:
        quotas[label] += 1
    return quotas


def _places(units: Sequence[Unit]) -> set[int]:
    return {p for unit in units for p in unit.places}


def _root(parents: list[int], at: int) -> int:
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = parents[at]
    return at


def _join(parents: list[int], a: int, b: int) -> None:
    one, other = sorted((_root(parents, a), _root(parents, b)))
    parents[other] = one
