"""Where a tier's own confidence may send a request up: what to ask of it, and whether its answer is doubted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.base.messages import Event
from stepwell.router.cascade.climb import Climb
from stepwell.router.cascade.confidence import (
    N_FIRST_TOKENS,
    Calibration,
    Signal,
    is_doubted,
    read_events,
    with_logprobs,
)
from stepwell.router.dispatch import Probe


class Doubt:
    """Reads the confidence of tiers that are calibrated.

    Args:
        max_steps: Up, for one request; with none left nothing is asked and nothing doubted.
    """

    def __init__(self, calibrations: Mapping[str, Calibration], max_steps: int) -> None:
        self._calibrations = calibrations
        self._max_steps = max_steps

    def probe(self, climb: Climb, chain: Sequence[str]) -> Probe | None:
        """What to ask of which tiers of a chain; None where it could change nothing."""
        if climb.n_steps >= self._max_steps or (climb.request.wire.n or 1) > 1:
            return None
        tiers = [name for name in chain if name in self._calibrations and climb.above(name)]
        if not tiers:
            return None

        def is_lost(tier: str, events: list[Event]) -> bool:
            # p_ok falls with the smallest: what a few tokens show, more of them can't mend
            return self._calibrations[tier].a > 0 and self.of(climb, tier, read_events(events))

        return Probe(dict.fromkeys(tiers, with_logprobs(climb.request)), N_FIRST_TOKENS, is_lost)

    def of(self, climb: Climb, tier: str, signal: Signal | None) -> bool:
        """Whether the answer should be given up for a dearer tier's; no signal, no doubt."""
        known = self._calibrations.get(tier)
        if known is None or signal is None or climb.n_steps >= self._max_steps:
            return False
        return is_doubted(climb.decision, climb.above(tier), known.p_ok(signal), known)
