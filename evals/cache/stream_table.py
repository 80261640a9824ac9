"""Streams beside what others do with them: one table."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stepwell.base.embedding import Embedder
from stepwell.base.errors import BadRequest
from stepwell.evals.cache.arrivals import Arrival, Row, read_arrivals
from stepwell.evals.cache.baselines import gptcache, per_entry, static_in_hindsight
from stepwell.evals.cache.embedded import EmbeddedTexts, PairScorer
from stepwell.evals.cache.stream import StreamReplay
from stepwell.evals.cache.stream_summary import StreamSummary, summarise
from stepwell.memory.cache.gate.gate import Gate

Method = Literal["best static cosine", "GPTCache", "per entry", "Stepwell serve", "Stepwell auto"]


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One method on one stream with one budget. Shares are 0..1; errors are wrong hits / hits.

    Attributes:
        n_orders: Orders of arrival that the figures are means over: the file's own, then shuffled ones.
        hit_rate, error, error_warm: As in StreamSummary; error over the hits of all orders.
        worst_error_warm: Of the orders.
    """

    stream: str
    max_error: float
    method: Method
    n: int
    n_orders: int
    hit_rate: float
    error: float | None
    error_warm: float | None
    worst_error_warm: float | None


def stream_table(
    files: Sequence[Path],
    budgets: Sequence[float],
    *,
    embedder: Embedder,
    verifier: PairScorer | None,
    judge_error: float = 0.0,
    n_orders: int = 1,
    n_compared: int = 1,
) -> list[StreamLine]:
    """Replay each file with each budget by each method; takes about a minute a stream, most of it embedding.

    Args:
        files: JSON Lines, also gzip'ed: arrivals (query, cls) or pairs (cached_query, query, same).
        verifier: None: the gate does without log-odds.
        judge_error: Share of wrong verdicts, for Stepwell alone; it is told that share.
        n_orders: More than 1: the rows are also shuffled, with fixed seeds.
        n_compared: Answers that a miss of Stepwell is compared with, as in StreamReplay.

    Raises:
        BadRequest: A row is of neither kind; it is named by its line.
    """
    lines: list[StreamLine] = []
    for file in files:
        arrivals = read_arrivals(_rows(file))
        texts = EmbeddedTexts(embedder, verifier)
        orders = [_order(arrivals, seed) for seed in range(n_orders)]
        for max_error in budgets:
            for method in _METHODS:
                found = [_run(method, order, texts, max_error, judge_error, n_compared) for order in orders]
                lines.append(_line(file.name.split(".")[0], max_error, method, found))
    return lines


_METHODS: tuple[Method, ...] = (
    "best static cosine",
    "GPTCache",
    "per entry",
    "Stepwell serve",
    "Stepwell auto",
)


def table_rows(lines: Sequence[StreamLine]) -> list[tuple[str, ...]]:
    """The table as text; the first row is its heading."""
    head = ("stream", "budget", "method", "hits", "error", "error after 500", "worst order")
    return [head, *(_cells(line) for line in lines)]


def _cells(line: StreamLine) -> tuple[str, ...]:
    return (
        line.stream,
        f"{line.max_error:.0%}",
        line.method,
        f"{line.hit_rate:.3f}",
        *("-" if x is None else f"{x:.2%}" for x in (line.error, line.error_warm, line.worst_error_warm)),
    )


def _run(
    method: Method,
    arrivals: Sequence[Arrival],
    texts: EmbeddedTexts,
    max_error: float,
    judge_error: float,
    n_compared: int,
) -> StreamSummary:
    if method == "best static cosine":
        return static_in_hindsight(arrivals, texts, max_error=max_error).summary
    if method == "GPTCache":
        return gptcache(arrivals, texts)
    if method == "per entry":
        return per_entry(arrivals, texts, max_error=max_error)
    mode: Literal["auto", "serve"] = "auto" if method == "Stepwell auto" else "serve"
    gate = Gate(max_error, mode, judge_error=judge_error, seed=0)
    replay = StreamReplay(gate, texts, judge_error=judge_error, n_compared=n_compared)
    return summarise(list(replay.run(arrivals)))


def _line(stream: str, max_error: float, method: Method, found: Sequence[StreamSummary]) -> StreamLine:
    n_hits, n_warm = sum(s.n_hits for s in found), sum(s.n_hits_warm for s in found)
    warm = [s.error_warm for s in found if s.error_warm is not None]
    return StreamLine(
        stream,
        max_error,
        method,
        n=found[0].n,
        n_orders=len(found),
        hit_rate=sum(s.hit_rate for s in found) / len(found),
        error=sum(s.n_wrong for s in found) / n_hits if n_hits else None,
        error_warm=sum((s.error_warm or 0.0) * s.n_hits_warm for s in found) / n_warm if n_warm else None,
        worst_error_warm=max(warm, default=None),
    )


def _order(arrivals: list[Arrival], seed: int) -> list[Arrival]:
    import random

    return arrivals if seed == 0 else random.Random(seed).sample(arrivals, len(arrivals))


def _rows(file: Path) -> list[Row]:
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rows: list[Row] = []
    for n, line in enumerate(raw.decode().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise BadRequest(f"Line {n} of {file.name} is not JSON.") from None
        if not isinstance(row, dict):
            raise BadRequest(f"Line {n} of {file.name} is not a JSON object.")
        rows.append(row)
    return rows
