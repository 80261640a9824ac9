"""A tuned router as an arm beside every fixed tier, on outcomes of all tiers that it has not learnt from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.base.config import Config
from stepwell.base.embedding import Embedder
from stepwell.base.errors import BadRequest
from stepwell.evals.traffic.features import Learnt
from stepwell.evals.traffic.redecide import NewPolicy, learned_policy, redecide
from stepwell.evals.traffic.routed_report import Arm, RoutedReport, RouterVerdict
from stepwell.evals.tune.mixing import mix_at, routed_by
from stepwell.evals.tune.rows import Outcomes, cost_matrix, read_outcomes
from stepwell.evals.verdict.fixed import compare
from stepwell.evals.verdict.means import mean_interval
from stepwell.router.traits import TRAITS_HASH
from stepwell.traffic_line import Logged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Prices = Mapping[str, tuple[float, float]]

MARGIN = 0.02
MIX = "random mix"
# with fewer rows that it has not seen there is nothing to tell
MIN_FRESH = 20


@dataclass(frozen=True, slots=True)
class _Router:
    """One router: its name, the policy, and what it learnt from."""

    name: str
    policy: NewPolicy
    learnt: Learnt
    min_quality: float | None


def compare_routed(
    lines: Sequence[bytes],
    folders: Sequence[str],
    config: Config,
    *,
    embedder: str,
    load: Callable[[], Embedder],
    tiers: Sequence[str] | None = None,
    prices: Prices | None = None,
    margin: float | None = None,
) -> RoutedReport:
    """Judge tuned routers on outcomes.

    Args:
        lines: Outcomes, as JSON lines.
        folders: From `stepwell tune`.
        embedder, load: Name of the configured embedder, and what loads it.
        tiers: Cheapest first; None: those of the first policy.
        prices: Where outcomes have no costs; else the policy's own.
        margin: Quality that may be lost against the dearest tier; None: what each tuning promised to keep, else .02.

    Raises:
        BadRequest: Too few rows that no router has learnt from, or a tier of a router has no scores.
        ConfigError: A folder holds no policy, or does not name the rows that it learnt from.
    """
    routers = [
        _opened(folder, name, config, embedder, prices)
        for folder, name in zip(folders, _names(folders), strict=True)
    ]
    cards = [r.policy.learned.bundle.card for r in routers if r.policy.learned is not None]
    if not cards:
        raise BadRequest("name at least one policy", param="policy")
    outcomes = read_outcomes(lines, list(tiers or cards[0].tiers))
    for router, card in zip(routers, cards, strict=True):
        if set(card.tiers) != set(outcomes.tiers):
            said = f"{router.name} routes between {', '.join(card.tiers)}, not {', '.join(outcomes.tiers)}"
            raise BadRequest(f"{said}: routers are compared on the same tiers", param="policy")
    outcomes = outcomes.take(outcomes.is_complete)
    chosen, is_seen = _chosen(outcomes, routers, load)
    fresh = np.flatnonzero(~is_seen)
    if len(fresh) < MIN_FRESH:
        raise BadRequest(
            f"{int(is_seen.sum()):,} of {len(outcomes):,} rows were learnt from, so that these outcomes say nothing "
            "about the policy: run a suite that it has not seen, or tune with --hold-out 0.3",
            param="policy",
        )
    listed = {**cards[0].usd_per_1m, **(prices or {})}
    return _report(
        outcomes.take(fresh), chosen[:, fresh], routers, listed, margin, n_in_sample=int(is_seen.sum())
    )


def _names(folders: Sequence[str]) -> list[str]:
    """The folders' last names where these differ."""
    short = [folder.rstrip("/").rpartition("/")[2] for folder in folders]
    return short if len(set(short)) == len(short) else list(folders)


def _opened(folder: str, name: str, config: Config, embedder: str, prices: Prices | None) -> _Router:
    policy = learned_policy(folder, config, embedder=embedder, prices=prices)
    assert policy.learned is not None
    card = policy.learned.bundle.card
    promised = card.min_quality if card.price is not None or card.mix else None
    return _Router(name, policy, Learnt.of(folder), promised)


def _chosen(
    outcomes: Outcomes, routers: Sequence[_Router], load: Callable[[], Embedder]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The place of the tier that each router takes for each row, and which rows some router has learnt from."""
    made: list[Embedder] = []

    def once() -> Embedder:
        if not made:
            made.append(load())
        return made[0]

    rows = [_logged(outcomes, i) for i in range(len(outcomes))]
    places = np.zeros((len(routers), len(rows)), np.intp)
    is_seen = np.zeros(len(rows), np.bool_)
    for n, router in enumerate(routers):
        for i, found in enumerate(redecide(rows, router.policy, once)):
            if found.new is None:
                raise BadRequest(f"{router.name} can't decide a row: {found.why_not}")
            places[n, i] = outcomes.tiers.index(found.new)
            is_seen[i] |= router.learnt.has(found.features)
    return places, is_seen


def _logged(outcomes: Outcomes, i: int) -> Logged:
    """A row of outcomes as a request that some policy decided."""
    kept = outcomes.kept.get(i)
    row = Logged(str(i), tier="-", n_input_tokens=round(float(outcomes.n_input_tokens[i])))
    if kept is None:
        said: tuple[dict[str, object], ...] = ({"role": "user", "content": outcomes.prompts[i]},)
        return msgspec.structs.replace(row, messages=said)
    vector = b"" if kept.vector is None else kept.vector.astype("<f2").tobytes()
    traits = kept.traits.astype("<f4").tobytes()
    return msgspec.structs.replace(
        row, traits=traits, traits_hash=TRAITS_HASH, vector=vector, embedder=kept.embedder
    )


def _report(
    outcomes: Outcomes,
    chosen: NDArray[np.intp],
    routers: Sequence[_Router],
    listed: Prices,
    margin: float | None,
    *,
    n_in_sample: int,
) -> RoutedReport:
    scores, costs = outcomes.scores, cost_matrix(outcomes, listed)
    premium_usd = float(costs[:, -1].mean())
    fixed = [_arm(t, scores[:, j], costs[:, j], premium_usd) for j, t in enumerate(outcomes.tiers)]
    arms, verdicts = list(fixed), []
    for router, at in zip(routers, chosen, strict=True):
        shares = tuple(float(s) for s in np.bincount(at, minlength=scores.shape[1]) / len(at))
        arm = _arm(router.name, routed_by(at, scores), routed_by(at, costs), premium_usd, shares)
        arms.append(arm)
        verdicts.append(_verdict(outcomes, router, arm, at, costs, margin, fixed))
    return RoutedReport(
        tiers=outcomes.tiers,
        n_given=len(outcomes) + n_in_sample,
        n_in_sample=n_in_sample,
        n_rows=len(outcomes),
        arms=tuple(arms),
        routers=tuple(verdicts),
    )


def _arm(name: str, scores: Floats, costs: Floats, premium_usd: float, shares: tuple[float, ...] = ()) -> Arm:
    low, high = mean_interval(scores.tolist())
    usd = float(costs.mean())
    saved = 1 - usd / premium_usd if premium_usd > 0 else 0.0
    return Arm(name, float(scores.mean()), low, high, usd, saved, shares)


def _verdict(
    outcomes: Outcomes,
    router: _Router,
    arm: Arm,
    at: NDArray[np.intp],
    costs: Floats,
    margin: float | None,
    fixed: Sequence[Arm],
) -> RouterVerdict:
    scores = outcomes.scores
    mix = mix_at(arm.cost_usd, costs, scores)
    by_arm = {t: _by_row(scores[:, j]) for j, t in enumerate(outcomes.tiers)}
    by_arm |= {MIX: _by_row(scores @ np.array(mix)), router.name: _by_row(routed_by(at, scores))}
    allowed = _margin(router, fixed[-1].quality, margin)
    found = compare(by_arm, baseline=router.name, margin=allowed, clusters=_clusters(outcomes))
    pairs = tuple(p.seen_from(router.name) for p in found)
    affordable = [a for a in fixed if a.cost_usd <= arm.cost_usd]
    over_mix = pairs[-1]
    return RouterVerdict(
        router=router.name,
        pairs=pairs,
        margin=allowed,
        mix=mix,
        gain=(over_mix.difference, over_mix.low, over_mix.high),
        best_tier=max(affordable, key=lambda a: a.quality).name if affordable else None,
        is_worth_it=over_mix.low > 0,
    )


def _margin(router: _Router, premium: float, margin: float | None) -> float:
    if margin is not None:
        return margin
    promised = MARGIN if router.min_quality is None else (1 - router.min_quality) * premium
    return max(promised, 1e-9)


def _by_row(scores: Floats) -> dict[str, float]:
    return {str(i): float(s) for i, s in enumerate(scores)}


def _clusters(outcomes: Outcomes) -> dict[str, str] | None:
    """Rows that ask the same go together; None where none do."""
    asks = [" ".join(p.casefold().split()) or f"\0{i}" for i, p in enumerate(outcomes.prompts)]
    return None if len(set(asks)) == len(asks) else {str(i): ask for i, ask in enumerate(asks)}
