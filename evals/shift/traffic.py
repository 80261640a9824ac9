"""Requests as arrays: what can be compared of two stretches of traffic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from stepwell.evals.shift.lines import Line
from stepwell.router.features import Ask, read_ask
from stepwell.router.tasks import read_task
from stepwell.router.traits import TRAITS, asked, traits_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

Embed = Callable[[Sequence[str]], "Matrix"]
LENGTH, NEED, NOVELTY, TOKENS = "log_chars", "need", "novelty", "log_input_tokens"
OWN_CLASS, KIND = "tag", "kind of work"


class Guess(Protocol):
    """What a policy says of one ask."""

    def __call__(self, ask: Ask) -> tuple[dict[str, float], float | None]:
        """p_ok by tier, and the need for the dearest tier."""
        ...


@dataclass(frozen=True, slots=True)
class Traffic:
    """n requests, oldest first; NaN and "" where something is not known.

    Attributes:
        numbers: By name, shape (n,): the router's traits, its need and novelty, tokens.
        p_ok: By tier, shape (n,).
        classes: By name: what the file calls the requests, and the kind of work that the router reads.
        vectors: Shape (n, dim); None where not every request has one.
        expected: (score, p_ok) of the answers that were scored, oldest first.
    """

    n: int
    numbers: dict[str, Floats]
    p_ok: dict[str, Floats]
    classes: dict[str, list[str]]
    vectors: Floats | None
    expected: tuple[tuple[float, float], ...] = ()


def traffic_of(lines: Iterable[Line], *, guess: Guess | None = None, embed: Embed | None = None) -> Traffic:
    """Arrays of these lines.

    Args:
        guess: A policy to ask for p_ok, in place of what the lines recorded; lines without text keep theirs.
        embed: Gives texts vectors, shape (n, dim), where lines bring none.
    """
    kept = list(lines)
    vectors = _vectors(kept, embed)
    asks = [_ask(line, None if vectors is None else vectors[i]) for i, line in enumerate(kept)]
    guesses = [_guessed(line, ask, guess) for line, ask in zip(kept, asks, strict=True)]
    tiers = sorted({tier for p_ok, _ in guesses for tier in p_ok})
    numbers = _traits(kept, asks)
    numbers |= {
        NEED: _column(need for _, need in guesses),
        NOVELTY: _column(line.novelty for line in kept),
        TOKENS: np.log1p(_column(line.n_input_tokens for line in kept)),
    }
    return Traffic(
        n=len(kept),
        numbers=numbers,
        p_ok={t: _column(p_ok.get(t) for p_ok, _ in guesses) for t in tiers},
        classes={
            OWN_CLASS: [line.tag for line in kept],
            KIND: ["" if ask is None else read_task(ask).kind for ask in asks],
        },
        vectors=vectors,
        expected=tuple(pair for line in kept for pair in _expected(line)),
    )


def _vectors(lines: Sequence[Line], embed: Embed | None) -> Floats | None:
    made = [line.kept_vector for line in lines]
    if made and all(v is not None for v in made) and len({len(v) for v in made if v is not None}) == 1:
        return np.stack([v for v in made if v is not None])
    if embed is None or not lines or not all(line.text for line in lines):
        return None
    return embed([line.text for line in lines]).astype(np.float64)


def _ask(line: Line, vector: object | None) -> Ask | None:
    text = line.text
    return read_ask(text, vector=vector) if text else None


def _guessed(line: Line, ask: Ask | None, guess: Guess | None) -> tuple[dict[str, float], float | None]:
    return (line.p_ok_by_tier, line.need) if ask is None or guess is None else guess(ask)


def _traits(lines: Sequence[Line], asks: Sequence[Ask | None]) -> dict[str, Floats]:
    table = np.full((len(lines), len(TRAITS)), math.nan)
    for i, (line, ask) in enumerate(zip(lines, asks, strict=True)):
        row = traits_of(asked(ask)) if ask is not None else line.kept_traits
        if row is not None:
            table[i] = row
    return {name: table[:, k] for k, name in enumerate(TRAITS)}


def _column(values: Iterable[float | None]) -> Floats:
    return np.array([math.nan if v is None else v for v in values], dtype=np.float64)


def _expected(line: Line) -> Iterable[tuple[float, float]]:
    tier = line.served or line.tier
    score, p_ok = (line.scores or {}).get(tier), line.p_ok_by_tier.get(tier)
    return [] if score is None or p_ok is None else [(float(score), p_ok)]
