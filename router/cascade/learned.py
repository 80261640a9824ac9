"""An accept score learnt from labels, as it is served: numpy alone, no pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from stepwell.base.errors import ConfigError
from stepwell.router.cascade.accept import Opinion
from stepwell.router.cascade.signs import signs_of
from stepwell.router.cascade.style import STYLE
from stepwell.router.features import Ask
from stepwell.router.learned.heads import Trees
from stepwell.router.traits import TRAITS, traits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_MAX_SIGMAS = 5.0
_TREE_PARTS = ("roots", "traits", "cuts", "children", "values", "depth")
_PARTS = ("mean", "spread", "damping", "weights", "bias")


class LearnedAccept(msgspec.Struct, frozen=True):
    """Three logistic heads and a forest over what the opinions show, the ask's traits and how answers are written.

    Attributes:
        tiers: The opinions in order; the score is for these alone.
        mean, spread: Of every feature, shape (d,); a spread of 0: the feature says nothing.
        damping: How much each feature counts in the logistic heads, shape (d,).
        weights, bias: Log-odds that the first opinion, the one to serve and the strong tier are right, shapes (d, 3),
            (3,).
        trees: Scores of the first opinion and of the strong tier.
    """

    tiers: tuple[str, ...]
    mean: Matrix
    spread: Matrix
    damping: Matrix
    weights: Matrix
    bias: Matrix
    trees: Trees

    def rate(self, opinions: Sequence[Opinion], ask: Ask, served: int | None) -> tuple[float, float]:
        """p that the answer to serve is right (the first, where none is), and need of the strong tier, 0..1."""
        p_ok, need = self.rate_all(features(opinions, ask)[None, :])
        p_accept = float(p_ok[0, 0 if served is None else 1])
        return (0.0 if opinions[served or 0].answer is None else p_accept), float(need[0])

    def rate_all(self, rows: Matrix) -> tuple[Matrix, Matrix]:
        """The same for n rows of `features`: p_ok of first, served and strong, shape (n, 3), and need, shape (n,)."""
        x = scaled(rows, self.mean, self.spread)
        log_odds = (x * self.damping) @ self.weights + self.bias
        p_ok: Matrix = (1 / (1 + np.exp(-log_odds))).astype(np.float32, copy=False)
        by_trees = self.trees.predict(x)
        gain = (p_ok[:, 2] - p_ok[:, 0] + by_trees[:, 1] - by_trees[:, 0]) / 2
        need = (gain + 1) / 2
        return p_ok, need.astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For a bundle's npz; `from_arrays` reads it back."""
        made: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in _PARTS}
        made |= {f"tree_{name}": np.asarray(getattr(self.trees, name)) for name in _TREE_PARTS}
        return made | {"tiers": np.array(self.tiers)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> LearnedAccept:
        """Read what `arrays` wrote.

        Raises:
            ConfigError: Something is missing, or it was learnt on other features.
        """
        missing = [n for n in (*_PARTS, "tiers", *(f"tree_{p}" for p in _TREE_PARTS)) if n not in arrays]
        if missing:
            raise ConfigError(f"the accept score lacks {', '.join(missing)}; run `stepwell tune` again")
        tiers = tuple(str(t) for t in arrays["tiers"])
        if len(arrays["mean"]) != n_features(len(tiers)):
            raise ConfigError("the accept score was learnt on other features; run `stepwell tune` again")
        tree = {p: arrays[f"tree_{p}"] for p in _TREE_PARTS}
        trees = Trees(
            tree["roots"], tree["traits"], tree["cuts"], tree["children"], tree["values"], int(tree["depth"])
        )
        return cls(tiers=tiers, trees=trees, **{name: arrays[name] for name in _PARTS})


def features(opinions: Sequence[Opinion], ask: Ask) -> Matrix:
    """One row: signs, traits, then the style of each opinion (NaN where its text is not known), shape (d,)."""
    unknown = (float("nan"),) * len(STYLE)
    style = [value for o in opinions for value in (o.style or unknown)]
    return np.concatenate([
        np.array(signs_of(opinions, ask), np.float32), traits(ask), np.array(style, np.float32)
    ])  # fmt: skip


def n_features(n_opinions: int) -> int:
    """Width of a row of `features`."""
    return n_signs(n_opinions) + len(TRAITS) + n_opinions * len(STYLE)


def n_signs(n_opinions: int) -> int:
    """Width of its first part."""
    return 2 * n_opinions + n_opinions * (n_opinions - 1) // 2 + 5 + 5 + 2 * 7 + 1


def scaled(rows: Matrix, mean: Matrix, spread: Matrix) -> Matrix:
    """To zero mean and unit spread, clipped at 5; what is not known counts as the mean."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.where(spread > 0, (rows - mean) / spread, 0)
    made: Matrix = np.clip(np.nan_to_num(x, nan=0.0), -_MAX_SIGMAS, _MAX_SIGMAS).astype(np.float32)
    return made
