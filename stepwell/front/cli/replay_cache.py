"""`stepwell replay cache` over labelled rows: pairs through the verifier, or arrivals through the gate."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from stepwell.base.errors import BadRequest
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import UsageError
from stepwell.front.cli.inputs import check_error

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.evals.cache.arrivals import Arrival, Row
    from stepwell.evals.cache.pairs import PairFigures
    from stepwell.evals.cache.stream import StreamRow
    from stepwell.evals.cache.stream_summary import StreamSummary
    from stepwell.memory.cache.gate.promise import Change

Out = Callable[[dict[str, object]], None]
CLS = "cls"
CACHED = "cached_query"


def replay_cache(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    """Number of bad rows. Pairs where the first row has a `cached_query`, a stream with --judge, prompts else."""
    first, lines = peeked(lines)
    if args.judge is not None:
        return _stream(args, config, lines, out)
    if '"cached_query"' in first:
        return _pairs(config, lines, out)
    from stepwell.evals.replay import run_replay

    return run_replay("cache", lines, config=config, out=out)


def peeked(lines: Iterable[str]) -> tuple[str, Iterable[str]]:
    """The first line that is not blank, and all lines."""
    rest = iter(lines)
    begin: list[str] = []
    for line in rest:
        begin.append(line)
        if line.strip():
            break
    return (begin[-1] if begin else ""), chain(begin, rest)


def _pairs(config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.cache.pairs import pair_figures, replay_pairs
    from stepwell.memory.cache.verifier import Verifier

    rows: list[dict[str, Any]] = []
    n_bad = 0
    for row in replay_pairs(lines, Verifier.load(config.cache.verifier), load_embedder(config.embedding)):
        out(row)
        n_bad += "error" in row
        if row.get("same") in (0, 1) and "score" in row:
            rows.append({k: row[k] for k in ("same", "score", "cosine", "kind") if k in row})
    if any(row["same"] for row in rows) and not all(row["same"] for row in rows):
        for line in said_of_pairs(pair_figures(rows), pair_figures(rows, by="cosine")):
            terminal.say(line)
    return n_bad


def said_of_pairs(figures: PairFigures, cosine: PairFigures) -> list[str]:
    """What the score is worth, beside the plain cosine."""
    kinds = ", ".join(f"{kind} {share:.1%}" for kind, share in figures.false_hits_by_kind.items())
    return [
        f"{figures.n:,} labelled pairs, {figures.n_same:,} the same",
        f"AUROC {figures.auc:.3f} [{figures.low:.3f}, {figures.high:.3f}]; cosine {cosine.auc:.3f}",
        f"at the cut that keeps 90 % of the same: {figures.false_hits:.1%} of the others would be served; "
        f"by cosine {cosine.false_hits:.1%}",
        *([f"by kind: {kinds}"] if len(figures.false_hits_by_kind) > 1 else []),
    ]


def _stream(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.cache.embedded import EmbeddedTexts
    from stepwell.evals.cache.stream import StreamReplay
    from stepwell.evals.cache.stream_summary import summarise
    from stepwell.memory.cache.gate.gate import Gate
    from stepwell.memory.cache.verifier import Verifier

    if args.judge != CLS:
        raise UsageError("--judge names the column with the class; only cls is known")
    max_error = (
        config.promises.max_cache_error
        if args.max_error is None
        else check_error("--max-error", args.max_error)
    )
    check_error("--judge-error", args.judge_error, is_zero_allowed=True)
    mode: Literal["auto", "serve"] = "serve" if config.cache.semantic == "serve" else "auto"
    arrivals, n_bad = _arrivals(lines, out)
    if not arrivals:
        if not n_bad:
            raise UsageError(f"{args.file}: no rows")
        return n_bad
    texts = EmbeddedTexts(load_embedder(config.embedding), Verifier.load(config.cache.verifier))
    gate = Gate(
        max_error, mode, audit_share=config.cache.audit_share, judge_error=args.judge_error, seed=args.seed
    )
    replay = StreamReplay(
        gate, texts, judge_error=args.judge_error, n_compared=1 if args.judge_error else 2, seed=args.seed
    )
    rows = []
    for row in replay.run(arrivals):
        out(_row(row))
        rows.append(row)
    for line in said_of_stream(summarise(rows), replay.changes, max_error):
        terminal.say(line)
    return n_bad


def _arrivals(lines: Iterable[str], out: Out) -> tuple[list[Arrival], int]:
    """What arrives, and how many rows were bad: each gives {"line", "error"}, which shows nothing of its text."""
    from stepwell.evals.cache.arrivals import read_arrivals

    rows: list[Row] = []
    n_bad = 0
    for n, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(_checked(line, rows[0] if rows else None))
        except BadRequest as e:
            n_bad += 1
            out({"line": n, "error": str(e)})
    return read_arrivals(rows), n_bad


def _checked(line: str, first: Row | None) -> Row:
    """One row that can stand beside the first; raises BadRequest."""
    from stepwell.evals.cache.arrivals import read_arrivals

    try:
        row = msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise BadRequest("not a JSON object") from None
    if first is not None and (CACHED in row) is not (CACHED in first):
        raise BadRequest("pairs and arrivals are mixed: the first row is of the other kind")
    read_arrivals([row])
    return row


def _row(row: StreamRow) -> dict[str, object]:
    return {
        "n": row.n,
        "status": row.status,
        "p_same": None if row.p_same is None else round(row.p_same, 4),
        "similarity": None if row.similarity is None else round(row.similarity, 4),
        "was_wrong": row.was_wrong,
    }


def said_of_stream(
    summary: StreamSummary, changes: Iterable[tuple[int, Change]], max_error: float
) -> list[str]:
    """The stream in figures, its warm-up, and when the gate began or stopped to serve."""
    error = "none" if summary.error is None else f"{summary.error:.2%}"
    warm = "none" if summary.error_warm is None else f"{summary.error_warm:.2%}"
    return [
        f"{summary.n:,} arrivals, {summary.n_exact:,} of them exact repeats",
        f"hits by meaning {summary.n_hits:,} ({summary.hit_rate:.1%}), wrong {summary.n_wrong:,}: error {error} "
        f"[{summary.error_low:.2%}, {summary.error_high:.2%}] of {max_error:.1%} allowed; after 500 arrivals {warm}",
        f"in shadow {summary.n_shadow:,} more, wrong {summary.n_shadow_wrong:,}; audits {summary.n_audits:,}",
        "warm-up, hit rate by 250 arrivals: " + " ".join(f"{w.hit_share:.2f}" for w in summary.warm_up),
        *(f"at arrival {n:,}: {change.old} -> {change.new}: {change.why}" for n, change in changes),
    ]
