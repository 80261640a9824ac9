"""From log-odds to scores that mean the same in every head: thresholds by what honest text never seen reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from stepwell.guards.learned.head import Mix, Scale, logistic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cuts = Mapping[float, float]
"""Budget of false blocks -> least score that counts."""
BUDGETS = (0.05, 0.02, 0.01, 0.005, 0.001)
_STEP = 1e-3


def careful(honest: Mapping[str, NDArray[np.float64]]) -> dict[float, float]:
    """Budget of false blocks -> the least score that keeps it on the mean of some sources, and twice it on each.

    Args:
        honest: Source -> scores of its honest texts by a head that never saw the source, shape (n,) each.
    """
    import numpy as np

    least = []
    for budget in BUDGETS:
        each = max(float(np.quantile(scores, 1 - 2 * budget)) for scores in honest.values())
        least.append(max(each, _mean_quantile(list(honest.values()), budget)))
    rising = np.maximum.accumulate(np.array(least) + _STEP * np.arange(len(least)))
    return {b: float(t) for b, t in zip(BUDGETS, rising, strict=True)}


def careful_within(
    within: Mapping[str, NDArray[np.float64]], whole: Mapping[str, NDArray[np.float64]], cuts: Cuts
) -> dict[float, float]:
    """Budget -> the least score of a text's worst piece that keeps it on the mean, for whole texts and pieces together.

    By the pieces alone each source keeps twice the budget.

    Args:
        within: Source -> scores of the worst pieces of its honest texts, shape (n,) each.
        whole: The same texts' scores as a whole.
        cuts: The careful thresholds for whole texts.
    """
    import numpy as np

    least = []
    for budget in BUDGETS:
        each = max(float(np.quantile(scores, 1 - 2 * budget)) for scores in within.values())
        least.append(max(each, _added(within, whole, cuts[budget], budget)))
    rising = np.maximum.accumulate(np.array(least) + _STEP * np.arange(len(least)))
    return {b: float(t) for b, t in zip(BUDGETS, rising, strict=True)}


def _added(
    within: Mapping[str, NDArray[np.float64]],
    whole: Mapping[str, NDArray[np.float64]],
    cut: float,
    budget: float,
) -> float:
    """The least score of pieces that flags, with the whole texts above `cut`, no more than the budget on the mean."""
    import numpy as np

    share = float(np.mean([(scores > cut).mean() for scores in whole.values()]))
    left = [np.where(whole[s] > cut, -np.inf, scores) for s, scores in within.items()]
    return _mean_quantile(left, max(budget - share, 0.0))


def as_whole(within: NDArray[np.float64], from_cuts: Cuts, to_cuts: Cuts) -> NDArray[np.float64]:
    """Scores of pieces on the scale of whole texts: each budget's threshold meets the other, of slope 1 outside."""
    import numpy as np

    known, wanted = (np.array([cuts[b] for b in BUDGETS]) for cuts in (from_cuts, to_cuts))
    outside = np.minimum(within - known[0], 0) + np.maximum(within - known[-1], 0)
    return np.asarray(np.interp(within, known, wanted) + outside)


def _mean_quantile(sources: Sequence[NDArray[np.float64]], share: float) -> float:
    """The score above which a share of the texts lies, every source of the same weight."""
    import numpy as np

    scores = np.concatenate(sources)
    weights = np.concatenate([np.full(len(s), 1 / len(s) / len(sources)) for s in sources])
    order = np.argsort(-scores)
    last = int(np.searchsorted(np.cumsum(weights[order]), share))
    return float(scores[order][min(last, len(scores) - 1)])


def platt(
    attacks: Mapping[str, NDArray[np.float64]], honest: Mapping[str, NDArray[np.float64]]
) -> tuple[float, float]:
    """Slope and bias of the log-odds for scores out of source, every source of the same weight (Platt 1999)."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    parts = [(s, True, 1 / len(attacks) / len(s)) for s in attacks.values()]
    parts += [(s, False, 1 / len(honest) / len(s)) for s in honest.values()]
    scores = np.concatenate([s for s, _, _ in parts])
    labels = np.concatenate([np.full(len(s), label) for s, label, _ in parts])
    weights = np.concatenate([np.full(len(s), w) for s, _, w in parts])
    model = LogisticRegression(C=1e6).fit(scores[:, None], labels, sample_weight=weights * len(scores))
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def thresholds(careful_log_odds: Mapping[float, float], slope: float, bias: float) -> dict[float, float]:
    """Budget -> threshold as a score, 0..1."""
    return {b: logistic(slope * t + bias) for b, t in careful_log_odds.items()}


def scaled(
    shares: Sequence[float],
    slope: float,
    bias: float,
    careful_log_odds: Mapping[float, float],
    wanted: Mapping[float, float],
) -> tuple[Mix, Scale]:
    """Mix and scale of one way to score, so that each budget's careful threshold is the one wanted.

    Args:
        shares: Factors of the n-grams' and the embedding's log-odds.
        slope, bias: From `platt`, of this way or of another: they give the steps outside the known budgets.
        careful_log_odds: Budget -> careful threshold of the sum, before slope and bias.
        wanted: Budget -> score that is to stand there.
    """
    corners = sorted((slope * careful_log_odds[b] + bias, wanted[b]) for b in wanted)
    scale = Scale(tuple(round(x, 5) for x, _ in corners), tuple(round(y, 6) for _, y in corners))
    return Mix(slope * shares[0], slope * shares[1], bias), scale
