"""`stepwell eval cache`: what the semantic cache is worth on labelled files, beside other ways to decide."""

from __future__ import annotations

import gzip
import math
import zlib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.base.errors import BadRequest
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import check_error, config_of

if TYPE_CHECKING:
    from stepwell.base.embedding import Embedder
    from stepwell.evals.cache.pairs import PairFigures
    from stepwell.evals.cache.stream_table import StreamLine
    from stepwell.memory.cache.verifier import Verifier

BUDGETS = (0.02, 0.05)
_HEAD = ("pairs", "n", "AUROC", "95 %", "cosine", "false hits at 90 % kept", "cosine", "worst kind")


def run_cache(args: Namespace) -> int:
    """A table of the files with pairs, and one of those with arrivals; pairs with --streams are arrivals, too."""
    from stepwell.base.embedding import load_embedder
    from stepwell.memory.cache.verifier import Verifier

    config = config_of(args)
    budgets = [check_error("--max-error", e) for e in args.max_error or BUDGETS]
    check_error("--judge-error", args.judge_error, is_zero_allowed=True)
    for file in args.files:
        _check_rows(file)
    verifier, embedder = Verifier.load(config.cache.verifier), load_embedder(config.embedding)
    pairs = [f for f in args.files if _holds_pairs(f)]
    streams = [Path(f) for f in args.files if args.streams or f not in pairs]
    made = [] if args.streams else _pair_figures(pairs, verifier, embedder)
    lines = _stream_lines(args, budgets, streams, verifier, embedder) if streams else []
    if args.json:
        terminal.say_json(
            {"pairs": {name: {"score": s, "cosine": c} for name, s, c in made}, "streams": lines}
        )
        return Exit.OK
    _show(made, lines)
    return Exit.OK


def _pair_figures(
    files: list[str], verifier: Verifier, embedder: Embedder
) -> list[tuple[str, PairFigures, PairFigures]]:
    """Of each file, and of all together where there are several: each file's rows weigh the same in sum."""
    from stepwell.evals.cache.pairs import pair_figures, replay_pairs

    made, pool = [], []
    for file in files:
        rows = [row for row in replay_pairs(_lines(file), verifier, embedder) if "score" in row]
        if not rows:
            raise UsageError(f"{file}: no pair that can be read")
        made.append((_name(file), pair_figures(rows), pair_figures(rows, by="cosine")))
        pool.append(rows)
    if len(pool) > 1:
        mixed = _mixed(pool)
        made.append((f"{len(pool)} mixed", pair_figures(mixed), pair_figures(mixed, by="cosine")))
    return made


def _mixed(pool: list[list[dict[str, object]]]) -> list[dict[str, object]]:
    """As many rows of each file, drawn with a fixed seed."""
    import random

    n = min(len(rows) for rows in pool)
    drawn = random.Random(0)
    return [row for rows in pool for row in drawn.sample(rows, n)]


def _stream_lines(
    args: Namespace, budgets: list[float], files: list[Path], verifier: Verifier, embedder: Embedder
) -> list[StreamLine]:
    from stepwell.evals.cache.stream_table import stream_table

    try:
        return stream_table(
            files,
            budgets,
            embedder=embedder,
            verifier=verifier,
            judge_error=args.judge_error,
            n_orders=args.orders,
            n_compared=1 if args.judge_error else 2,
        )
    except BadRequest as e:
        raise UsageError(str(e)) from e


def _show(made: list[tuple[str, PairFigures, PairFigures]], lines: list[StreamLine]) -> None:
    if made:
        terminal.table(_HEAD, [_cells(*one) for one in made])
    if lines:
        from stepwell.evals.cache.stream_table import table_rows

        if made:
            print()
        head, *rows = table_rows(lines)
        terminal.table(head, rows)


def _cells(name: str, score: PairFigures, cosine: PairFigures) -> tuple[str, ...]:
    kind, worst = max(score.false_hits_by_kind.items(), key=lambda item: item[1], default=("-", 0.0))
    return (
        name,
        f"{score.n:,}",
        _told(f"{score.auc:.3f}", score.auc),
        _told(f"[{score.low:.3f}, {score.high:.3f}]", score.low, score.high),
        _told(f"{cosine.auc:.3f}", cosine.auc),
        _told(f"{score.false_hits:.1%}", score.false_hits),
        _told(f"{cosine.false_hits:.1%}", cosine.false_hits),
        f"{kind} {worst:.1%}",
    )


def _told(text: str, *figures: float) -> str:
    """What stands in the table: nothing where too few rows leave a figure unknown."""
    return "-" if any(math.isnan(x) for x in figures) else text


def _check_rows(file: str) -> None:
    """Raises: UsageError: There is none, or the file can't be read to its end; names it."""
    if not sum(1 for _ in _lines(file)):
        raise UsageError(f"{file}: no rows")


def _holds_pairs(file: str) -> bool:
    return '"cached_query"' in next(_lines(file), "")


def _name(file: str) -> str:
    return Path(file).name.split(".")[0]


def _lines(file: str) -> Iterator[str]:
    opener = gzip.open if file.endswith(".gz") else open
    try:
        with opener(file, "rt", encoding="utf-8", errors="replace") as lines:
            yield from (line for line in lines if line.strip())
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise UsageError(f"{file}: damaged: {type(e).__name__}") from e
    except OSError as e:
        raise UsageError(f"{file}: {e.strerror or e}") from e
