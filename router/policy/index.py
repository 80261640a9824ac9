"""The shipped index of work: learnt weights for `signs`, and the need that they give an ask."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stepwell.base.errors import ConfigError
from stepwell.router.policy.signs import REASONS, SIGNS

SHIPPED = Path(__file__).with_name("coldstart.json")
_CLIP = 3.0


class Sign(msgspec.Struct, frozen=True):
    """How one sign counts: weight x its distance from `mean` in units of `sd`, at most 3 of them."""

    name: str
    mean: float
    sd: float
    weight: float


class Index(msgspec.Struct, frozen=True):
    """Weights and what the training prompts got from them.

    Attributes:
        signs: In the order of SIGNS.
        quantiles: The index's quantiles over the training prompts, evenly spaced from 0 to 1.
        card: What it was learnt from, under which licence, how well it ranks, and the command that makes it.
    """

    signs: tuple[Sign, ...]
    quantiles: tuple[float, ...]
    card: dict[str, object] = msgspec.field(default_factory=dict)

    def parts(self, values: Sequence[float]) -> list[float]:
        """What every sign adds; their sum is the index."""
        return [
            s.weight * min(max((v - s.mean) / s.sd, -_CLIP), _CLIP)
            for v, s in zip(values, self.signs, strict=True)
        ]

    def need(self, index: float) -> float:
        """Rank of an index among the training prompts, 0..1, linear between quantiles."""
        q = self.quantiles
        at = bisect_right(q, index)
        if at == 0:
            return 0.0
        if at == len(q):
            return 1.0
        return (at - 1 + (index - q[at - 1]) / (q[at] - q[at - 1])) / (len(q) - 1)


def load_index(path: Path = SHIPPED) -> Index:
    """Read an index.

    Raises:
        ConfigError: There is none, or it was learnt on other signs.
    """
    try:
        index = msgspec.json.decode(path.read_bytes(), type=Index)
    except (OSError, msgspec.MsgspecError) as e:
        raise ConfigError(f"the cold-start weights {path.name!r} can't be read: {type(e).__name__}") from e
    if tuple(s.name for s in index.signs) != SIGNS:
        raise ConfigError(
            f"the cold-start weights {path.name!r} were learnt on other signs; learn them again"
        )
    return index


def top_reasons(parts: Sequence[float], *, n: int) -> tuple[str, ...]:
    """Up to `n` signs that raised the index most, in plain words."""
    ranked = sorted(zip(parts, SIGNS, strict=True), reverse=True)
    return tuple(REASONS[name] for part, name in ranked[:n] if part > 0)
