"""Fill a room with what matters most."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.memory.context.thread.view import View

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

# A unit's worth is value / cost^_POWER: 1 is best where the values are true probabilities, 0 where they are noise.
_POWER = 0.5
_TIE = 1e-12
_LEAST_TOKENS = 12
_BLOCK = 16
_MOST_BLOCKS = 4  # what is left after the first is small change
_LEAST_OF_ABOUT = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What may be taken, whole or not at all: an answer or a tool group, with the user's message that it answers.

    So users and assistants take turns in what is kept wherever they do in the conversation: some models' chat
    templates refuse anything else. A user's message that nobody answered is a unit of its own. Named by the place
    of the group.

    Attributes:
        names: As many as could be taken, and some more, the worthiest first.
        about: The rough length of each of `names` in tokens.
        asked: The user's message that goes with the unit of that name, shape (n,); -1 where none need be added.
    """

    view: View
    names: Ints
    about: Floats
    asked: NDArray[np.int32]

    def places(self, units: Ints) -> Ints:
        """All messages of some units, rising."""
        import numpy as np

        asked = self.asked[units]
        return np.union1d(self._members(units), asked[asked >= 0])

    def count(self, units: Ints, model: str, kept: Ints) -> Ints:
        """Tokens that each would add to those kept, taken alone, shape (n_units,).

        Args:
            kept: Places, rising.
        """
        import numpy as np

        sizes = 1 + self.view.shape.n_results[units]
        asked = self.asked[units].astype(np.int64)
        adds = (asked >= 0) & ~np.isin(asked, kept)
        places = np.concatenate([self._members(units), asked[adds]])
        owners = np.concatenate([np.repeat(np.arange(len(units)), sizes), adds.nonzero()[0]])
        order = np.argsort(places, kind="stable")
        counts = self.view.counts(places[order], model)
        return np.bincount(owners[order], weights=counts, minlength=len(units)).astype(np.int64)

    def _members(self, units: Ints) -> Ints:
        import numpy as np

        shape = self.view.shape
        if not shape.n_results[units].any():
            return units
        return np.fromiter(chain.from_iterable(map(shape.members, units.tolist())), dtype=np.int64)


def units(view: View, may: NDArray[np.bool_], relevance: NDArray[np.float32], n_tokens: int) -> Units:
    """Divide the messages that may be taken into units, and rank them.

    Args:
        may: Which those are, shape (n,); whole tool groups.
        n_tokens: Room left.
    """
    import numpy as np

    shape, about, n = view.shape, view.about, len(view)
    is_first = may & (shape.group == np.arange(n, dtype=np.int32))
    asked = np.where(is_first & ~shape.is_user, shape.opener, -1)
    asked[(asked >= 0) & ~may[asked]] = -1
    is_answered = np.zeros(n + 1, dtype=np.bool_)
    is_answered[asked] = True
    names = (is_first & ~is_answered[:n]).nonzero()[0]
    value, total = _sums(names, (may & ~is_first).nonzero()[0], shape.group, relevance, about)
    with_asked = asked[names] >= 0
    value[with_asked] += relevance[asked[names[with_asked]]]
    total[with_asked] += about[asked[names[with_asked]]]
    best = _ranked(-value / total**_POWER - _TIE * names, n_tokens)  # of equals the later ones
    return Units(view, names[best], total[best], asked)


def _sums(
    names: Ints,
    results: Ints,
    group: NDArray[np.int32],
    relevance: NDArray[np.float32],
    about: NDArray[np.int32],
) -> tuple[Floats, Floats]:
    """Relevance and rough length of groups, shape (n_names,) each."""
    import numpy as np

    value, total = relevance[names].astype(np.float64), about[names].astype(np.float64)
    if len(results):
        at = names.searchsorted(group[results])
        value += np.bincount(at, weights=relevance[results], minlength=len(names))
        total += np.bincount(at, weights=about[results], minlength=len(names))
    return value, total


def _ranked(worth: Floats, n_tokens: int) -> Ints:
    """As many as could be taken, and some more, by rising worth."""
    import numpy as np

    n_most = max(n_tokens, 0) // _LEAST_TOKENS + 32 * _BLOCK
    best = np.argpartition(worth, n_most)[:n_most] if n_most < len(worth) else np.arange(len(worth))
    ranked: Ints = best[np.argsort(worth[best], kind="stable")]
    return ranked


def fill(found: Units, n_tokens: int, model: str) -> Ints:
    """Units to keep, the worthiest first, so that their messages have at most `n_tokens`."""
    import numpy as np

    nothing = np.zeros(0, dtype=np.int64)
    taken = _take(found, found.names, found.about, n_tokens, model, nothing)
    kept = found.places(taken)
    left = n_tokens - found.view.count(kept, model)
    if left < _LEAST_TOKENS:
        return taken
    # two answers to one message were each charged with it: that room is free again
    rest = ~np.isin(found.names, taken)
    return np.concatenate([taken, _take(found, found.names[rest], found.about[rest], left, model, kept)])


def _take(found: Units, names: Ints, about: Floats, n_tokens: int, model: str, kept: Ints) -> Ints:
    """Greedily, one that does not fit is skipped; the units taken."""
    import numpy as np

    taken: list[Ints] = []
    left = n_tokens
    size = int(1.25 * np.cumsum(about).searchsorted(left)) + 8
    for _ in range(_MOST_BLOCKS):
        if not len(names) or left < _LEAST_TOKENS:
            break
        fits, left = _greedy(found.count(names[:size], model, kept), left)
        taken.append(names[:size][fits])
        may_fit = _LEAST_OF_ABOUT * about[size:] <= left
        names, about, size = names[size:][may_fit], about[size:][may_fit], _BLOCK
    return np.concatenate(taken) if taken else np.zeros(0, dtype=np.int64)


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
