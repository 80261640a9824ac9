"""The learned policy as the router asks it."""

from __future__ import annotations

import math
import os
from bisect import bisect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import ConfigError
from stepwell.router.learned.bundle import Bundle, load_bundle
from stepwell.router.learned.inputs import read_inputs
from stepwell.router.learned.model import TRAITS_WEIGHT
from stepwell.router.learned.reach import reaches_of
from stepwell.router.policy.base import Estimates
from stepwell.router.traits import TRAITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.router.features import Ask
    from stepwell.router.learned.inputs import Inputs
    from stepwell.router.learned.model import Reading
    from stepwell.router.tierinfo import TierInfo

    Matrix = NDArray[np.float32]

_N_NEAREST = 6
_LEAST_TRUST = 0.5  # under it p_ok is mostly the tiers' means, and a price would send all to one tier
_MOST = 0.8  # of the nearest: with fewer the ask lies between kinds
_RIGHT = 0.5  # a score from here on counts as a right answer in the reasons
_MIN_DOUBT = 0.005  # less would be told as 0 %


class Learned:
    """p_ok from outcomes of one's own traffic.

    Same ask and vector, same estimates. Without a vector it reads the words and traits alone, and says so; far
    from all known traffic it fades to each tier's mean, and says so.
    """

    name = "learned"

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._tiers = bundle.card.tiers
        self._places = {tier: i for i, tier in enumerate(self._tiers)}
        self._needs = bundle.needs.tolist()
        self._slopes = bundle.lengths[1:] / np.float32(TRAITS_WEIGHT)
        self.needs_vector = bundle.model.vectorial is not None
        self._reaches = reaches_of(bundle)

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        *,
        tiers: Sequence[str] | None = None,
        embedder: str | None = None,
    ) -> Learned:
        """From a folder that `stepwell tune` wrote; see `load_bundle`.

        Raises:
            ConfigError: It can't be read, or is for other traits, tiers or another embedder.
        """
        return cls(load_bundle(folder, tiers=tiers, embedder=embedder))

    def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        """p_ok of every tier, with the reasons.

        Raises:
            ConfigError: The policy does not know one of `tiers`.
        """
        vector = self._vector(ask.vector) if self.needs_vector else None
        return self.estimate_inputs(read_inputs([ask], vector), tiers)

    def estimate_inputs(self, inputs: Inputs, tiers: Sequence[TierInfo]) -> Estimates:
        """As `estimate`, of one ask that was read before.

        Raises:
            ConfigError: The policy does not know one of `tiers`.
        """
        reading = self.bundle.model.read(inputs)
        p_ok = reading.p_ok[0].tolist()
        try:
            of_tiers = {tier.name: p_ok[self._places[tier.name]] for tier in tiers}
        except KeyError as e:
            raise ConfigError(f"the learned policy does not know the tier {e}") from None
        nearest, said = self._neighbours(reading)
        scored = self._scored_near(reading)
        price, mix, stands_in = self._kept_by(reading, tiers, scored)
        lengths = self._lengths_of(reading.weighted)
        return Estimates(
            p_ok=of_tiers,
            reasons=(*self._reasons(reading), *stands_in, *said),
            policy=self.name,
            n_output_tokens=lengths.get(self._tiers[-1]),
            n_output_tokens_by_tier=lengths or None,
            need=bisect(self._needs, p_ok[-1] - p_ok[0]) / len(self._needs),
            novelty=None if reading.novelty is None else float(reading.novelty[0]),
            nearest=nearest,
            price=price,
            mix=mix,
            knows=frozenset() if mix else scored,  # a mix looks at no ask
        )

    def _scored_near(self, reading: Reading) -> frozenset[str]:
        """Tiers that were scored on most of the nearest known requests, and near enough; none off the known road.

        Elsewhere p_ok of a tier is little but its mean over other kinds of ask.
        """
        if reading.nearest is None or reading.far is None or reading.novelty is None:
            return frozenset()
        if float(reading.trust[0]) < _LEAST_TRUST:
            return frozenset()
        shares = 1 - np.isnan(self.bundle.known.scores[reading.nearest[0]]).mean(axis=0)
        far = float(reading.far[0])
        each = zip(self._tiers, shares.tolist(), self._reaches, strict=True)
        return frozenset(t for t, share, reach in each if share >= _MOST and far <= reach)

    def _kept_by(
        self, reading: Reading, tiers: Sequence[TierInfo], scored: frozenset[str]
    ) -> tuple[float | None, Mapping[str, float] | None, list[str]]:
        """The tuned price; or, where that was not tested, the mix that was, and a reason that says so.

        A mix looks at no ask: the share of a narrow tier in it is the dearest's. Where a narrow tier was never scored,
        and the tuning took it for any other, nothing was tested: the dearest answers.
        """
        card = self.bundle.card
        is_fading = reading.novelty is None or float(reading.trust[0]) < _LEAST_TRUST
        odd = [t.name for t in tiers if t.is_narrow and t.name not in (*card.narrow, *scored)]
        wide = [t.name for t in tiers if not t.is_narrow]
        if odd and wide and (card.price is not None or card.mix) and not is_fading:
            said = f"no outcomes of {', '.join(odd)} on asks like this: what was tuned was not tested here"
            return None, {wide[-1]: 1.0}, [said]
        is_tested = not self.needs_vector or reading.novelty is not None
        if card.price is None or (is_tested and float(reading.trust[0]) >= _LEAST_TRUST):
            return card.price, card.mix and _without_narrow(card.mix, tiers), []
        mix = _without_narrow(card.fallback or {self._tiers[-1]: 1.0}, tiers)
        return None, mix, [f"the tested mix stands in: {self._spread(mix)}"]

    def _spread(self, mix: Mapping[str, float]) -> str:
        return ", ".join(f"{share:.0%} {tier}" for tier, share in mix.items())

    def _vector(self, vector: object | None) -> Matrix | None:
        """As one row; None where it is missing or of another width than the policy's."""
        known = self.bundle.model.vectorial
        if vector is None or known is None:
            return None
        row = np.asarray(vector, dtype=np.float32)
        return row[None, :] if row.shape == (known.memory.shape[1] - len(TRAITS),) else None

    def _reasons(self, reading: Reading) -> list[str]:
        if reading.novelty is None:
            return ["no embedding: read from words and form alone"] if self.needs_vector else []
        doubt = 1 - float(reading.trust[0])
        return (
            [f"unlike known traffic: {doubt:.0%} of p_ok is the tiers' mean"] if doubt >= _MIN_DOUBT else []
        )

    def _neighbours(self, reading: Reading) -> tuple[tuple[str, ...], list[str]]:
        """Ids of the nearest known requests, and how the cheapest and the dearest tier did on them."""
        if reading.nearest is None:
            return (), []
        places = reading.nearest[0, :_N_NEAREST]
        known = self.bundle.known
        said = []
        for at in dict.fromkeys((0, len(self._tiers) - 1)):
            scores = [s for s in known.scores[places, at].tolist() if not math.isnan(s)]
            n_right = sum(s >= _RIGHT for s in scores)
            if scores:
                said.append(f"{n_right} of {len(scores)} nearest were right on {self._tiers[at]}")
        return tuple(known.ids[i] for i in places), said

    def lengths(self, traits: Matrix) -> dict[str, int]:
        """Expected tokens of each tier's answer, where known."""
        return self._lengths_of(self.bundle.model.weighted(traits))

    def _lengths_of(self, weighted: Matrix) -> dict[str, int]:
        logs = (self.bundle.lengths[0] + weighted[0] @ self._slopes).tolist()
        return {
            tier: max(round(math.exp(min(log, 12.0))), 1)
            for tier, log in zip(self._tiers, logs, strict=True)
            if not math.isnan(log)
        }


def _without_narrow(mix: Mapping[str, float], tiers: Sequence[TierInfo]) -> Mapping[str, float]:
    """The mix with the shares of narrow tiers at the dearest that is none."""
    shares = [t.name for t in tiers if t.is_narrow and t.name in mix]
    wide = [t.name for t in tiers if not t.is_narrow]
    if not shares or not wide:
        return mix
    moved = sum(mix[name] for name in shares)
    kept = {name: share for name, share in mix.items() if name not in shares}
    return {**kept, wide[-1]: kept.get(wide[-1], 0.0) + moved}
