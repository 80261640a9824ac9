"""A sequential alarm: watch requests as they come, and say once that they are no longer what they were.

Testing by betting (Shekhar & Ramdas 2023, IEEE Trans. Inf. Theory 70:1178; Podkopaev & Ramdas 2023, arXiv:2305.00143).
Each step takes new requests and as yet unused ones of the reference. As long as both are of one kind, no stake on which
of them scores higher wins on average, so the odds that wealth ever reaches 1 / alpha are at most alpha (Ville),
however long one looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.evals.shift.discriminant import TOGETHER, Sums, direction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]


LATEST = "all features of the latest together"
_STAKES = np.array([0.05, 0.1, 0.2, 0.4, 0.7])
_TAIL = 0.1
_KNOWN_SHARE = 0.25
_MAX_A_STEP = 8
_FIRST_FIT = 16
_REFIT_GROWTH = 1.15
_N_STARTS = 7
_HALF_LIFE_ROWS = 100.0


class Alarm(msgspec.Struct, frozen=True):
    """What the alarm says.

    Attributes:
        row: Row of RECENT, from 1, at which it went off; None: it did not.
        wealth: At the last row; most: the highest it ever was. It goes off at 1 / alpha.
        loudest: What won most.
        n_reference_a_row: Unused reference requests for each recent one; under 1, few reference rows slow it down.
    """

    row: int | None
    wealth: float
    most: float
    alpha: float
    loudest: str
    n_rows: int
    n_reference_a_row: float

    @property
    def is_on(self) -> bool:
        return self.row is not None


class Split:
    """The reference, shuffled: one part is known beforehand, the other meets the recent requests one by one."""

    def __init__(self, n_reference: int, n_recent: int, *, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(n_reference)
        n_known = max(2, int(_KNOWN_SHARE * n_reference))
        self.known: Places = order[:n_known]
        fresh = order[n_known:]
        self.n_reference_a_step = max(1, min(_MAX_A_STEP, len(fresh) // max(1, n_recent)))
        self.n_recent_a_step = max(1, -(-n_recent // max(1, len(fresh))))
        self.n_steps = min(n_recent // self.n_recent_a_step, len(fresh) // self.n_reference_a_step)
        self.fresh: Places = fresh[: self.n_steps * self.n_reference_a_step]

    @property
    def n_recent(self) -> int:
        return self.n_steps * self.n_recent_a_step


def watch(
    split: Split,
    scores: Mapping[str, tuple[Floats, Floats]],
    rows: tuple[Floats, Floats] | None,
    *,
    alpha: float = 0.05,
) -> Alarm:
    """Bet on every score, and on a discriminant learnt from what has been seen so far.

    Args:
        scores: By name, of the reference, shape (n,), and of recent requests, shape (m,); made without looking at
            reference rows other than `split.known`, nor at recent rows.
        rows: The same rows as features, shape (n, f) and (m, f).
    """
    pots = {name: _fixed(split, *pair) for name, pair in scores.items()}
    if rows is not None and rows[0].shape[1]:
        pots[TOGETHER] = _learned(split, *rows)
        pots[LATEST] = _learned(split, *rows, half_life_rows=_HALF_LIFE_ROWS)
    # each gets one share of the stakes; a sum of fair games is fair
    wealth = sum(pots.values(), np.zeros(split.n_steps)) / max(1, len(pots))
    off = np.flatnonzero(wealth >= 1 / alpha)
    at = int(off[0]) if len(off) else len(wealth) - 1
    return Alarm(
        row=(int(off[0]) + 1) * split.n_recent_a_step if len(off) else None,
        wealth=float(wealth[-1]) if len(wealth) else 1.0,
        most=float(wealth.max(initial=1.0)),
        alpha=alpha,
        loudest=max(pots, key=lambda name: float(pots[name][at])) if pots and len(wealth) else "",
        n_rows=split.n_recent,
        n_reference_a_row=split.n_reference_a_step / split.n_recent_a_step,
    )


def _fixed(split: Split, reference: Floats, recent: Floats) -> Floats:
    """Wealth after each step of bets on one score: high or low, and far up or far down."""
    known = np.sort(reference[split.known])
    fresh, new = _by_step(split, reference[split.fresh], recent[: split.n_recent])
    low, high = np.quantile(known, [_TAIL, 1 - _TAIL])
    place = _rank_payoffs(fresh, new)
    return _mixed(
        [place, -place, _tail_payoffs(fresh > high, new > high), _tail_payoffs(fresh < low, new < low)]
    )


def _learned(
    split: Split, reference: Floats, recent: Floats, *, half_life_rows: float | None = None
) -> Floats:
    """The same on a discriminant that is learnt anew as rows come in, always from earlier ones alone.

    Args:
        half_life_rows: Recent rows fade: what moves late is not drowned by what came before.
    """
    low, high = Sums(reference.shape[1]), Sums(reference.shape[1])
    low.add(reference[split.known])
    fresh, new = _by_step(split, reference[split.fresh], recent[: split.n_recent])
    payoffs = [np.zeros(split.n_steps), np.zeros(split.n_steps)]
    at, until = 0, _FIRST_FIT
    while at < split.n_steps:
        steps = slice(at, min(until, split.n_steps))
        if at:
            line = direction(low, high)
            cut = np.quantile(reference[split.known] @ line, 1 - _TAIL)
            scored = fresh[steps] @ line, new[steps] @ line
            payoffs[0][steps] = _rank_payoffs(*scored)
            payoffs[1][steps] = _tail_payoffs(scored[0] > cut, scored[1] > cut)
        low.add(fresh[steps].reshape(-1, reference.shape[1]))
        came = new[steps].reshape(-1, recent.shape[1])
        if half_life_rows is not None:
            high.fade(0.5 ** (len(came) / half_life_rows))
        high.add(came)
        growth = int(steps.stop * _REFIT_GROWTH)
        at, until = (
            steps.stop,
            max(steps.stop + 1, growth if half_life_rows is None else min(growth, steps.stop + _FIRST_FIT)),
        )
    return _mixed(payoffs)


def _by_step(split: Split, fresh: Floats, new: Floats) -> tuple[Floats, Floats]:
    return (
        fresh.reshape(split.n_steps, split.n_reference_a_step, *fresh.shape[1:]),
        new.reshape(split.n_steps, split.n_recent_a_step, *new.shape[1:]),
    )


def _rank_payoffs(fresh: Floats, new: Floats) -> Floats:
    """Mean rank of the new ones among all of a step, -1 (lowest) .. 1; 0 on average where nothing moved."""
    both = np.concatenate((new, fresh), axis=1)
    above = (new[:, :, None] > both[:, None, :]).sum(axis=2) + (new[:, :, None] == both[:, None, :]).sum(
        axis=2
    ) / 2
    middle = both.shape[1] / 2
    payoffs: Floats = (above.mean(axis=1) - middle) / (fresh.shape[1] / 2)
    return payoffs


def _tail_payoffs(fresh: NDArray[np.bool_], new: NDArray[np.bool_]) -> Floats:
    payoffs: Floats = new.mean(axis=1) - fresh.mean(axis=1)
    return payoffs


def _mixed(payoffs: list[Floats]) -> Floats:
    """Wealth of equal parts staked at every height on every payoff: no height has to be guessed.

    Half of each part is staked from the first step on, the other half in parts that start later: what was lost while
    nothing moved does not delay the alarm when something does.
    """
    growth = np.log1p(np.stack(payoffs)[:, None, :] * _STAKES[None, :, None])
    grown = np.cumsum(growth, axis=2)
    wealth = 0.5 * _wealth(grown)
    starts = np.unique(np.linspace(0, grown.shape[2], _N_STARTS + 2).astype(int)[1:-1])
    for start in starts if starts.any() else [0]:
        later = np.ones_like(wealth)
        later[start:] = _wealth(grown[:, :, start:] - grown[:, :, start - 1 : start] if start else grown)
        wealth += 0.5 * later / max(1, len(starts))
    return wealth


def _wealth(grown: Floats) -> Floats:
    wealth: Floats = np.exp(np.minimum(grown, 700.0)).mean(axis=(0, 1))
    return wealth
