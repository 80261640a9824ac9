"""One table: routers side by side, on rows that none of them learned from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune import baselines
from stepwell.evals.tune.rankers import learned_ranker
from stepwell.evals.tune.resample import Ranked, Span, compare_rankings
from stepwell.evals.tune.rows import Outcomes, read_outcomes
from stepwell.router.features import read_ask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Places = NDArray[np.intp]
    Embed = Callable[[Sequence[str]], Matrix]

LEARNED, COLD, COLD_KNOWN = "learned", "cold start", "cold start (learned from these)"
_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """How routers are compared.

    Attributes:
        n_labels: Rows to learn from, at most half; all others are ranked. 0: nothing is learned, all are ranked.
        n_splits: Random draws of these rows; figures and the ends of intervals are means over them.
        has_litellm: Whether to import LiteLLM for its heuristics.
    """

    n_labels: int = 1500
    n_splits: int = 5
    n_resamples: int = 1000
    has_litellm: bool = True
    seed: int = 0


class BenchRow(msgspec.Struct, frozen=True):
    """One router; intervals are None for published figures and for what is known without data."""

    router: str
    apgr: float
    cpt50: float
    cpt80: float
    measured: Ranked | None = None


class BenchTable(msgspec.Struct, frozen=True):
    """One file.

    Attributes:
        n_labels: Learned from, per split; 0 where nothing was.
        n_rows: Ranked, per split.
        weak, strong: Mean scores of the cheapest and the dearest tier.
    """

    name: str
    tiers: tuple[str, ...]
    n_labels: int
    n_rows: int
    weak: float
    strong: float
    rows: tuple[BenchRow, ...]


def bench(
    paths: Iterable[str | os.PathLike[str]],
    *,
    tiers: Sequence[str] | None = None,
    embed: Embed | None = None,
    options: BenchOptions | None = None,
) -> list[BenchTable]:
    """Compare routers on files of outcome rows, one table a file.

    Args:
        tiers: Cheapest first; the first and the last are compared. Without it those that the file names.
        embed: Gives L2-normalised embeddings, shape (n, dim), for the learned policy; None: it reads words alone.

    Raises:
        BadRequest: A file is missing or wrong, or names fewer than two tiers.
    """
    tables = []
    for path in paths:
        outcomes = read_outcomes(path, tiers)
        vectors = None if embed is None else embed(outcomes.prompts)
        tables.append(bench_outcomes(outcomes, vectors, name=Path(path).name, options=options))
    return tables


def bench_outcomes(
    outcomes: Outcomes, vectors: Matrix | None, *, name: str = "", options: BenchOptions | None = None
) -> BenchTable:
    """The same for rows that are read already; `vectors` has a row for each, or is None."""
    options = options or BenchOptions()
    if len(outcomes.tiers) < 2:
        raise BadRequest("There must be two tiers to choose from.", param="tiers")
    whole = np.flatnonzero(outcomes.is_complete)
    rows, vectors = outcomes.take(whole), None if vectors is None else vectors[whole]
    n_labels = min(options.n_labels, len(rows) // 2)
    drawn = _learned_needs(rows, vectors, n_labels, options) if n_labels else [(np.arange(len(rows)), {})]
    fixed = _fixed_needs(rows, has_litellm=options.has_litellm)
    measured = _over_splits(rows.scores, drawn, fixed, options)
    return BenchTable(
        name=name,
        tiers=rows.tiers,
        n_labels=n_labels,
        n_rows=len(rows) - n_labels,
        weak=float(rows.scores[:, 0].mean()),
        strong=float(rows.scores[:, -1].mean()),
        rows=(*_of_measured(measured), BenchRow("zero router", 0.5, 0.5, 0.8), *_published(rows.sources)),
    )


def bench_rows(table: BenchTable) -> list[tuple[str, ...]]:
    """As text; the first row is the heading."""
    heading = ("router", "APGR", "CPT50", "CPT80", f"APGR behind {table.rows[0].router}")
    return [heading, *(_texts(row) for row in table.rows)]


def _learned_needs(
    rows: Outcomes, vectors: Matrix | None, n_labels: int, options: BenchOptions
) -> list[tuple[Places, dict[str, Floats]]]:
    """Of every split the rows left and how much each needs the dearest tier."""
    ranker = learned_ranker(rows, vectors, seed=options.seed)
    drawn: list[tuple[Places, dict[str, Floats]]] = []
    for split in range(options.n_splits):
        order = np.random.default_rng([options.seed, split]).permutation(len(rows))
        seen, rest = order[:n_labels], order[n_labels:]
        _, predict = ranker(seen, rows.scores[seen])
        p_ok = predict(rest)
        drawn.append((rest, {LEARNED: p_ok[:, -1] - p_ok[:, 0]}))
    return drawn


def _fixed_needs(rows: Outcomes, *, has_litellm: bool) -> dict[str, Floats]:
    """By the routers that learn nothing from these rows."""
    policy_knows = _cold_start_sources() & set(rows.sources)
    found = {COLD_KNOWN if policy_knows else COLD: _cold_start(rows.prompts)}
    found["prompt length"] = baselines.length(rows.prompts)
    found["random"] = baselines.chance(rows.ids)
    return found | (baselines.litellm_heuristics(rows.prompts) if has_litellm else {})


def _cold_start(prompts: Sequence[str]) -> Floats:
    from stepwell.router.policy.coldstart import ColdStart

    policy = ColdStart()
    return np.array([policy.estimate(read_ask(p), ()).need or 0.0 for p in prompts])


def _cold_start_sources() -> set[str]:
    """Data sets that the shipped weights were learned from: figures on these are no test of them."""
    from stepwell.router.policy.index import load_index

    data = load_index().card.get("data")
    listed = data if isinstance(data, list) else []
    return {str(d["name"]) for d in listed if isinstance(d, dict) and "name" in d}


def _over_splits(
    scores: Floats,
    drawn: Sequence[tuple[Places, dict[str, Floats]]],
    fixed: dict[str, Floats],
    options: BenchOptions,
) -> dict[str, Ranked]:
    n_each = options.n_resamples
    found = [
        compare_rankings(
            learned | {name: need[rest] for name, need in fixed.items()},
            scores[rest, 0],
            scores[rest, -1],
            n_resamples=n_each,
            seed=options.seed + split,
        )
        for split, (rest, learned) in enumerate(drawn)
    ]
    return {name: _pooled([split[name] for split in found]) for name in found[0]}


def _pooled(splits: Sequence[Ranked]) -> Ranked:
    return Ranked(
        apgr=_mean_span([s.apgr for s in splits]),
        cpt50=_mean_span([s.cpt50 for s in splits]),
        cpt80=_mean_span([s.cpt80 for s in splits]),
        behind=_mean_span([s.behind for s in splits]),
    )


def _mean_span(spans: Sequence[Span]) -> Span:
    """Mean over splits; its interval is the mean of theirs, for splits share most rows that they are measured on."""
    value, low, high = np.array([(s.value, s.low, s.high) for s in spans]).mean(axis=0)
    return Span(float(value), float(low), float(high))


def _of_measured(measured: dict[str, Ranked]) -> list[BenchRow]:
    return [BenchRow(name, r.apgr.value, r.cpt50.value, r.cpt80.value, r) for name, r in measured.items()]


def _published(sources: Sequence[str]) -> list[BenchRow]:
    """RouteLLM's own figures, where the rows are of a data set that it was measured on."""
    there = {s.lower() for s in sources}
    return [
        BenchRow(f"{p.router} (published)", p.apgr, p.cpt50, p.cpt80)
        for p in baselines.ROUTELLM
        if p.dataset in there
    ]


def _texts(row: BenchRow) -> tuple[str, ...]:
    if row.measured is None:
        return (row.router, f"{row.apgr:.3f}", f"{row.cpt50:.3f}", f"{row.cpt80:.3f}", _NOTHING)
    m = row.measured
    behind = (
        _NOTHING if m.behind.value == m.behind.low == m.behind.high == 0 else _span_text(m.behind, sign="+")
    )
    return (row.router, *(_span_text(s) for s in (m.apgr, m.cpt50, m.cpt80)), behind)


def _span_text(span: Span, *, sign: str = "") -> str:
    return f"{span.value:{sign}.3f} [{span.low:{sign}.3f}, {span.high:{sign}.3f}]"
