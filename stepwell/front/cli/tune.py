"""`stepwell tune`: learn a routing policy from outcomes, and say what it can promise."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import Prices, config_of, prices_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.config import Config
    from stepwell.evals.tune.report import TuneReport
    from stepwell.evals.tune.rows import Outcomes
    from stepwell.evals.tune.run import Tuned

_N_BATCH = 512
_SHOWN = ("APGR", "CPT50", "CPT80", "AIQ")


def run(args: Namespace) -> int:
    """Exit code 0: the learned policy keeps the promise; 1: it was refused, and the policy is what keeps it."""
    _needs_sklearn()
    from stepwell.evals.tune.rows import read_outcomes
    from stepwell.evals.tune.run import TuneOptions, tune

    config = config_of(args)
    tiers = [t.strip() for t in args.tiers.split(",")] if args.tiers else None
    outcomes = read_outcomes(_lines(args.outcomes), tiers)
    from stepwell.base.embedding import embedder_name

    vectors = None if args.no_embedding else _embedded(config, outcomes)
    options = TuneOptions(
        min_quality=args.min_quality,
        max_usd=args.max_usd,
        prices=prices_of(args.prices),
        embedder="" if vectors is None else embedder_name(config.embedding),
        seed=args.seed,
        command=_command(args),
        data=", ".join(Path(p).name for p in args.outcomes),
        licence=args.licence or "",
    )
    terminal.say(f"learning from {len(outcomes):,} rows of {', '.join(outcomes.tiers)}")
    tuned = tune(outcomes, vectors, options, listed=_listed(config, outcomes.tiers))
    _write(args, tuned)
    return Exit.OK if tuned.promise.by == "router" else Exit.NO


def _needs_sklearn() -> None:
    import importlib.util

    if importlib.util.find_spec("sklearn") is None:
        raise UsageError("tuning needs scikit-learn: pip install 'stepwell[tune]'")


def _lines(paths: Sequence[str]) -> Iterator[str]:
    """Lines of all files; .gz too, and - for stdin."""
    import gzip

    for path in paths:
        if path == "-":
            yield from sys.stdin
        elif path.endswith(".gz"):
            with gzip.open(path, "rt", encoding="utf-8") as file:
                yield from file
        else:
            with Path(path).open(encoding="utf-8") as file:
                yield from file


def _embedded(config: Config, outcomes: Outcomes) -> NDArray[np.float32]:
    import numpy as np

    from stepwell.base.embedding import embed_for_routing, load_embedder

    embedder = load_embedder(config.embedding)
    prompts = outcomes.prompts
    made = []
    with terminal.progress("embedding") as show:
        for at in range(0, len(prompts), _N_BATCH):
            made.append(embed_for_routing(embedder, prompts[at : at + _N_BATCH]))
            show(min(at + _N_BATCH, len(prompts)), len(prompts))
    return np.concatenate(made)


def _listed(config: Config, tiers: Sequence[str]) -> Prices:
    """Prices of the configured tiers of these names, else of the catalogue's models."""
    import asyncio

    from stepwell.base.catalogue import card
    from stepwell.build import build

    found: Prices = {}
    for name in tiers:
        known = card(name)
        if known is not None and known.usd_per_1m_input is not None and known.usd_per_1m_output is not None:
            found[name] = (known.usd_per_1m_input, known.usd_per_1m_output)
    if any(t in config.tiers for t in tiers):
        pipeline = build(config)
        for info in pipeline.router.tiers:
            if info.usd_per_1m_input is not None and info.usd_per_1m_output is not None:
                found[info.name] = (info.usd_per_1m_input, info.usd_per_1m_output)
        asyncio.run(pipeline.close())
    return found


def _command(args: Namespace) -> str:
    """The command as it can be given again; files by name only."""
    names = [Path(p).name for p in args.outcomes]
    asked = ["--min-quality", f"{args.min_quality:g}", "--seed", str(args.seed)]
    for name in ("tiers", "prices", "max_usd"):
        value = getattr(args, name)
        if value is not None:
            asked += [f"--{name.replace('_', '-')}", str(value)]
    if args.no_embedding:
        asked.append("--no-embedding")
    return shlex.join(["stepwell", "tune", *names, *asked])


def _write(args: Namespace, tuned: Tuned) -> None:
    out = Path(args.out)
    tuned.save(out)
    if args.report:
        from stepwell.evals.tune.page import page

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
