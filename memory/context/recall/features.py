"""What speaks for a turn, in numbers: first of all turns, then more of the best of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stepwell.memory.context.recall import traits
from stepwell.memory.context.recall.asked_days import near_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.memory.context.recall.pieces import Pieces

    Floats = NDArray[np.float32]
    Places = NDArray[np.int64]

# of all turns; "wide": with two to each side
FIRST = (
    "words", "words_wide", "cosine", "cosine_wide", "around", "length", "by_named", "by_voice", "asks", "time",
    "number", "name", "place", "day",
)  # fmt: skip
# of the best: how word pieces of the question are met in the turn, in the one before, in three or five together
SECOND = ("pieces", "pieces_low", "pieces_before", "pieces_three", "pieces_five", "answers")
_AROUND = 8


class Asked(NamedTuple):
    """A question, and what of it was computed for all turns.

    Attributes:
        words: BM25 of each turn, shape (n,).
        cosines: Of each turn with the question, shape (n,); None without vectors.
        has_vector: Which turns have one, shape (n,).
        names: How many speakers the question names, and which turns are by them, shape (n,).
    """

    text: str
    at_s: float
    words: Floats
    cosines: Floats | None
    has_vector: NDArray[np.bool_]
    n_named: int
    by_named: NDArray[np.bool_]


class Turns(NamedTuple):
    """What is known of all turns: number of words, traits, times; each of shape (n,)."""

    lengths: Floats
    traits: NDArray[np.uint8]
    at_s: NDArray[np.float64]


def first_features(asked: Asked, turns: Turns) -> Floats:
    """FIRST of each turn, shape (len(FIRST), n)."""
    made = np.zeros((len(FIRST), len(asked.words)), dtype=np.float32)
    base = made[0] = standardised(asked.words)
    made[1] = standardised(_sum_of_five(asked.words))
    if asked.cosines is not None:
        made[2, asked.has_vector] = standardised(asked.cosines[asked.has_vector])
        made[3] = standardised(_sum_of_five(made[2]))
        base = made[0] + made[2]
    made[4] = standardised(_mean_around(np.maximum(base, 0)))
    made[5] = standardised(np.log1p(turns.lengths))
    if asked.n_named == 1:
        made[6] = asked.by_named
    _traits(made[7:13], asked.text, turns.traits)
    days = near_days(asked.text, asked.at_s, turns.at_s)
    if days is not None:
        made[13] = days
    return made


def _traits(made: Floats, question: str, of_turns: NDArray[np.uint8]) -> None:
    voice = traits.said_by(question)
    if voice and (of_turns & (traits.BY_USER | traits.BY_ASSISTANT)).any():
        made[0] = (of_turns & voice) > 0
    made[1] = (of_turns & traits.ASKS) > 0
    when, number, name, place = traits.wanted(question)
    if when:
        made[2] = (of_turns & traits.TIME) > 0
    if number:
        made[3] = (of_turns & traits.NUMBER) > 0
    if name:
        made[4] = of_turns >> traits.NAME_SHIFT
    if place:
        made[5] = (of_turns & traits.PLACE) > 0


class Met(NamedTuple):
    """How well pieces of the question are met: in turns alone, with one beside, with two; each (n turns, n pieces)."""

    alone: Floats
    three: Floats
    five: Floats


def met(pieces: Pieces, places: Places, question: Floats) -> Met:
    """Args: places: Rising turns that have pieces."""
    alone = pieces.nearest(places, question)
    three = _with(_with(alone, alone, places, 1), alone, places, -1)
    five = _with(_with(three, alone, places, 2), alone, places, -2)
    return Met(alone, three, five)


def second_features(
    here: Met, usual: Met, weights: Floats, places: Places, base: Floats, asks: NDArray[np.bool_]
) -> Floats:
    """SECOND of the turns at `places`, shape (len(SECOND), len(places)).

    Args:
        here, usual: Of these turns, and of turns as they come.
        weights: What each piece of the question counts, shape (n pieces,).
        base: What is thought of each turn so far.
        asks: Which of them end with a question.
    """
    alone = (here.alone - usual.alone.mean(0)) / _spread(usual.alone)
    usual_alone = (usual.alone - usual.alone.mean(0)) / _spread(usual.alone)
    made = np.zeros((len(SECOND), len(places)), dtype=np.float32)
    score, usual_score = alone @ weights, usual_alone @ weights
    made[0] = _against(score, usual_score)
    rare = weights > np.median(weights)
    if rare.any():
        n = max(1, int(rare.sum()) // 2)
        low, usual_low = (np.partition(m[:, rare], n - 1)[:, :n].mean(1) for m in (alone, usual_alone))
        made[1] = _against(low, usual_low)
    made[2] = _neighbour(made[0], places, -1)
    for row, mine, others in ((3, here.three, usual.three), (4, here.five, usual.five)):
        mean, spread = others.mean(0), _spread(others)
        made[row] = _against((mine - mean) / spread @ weights, (others - mean) / spread @ weights)
    made[5] = _neighbour(np.where(asks, np.maximum(base, 0), 0), places, -1)
    return made


def standardised(values: Floats) -> Floats:
    """Less their mean, over their spread."""
    if not len(values):
        return values
    made: Floats = (values - values.mean()) / max(float(values.std()), 1e-6)
    return made


def _sum_of_five(values: Floats) -> Floats:
    made = values.copy()
    for d, weight in ((1, 0.7), (2, 0.4)):
        made[d:] += np.float32(weight) * values[:-d]
        made[:-d] += np.float32(weight) * values[d:]
    return made


def _mean_around(values: Floats) -> Floats:
    n = len(values)
    sums = np.concatenate([np.zeros(1), np.cumsum(values, dtype=np.float64)])
    at = np.arange(n)
    begin, end = np.maximum(at - _AROUND, 0), np.minimum(at + _AROUND + 1, n)
    made: Floats = ((sums[end] - sums[begin]) / (end - begin)).astype(np.float32)
    return made


def _with(mine: Floats, alone: Floats, places: Places, step: int) -> Floats:
    """The better one of each turn's own and that of the turn `step` after it, where that is among them."""
    at = np.searchsorted(places, places + step)
    at[at == len(places)] = 0
    there = places[at] == places + step
    made = mine.copy()
    made[there] = np.maximum(mine[there], alone[at[there]])
    return made


def _neighbour(values: Floats, places: Places, step: int) -> Floats:
    """The value of the turn `step` after each, 0 where it is not among them."""
    at = np.searchsorted(places, places + step)
    at[at == len(places)] = 0
    made: Floats = np.where(places[at] == places + step, values[at], np.float32(0)).astype(np.float32)
    return made


def _spread(values: Floats) -> Floats:
    made: Floats = np.maximum(values.std(0), np.float32(1e-3))
    return made


def _against(values: Floats, usual: Floats) -> Floats:
    made: Floats = (values - usual.mean()) / max(float(usual.std()), 1e-3)
    return made
