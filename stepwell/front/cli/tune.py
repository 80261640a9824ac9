"""`stepwell tune`: learn a routing policy from outcomes, and say what it can promise."""

from __future__ import annotations

import itertools
import math
import shlex
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import (
    Lines,
    Prices,
    check_names,
    config_of,
    embed_with,
    needs_sklearn,
    prices_of,
    tiers_of,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.config import Config
    from stepwell.evals.tune.report import TuneReport
    from stepwell.evals.tune.rows import Outcomes
    from stepwell.evals.tune.run import Tuned

_SHOWN = ("APGR", "CPT50", "CPT80", "AIQ")


def run(args: Namespace) -> int:
    """Exit code 0: the learned policy keeps the promise; 1: it was refused, and the policy is what keeps it.

    Also 0 where nothing drifts (--if-drift), and where a policy was refined: the promise is then not tested again.
    """
    _check(args)
    needs_sklearn()
    config = config_of(args)
    if args.if_drift and not _drifts(config):
        return Exit.OK
    runs, paths = _runs_and_files(args.outcomes)
    files = Lines(paths)
    # files first: without costs and --tiers the first row names tiers in order of price
    lines: Iterable[bytes] = itertools.chain(
        files, *map(_of_run, runs), _from_feedback(config) if args.from_feedback else ()
    )
    if args.hold_out:
        lines = _without_held(lines, args.hold_out, args.seed)
    with files.naming():
        return _refine(args, config, lines) if args.refine else _tune(args, config, lines)


def _runs_and_files(named: Sequence[str]) -> tuple[list[str], list[str]]:
    """Folders of runs, and files of outcomes."""
    runs = [path for path in named if path != "-" and Path(path).is_dir()]
    return runs, [path for path in named if path not in runs]


def _of_run(folder: str) -> Iterator[bytes]:
    from stepwell.evals.entries import JournalError
    from stepwell.evals.folder import RunFolder
    from stepwell.evals.tune.from_journal import outcomes_of

    try:
        yield from outcomes_of(RunFolder.of(folder))
    except JournalError as e:
        raise UsageError(str(e)) from e


def _without_held(lines: Iterable[bytes], share: float, seed: int) -> Iterator[bytes]:
    """Leave out a share of the rows, by a hash of the ask, so that `eval compare` has some to judge by."""
    from stepwell.evals.tune.held_out import is_held_out

    return (line for line in lines if not is_held_out(line, share, seed))


def _check(args: Namespace) -> None:
    if not 0 <= args.hold_out < 1:
        raise UsageError(f"--hold-out is a share of the rows, below 1; got {args.hold_out:g}")
    if not args.outcomes and not args.from_feedback:
        raise UsageError("tune from what? name a file of outcomes, or --from-feedback")
    if not 0 < args.min_quality <= 1:
        raise UsageError(
            f"--min-quality is a share of the dearest tier's quality, 0 to 1; got {args.min_quality:g}"
        )
    if args.max_usd is not None and not 0 < args.max_usd < math.inf:
        raise UsageError(f"--max-usd must be more than 0; got {args.max_usd:g}")
    if args.seed < 0:
        raise UsageError(f"--seed must be 0 or more; got {args.seed}")
    prices_of(args.prices)
    if args.refine and (args.report or args.tiers or args.prices):
        raise UsageError(
            "a refined policy keeps its tiers, prices and promise: no --report, --tiers, --prices"
        )


def _drifts(config: Config) -> bool:
    from stepwell.front.cli.feedback import drift_in, opened

    with opened(config) as store:
        found = drift_in(store)
    terminal.say(found.why if found.is_drifting else f"no drift, nothing to do: {found.why}")
    return found.is_drifting


def _from_feedback(config: Config) -> list[bytes]:
    from stepwell.evals.tune.kept import readable
    from stepwell.front.cli.feedback import opened

    with opened(config) as store:
        rows = list(store.rows())
    lines = list(readable(rows))
    left_out = (
        f"; {len(rows) - len(lines):,} left out, kept by another version" if len(lines) < len(rows) else ""
    )
    terminal.say(f"{len(lines):,} outcomes from feedback{left_out}")
    return lines


def _tune(args: Namespace, config: Config, lines: Iterable[bytes]) -> int:
    from stepwell.evals.tune.expected import in_price_order
    from stepwell.evals.tune.rows import read_outcomes
    from stepwell.evals.tune.run import TuneOptions, tune

    named, prices = tiers_of(args.tiers), prices_of(args.prices)
    outcomes = read_outcomes(lines, named)
    check_names(prices, outcomes.tiers)
    listed, narrow = _listed(config, outcomes.tiers)
    outcomes = in_price_order(outcomes, prices, listed, is_named=named is not None)
    outcomes, vectors, embedder = (outcomes, None, "") if args.no_embedding else _embedded(config, outcomes)
    options = TuneOptions(
        min_quality=args.min_quality,
        max_usd=args.max_usd,
        prices=prices,
        narrow=narrow,
        embedder=embedder,
        seed=args.seed,
        command=_command(args),
        data=", ".join(Path(p).name for p in args.outcomes),
        licence=args.licence or "",
    )
    terminal.say(f"learning from {len(outcomes):,} rows of {', '.join(outcomes.tiers)}")
    tuned = tune(outcomes, vectors, options, listed=listed)
    _write(args, tuned)
    return Exit.OK if tuned.promise.by == "router" else Exit.NO


def _refine(args: Namespace, config: Config, lines: Iterable[bytes]) -> int:
    from stepwell.base.embedding import embedder_name
    from stepwell.evals.tune.refined import refine_folder
    from stepwell.evals.tune.rows import read_outcomes
    from stepwell.router.learned.bundle import load_bundle

    bundle = load_bundle(args.refine, embedder=embedder_name(config.embedding))
    outcomes, vectors = read_outcomes(lines, bundle.card.tiers, is_partial=True), None
    if bundle.card.embedder:
        outcomes, vectors, _ = _embedded(config, outcomes)
    out = args.out or args.refine
    card = refine_folder(bundle, args.refine, out, outcomes, vectors).card
    if args.json:
        terminal.say_json(card)
    else:
        print(f"Refined with {len(outcomes):,} rows; it now knows {card.n_rows:,}.")
        print("The promise has not been tested again, and no longer holds: tune from all rows for a new one.")
    terminal.say(f"policy: {out}")
    return Exit.OK


def _embedded(config: Config, outcomes: Outcomes) -> tuple[Outcomes, NDArray[np.float32], str]:
    """Rows with their vectors and the name of the embedder; those without text need a vector by it."""
    from stepwell.base.embedding import embedder_name
    from stepwell.evals.tune.kept import vectors_of

    name = embedder_name(config.embedding)
    rows, vectors = vectors_of(outcomes, embed_with(config), embedder=name)
    if len(rows) < len(outcomes):
        terminal.say(f"{len(outcomes) - len(rows):,} rows left out: neither text nor a vector by {name}")
    return rows, vectors, name


def _listed(config: Config, tiers: Sequence[str]) -> tuple[Prices, frozenset[str]]:
    """Prices of the configured tiers of these names, else of the catalogue's models; and which are fine-tuned."""
    import asyncio

    from stepwell.base.catalogue import card
    from stepwell.build import build

    found: Prices = {}
    for name in tiers:
        known = card(name)
        if known is not None and known.usd_per_1m_input is not None and known.usd_per_1m_output is not None:
            found[name] = (known.usd_per_1m_input, known.usd_per_1m_output)
    narrow: frozenset[str] = frozenset()
    if any(t in config.tiers for t in tiers):
        pipeline = build(config)
        narrow = frozenset(info.name for info in pipeline.router.tiers if info.is_narrow)
        for info in pipeline.router.tiers:
            if info.usd_per_1m_input is not None and info.usd_per_1m_output is not None:
                found[info.name] = (info.usd_per_1m_input, info.usd_per_1m_output)
        asyncio.run(pipeline.close())
    return found, narrow


def _command(args: Namespace) -> str:
    """The command as it can be given again; files by name only."""
    names = [Path(p).name for p in args.outcomes]
    asked = ["--min-quality", f"{args.min_quality:g}", "--seed", str(args.seed)]
    for name in ("tiers", "prices", "max_usd"):
        value = getattr(args, name)
        if value is not None:
            asked += [f"--{name.replace('_', '-')}", str(value)]
    asked += ["--hold-out", f"{args.hold_out:g}"] if args.hold_out else []
    asked += ["--from-feedback"] * args.from_feedback + ["--no-embedding"] * args.no_embedding
    return shlex.join(["stepwell", "tune", *names, *asked])


def _write(args: Namespace, tuned: Tuned) -> None:
    out = Path(args.out or "policy")
    tuned.save(out)
    if args.report:
        from stepwell.evals.tune.page.whole import page

        Path(args.report).write_text(page(tuned.report), encoding="utf-8")
    if args.json:
        terminal.say_json(tuned.report)
    else:
        _tell(tuned.report)
    terminal.say(f"policy: {out}; in stepwell.yaml: routing: {{policy: learned:{out}}}")
    if args.report:
        terminal.say(f"report: {args.report}")


def _tell(report: TuneReport) -> None:
    print(report.verdict.headline)
    for sentence in report.verdict.said:
        print(sentence)
    print()
    figures = [f for f in report.figures if f.measure in _SHOWN]
    rows = [(f.router, f.measure, f"{f.value:.3f}", _between(f.low, f.high)) for f in figures]
    terminal.table(("router", "measure", "value", "95 %"), rows)
    print()
    floors = [
        (f"{f.q:.1%}", f.by, terminal.usd(f.cost_usd), f"{f.saved:.0%}", *(f"{s:.0%}" for s in f.shares))
        for f in report.frontier.floors
    ]
    terminal.table(("floor", "kept by", "cost", "saved", *report.tiers), floors)


def _between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
