"""Fill a room with what matters most."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.memory.context.thread import View

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

# A unit's worth is value / cost^_POWER: 1 is best where the values are true probabilities, 0 where they are noise.
_POWER = 0.5
# An answer is read with the user's message before it where that is short. Whole exchanges as units lost 2 points of
# evidence in 1,000 tokens, on the dialogues of notebooks/04.
_OPENER_SHARE = 0.02
_LEAST_TOKENS = 12
_BLOCK = 16
_MOST_BLOCKS = 4  # what is left after the first is small change
_LEAST_OF_ABOUT = 0.6
_TIE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What may be taken, whole or not at all: tool groups and single messages, named by their first place.

    Attributes:
        names: As many as could be taken, and some more, the worthiest first.
        about: The rough length of each of `names` in tokens.
        is_unit: Which messages are the first of one that may be taken, shape (n,).
    """

    view: View
    names: Ints
    about: Floats
    is_unit: NDArray[np.bool_]

    def places(self, units: Ints) -> Ints:
        """All messages of some units, unit by unit."""
        import numpy as np

        return np.fromiter(chain.from_iterable(map(self.view.shape.members, units.tolist())), dtype=np.int64)

    def count(self, units: Ints, model: str) -> Ints:
        """Tokens of each, shape (n_units,)."""
        import numpy as np

        sizes = np.fromiter((len(self.view.shape.members(unit)) for unit in units.tolist()), dtype=np.int64)
        places, owners = self.places(units), np.repeat(np.arange(len(units)), sizes)
        order = np.argsort(places, kind="stable")
        costs = np.bincount(
            owners[order], weights=self.view.counts(places[order], model), minlength=len(units)
        )
        return costs.astype(np.int64)


def units(view: View, may: NDArray[np.bool_], relevance: NDArray[np.float32], n_tokens: int) -> Units:
    """Divide the messages that may be taken into units, and rank them.

    Args:
        may: Which those are, shape (n,); whole tool groups.
        n_tokens: Room left.
    """
    import numpy as np

    group, about, n = view.shape.group, view.about, len(view)
    is_unit = may & (group == np.arange(n, dtype=group.dtype))
    names = is_unit.nonzero()[0]
    value, total = relevance[names].astype(np.float64), about[names].astype(np.float64)
    results = (may & ~is_unit).nonzero()[0]
    if len(results):
        at = names.searchsorted(group[results])
        value += np.bincount(at, weights=relevance[results], minlength=len(names))
        total += np.bincount(at, weights=about[results], minlength=len(names))
    worth = -value / total**_POWER - _TIE * names  # of equals the later ones
    n_most = max(n_tokens, 0) // _LEAST_TOKENS + 32 * _BLOCK
    best = np.arange(len(names))
    if n_most < len(names):
        best = np.argpartition(worth, n_most)[:n_most]
    best = best[np.argsort(worth[best], kind="stable")]
    return Units(view, names[best], total[best], is_unit)


def fill(found: Units, n_tokens: int, model: str) -> Ints:
    """Units to keep, the worthiest first, so that their messages have at most `n_tokens`."""
    import numpy as np

    taken, _ = _take(found, found.names, found.about, n_tokens, model)
    openers = _openers(found, taken, n_tokens)
    if not len(openers):
        return taken
    taken, _ = _take(
        found, found.names, found.about, n_tokens - int(found.count(openers, model).sum()), model
    )
    taken = np.concatenate([taken, _openers(found, taken, n_tokens)])
    left = n_tokens - int(found.count(taken, model).sum())
    rest = ~np.isin(found.names, taken)
    more, _ = _take(found, found.names[rest], found.about[rest], left, model)
    return np.concatenate([taken, more])


def _openers(found: Units, taken: Ints, n_tokens: int) -> Ints:
    """The user's messages that those taken are better read with, where they may be taken and are not."""
    import numpy as np

    shape = found.view.shape
    openers = np.unique(shape.opener[taken[~shape.is_user[taken]]]).astype(np.int64)
    openers = openers[openers >= 0]
    is_short = found.view.about[openers] <= _OPENER_SHARE * n_tokens
    return np.setdiff1d(openers[is_short & found.is_unit[openers]], taken)


def _take(found: Units, names: Ints, about: Floats, n_tokens: int, model: str) -> tuple[Ints, int]:
    """Greedily, one that does not fit is skipped; the units taken, and the tokens left."""
    import numpy as np

    taken: list[Ints] = []
    left = n_tokens
    size = int(1.25 * np.cumsum(about).searchsorted(left)) + 8
    for _ in range(_MOST_BLOCKS):
        if not len(names) or left < _LEAST_TOKENS:
            break
        fits, left = _greedy(found.count(names[:size], model), left)
        taken.append(names[:size][fits])
        may_fit = _LEAST_OF_ABOUT * about[size:] <= left
        names, about, size = names[size:][may_fit], about[size:][may_fit], _BLOCK
    return (np.concatenate(taken) if taken else np.zeros(0, dtype=np.int64)), left


def _greedy(costs: Ints, left: int) -> tuple[Ints, int]:
    """Which of these fit, taken in order, and what is left."""
    import numpy as np

    taken: list[Ints] = []
    at = 0
    while at < len(costs):
        sums = np.cumsum(costs[at:])
        n = int(sums.searchsorted(left, side="right"))
        if n:
            taken.append(np.arange(at, at + n))
            left -= int(sums[n - 1])
        later = (costs[at + n :] <= left).nonzero()[0]
        if not len(later):
            break
        at += n + int(later[0])
    return (np.concatenate(taken) if taken else np.zeros(0, dtype=np.int64)), left
