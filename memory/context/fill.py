"""Fill a room with what matters most."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What may be taken, as units that stay or go whole; a unit is named by the place of its first message.

    Attributes:
        of: The unit of each message, shape (n,); -1 where it may not be taken.
        value: Sum of its messages' relevance, shape (n,), at the place of its name.
        about: Its rough length in tokens, shape (n,).
        opener: The user's message that each is better read with, shape (n,); -1 where it has that or needs none.
    """

    of: Ints
    value: Floats
    about: Floats
    opener: Ints

    def places(self, units: Ints) -> Ints:
        """All messages of some units, rising."""
        import numpy as np

        is_meant = np.zeros(len(self.of) + 1, dtype=np.bool_)
        is_meant[units] = True
        found: Ints = is_meant[self.of].nonzero()[0]
        return found


def units(view: View, may: NDArray[np.bool_], relevance: NDArray[np.float32], n_tokens: int) -> Units:
    """Divide the messages that may be taken into units: tool groups, and single messages.

    Args:
        may: Which those are, shape (n,); whole tool groups.
        n_tokens: Room left; how long an opener may be depends on it.
    """
    import numpy as np

    shape, about, n = view.shape, view.about, len(view)
    opener = np.where(shape.is_user, -1, shape.opener)
    opener[(opener >= 0) & (about[opener] > _OPENER_SHARE * n_tokens)] = -1
    value = np.bincount(shape.group, weights=np.where(may, relevance, 0.0), minlength=n).astype(np.float64)
    total = np.bincount(shape.group, weights=np.where(may, about, 0), minlength=n).astype(np.float64)
    return Units(np.where(may, shape.group, -1), value, total, opener)


def fill(view: View, found: Units, n_tokens: int, model: str) -> Ints:
    """Units to keep, the worthiest first, so that their messages have at most `n_tokens`."""
    import numpy as np

    order = _ranked(found, n_tokens)
    taken, left = _take(view, found, order, n_tokens, model)
    openers = _openers(found, taken)
    if len(openers):
        n_openers = view.count(openers, model)
        taken, left = _take(view, found, order, n_tokens - n_openers, model)
        taken = np.concatenate([taken, np.setdiff1d(_openers(found, taken), taken)])
        left = n_tokens - view.count(found.places(taken), model)
        more, _ = _take(view, found, order[~np.isin(order, taken)], left, model)
        taken = np.concatenate([taken, more])
    return taken


def _ranked(found: Units, n_tokens: int) -> Ints:
    """As many units as could be taken, and some more, the worthiest first."""
    import numpy as np

    names = found.about.nonzero()[0]
    worth = -found.value[names] / found.about[names] ** _POWER
    n_most = max(n_tokens, 0) // _LEAST_TOKENS + 32 * _BLOCK
    if n_most < len(names):
        names_best = np.argpartition(worth, n_most)[:n_most]
        names_best.sort()  # so that equals stay in their order
        names, worth = names[names_best], worth[names_best]
    ranked: Ints = names[np.argsort(worth, kind="stable")]
    return ranked


def _openers(found: Units, taken: Ints) -> Ints:
    """Openers of those taken that may be taken, too, and are not."""
    import numpy as np

    openers = np.unique(found.opener[taken])
    openers = openers[(openers >= 0) & (found.of[openers] == openers)]
    return np.setdiff1d(openers, taken)


def _take(view: View, found: Units, order: Ints, n_tokens: int, model: str) -> tuple[Ints, int]:
    """Greedily, one that does not fit is skipped; the units taken, and the tokens left."""
    import numpy as np

    taken: list[Ints] = []
    left = n_tokens
    size = int(1.25 * np.cumsum(found.about[order]).searchsorted(left)) + 8
    for _ in range(_MOST_BLOCKS):
        if not len(order) or left < _LEAST_TOKENS:
            break
        block, order = order[:size], order[size:]
        fits, left = _greedy(_costs(view, found, block, model), left)
        taken.append(block[fits])
        order = order[_LEAST_OF_ABOUT * found.about[order] <= left]
        size = _BLOCK
    return (np.concatenate(taken) if taken else np.zeros(0, dtype=np.int64)), left


def _costs(view: View, found: Units, block: Ints, model: str) -> Ints:
    """Tokens of each unit of a block, shape (n_block,)."""
    import numpy as np

    places = found.places(block)
    rank = np.zeros(len(found.of), dtype=np.int64)
    rank[block] = np.arange(len(block))
    costs = np.bincount(rank[found.of[places]], weights=view.counts(places, model), minlength=len(block))
    return costs.astype(np.int64)


def _greedy(costs: Ints, left: int) -> tuple[Ints, int]:
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
