"""Which share of asks keeps its tier under noise, decided by the router as it serves: vectors and mixes included."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.base.messages import encode_json
from stepwell.evals.tune.noise import NOISES, disturbed
from stepwell.evals.tune.replay_router import RouterReplay


def tiers_kept(replay: RouterReplay, prompts: Sequence[str], *, seed: int = 0) -> dict[str, float]:
    """By noise: share of prompts for which the router takes the same tier. Blocks; runs outside of any event loop."""
    before = _tiers(replay, prompts)
    found = {}
    for noise in NOISES:
        after = _tiers(replay, [disturbed(p, noise, seed=seed) for p in prompts])
        found[noise] = sum(a == b for a, b in zip(after, before, strict=True)) / len(prompts)
    return found


def _tiers(replay: RouterReplay, prompts: Sequence[str]) -> list[object]:
    rows = replay.rows(encode_json({"prompt": p}).decode() for p in prompts)
    return [row["tier"] for row in rows]
