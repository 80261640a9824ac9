"""Planted answers that ship: questions with a right answer and two wrong ones, to measure a judge by."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import zip_longest

import msgspec

RIGHT = "right"
SPECIFIC = "specific"
VAGUE = "vague"
STYLES = (RIGHT, SPECIFIC, VAGUE)
N_CASES = 60


class Case(msgspec.Struct, frozen=True):
    """A question with planted answers.

    Attributes:
        gold: What the judge is shown as the reference.
        right: Correct, in other words than gold.
        specific: Wrong, and sure of itself.
        vague: On the subject, and no answer.
    """

    id: str
    kind: str
    question: str
    gold: str
    right: str
    specific: str
    vague: str

    def answer(self, style: str) -> str:
        return {RIGHT: self.right, SPECIFIC: self.specific, VAGUE: self.vague}[style]


@cache
def shipped_cases() -> tuple[Case, ...]:
    """All that ship, of eight kinds in turn (evals/suites/judge_check.md)."""
    lines = (resources.files("stepwell.evals") / "suites" / "judge_check.jsonl").read_bytes().splitlines()
    decode = msgspec.json.Decoder(Case).decode
    return tuple(decode(line) for line in lines)


def kinds_of(cases: Iterable[Case]) -> dict[str, str]:
    """Case -> its kind."""
    return {case.id: case.kind for case in cases}


def drawn(cases: Sequence[Case], n: int, *, seed: int = 0) -> list[Case]:
    """`n` cases at random, as even over the kinds as can be; a larger `n` of the same seed holds the smaller one's."""
    rng = random.Random(seed)
    by_kind: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_kind[case.kind].append(case)
    piles = [rng.sample(pile, len(pile)) for _, pile in sorted(by_kind.items())]
    rng.shuffle(piles)
    return list(_in_turn(piles))[:n]


def _in_turn(piles: Sequence[Sequence[Case]]) -> Iterator[Case]:
    for layer in zip_longest(*piles):
        yield from (case for case in layer if case is not None)
