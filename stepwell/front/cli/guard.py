"""`stepwell guard tune|report`: thresholds on one's own traffic."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.guard_tables import show_report, show_tuned
from stepwell.front.cli.inputs import Lines, check_error, config_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.guards.calibrate.rows import Labelled
    from stepwell.guards.calibrate.scores import Embed
    from stepwell.guards.check import Check, Judge


def run_tune(args: Namespace) -> int:
    """Exit code 1: some check has too few honest rows for what was asked; what is written is the safer threshold."""
    from stepwell.guards.calibrate.thresholds import Thresholds
    from stepwell.guards.calibrate.tune import TooFewHonest, tune

    config, budget = _given(args)
    if not 0.5 <= args.confidence < 1:
        raise UsageError(f"--confidence must be at least 0.5 and below 1; got {args.confidence:g}")
    rows = _rows(args)
    reports = []
    for judge, scores in _scored(args, config, rows):
        try:
            found = tune(
                judge.name,
                rows,
                scores,
                shipped=judge.default_threshold,
                false_blocks=budget,
                confidence=args.confidence,
                promise=args.promise,
            )
        except TooFewHonest as e:
            raise UsageError(f"{e}: rows {{text, label: 0}}; the review queue's are no sample") from None
        reports.append(found)
    Thresholds({r.check: r.kept for r in reports}).save(args.out)
    if args.json:
        terminal.say_json(reports)
    else:
        show_tuned(reports, args.confidence, args.promise)
        terminal.say(f"to use it: guards: {{thresholds: {args.out}}}")
    return Exit.OK if all(r.cut.rests_on == "rows" for r in reports) else Exit.NO


def run_report(args: Namespace) -> int:
    from stepwell.guards.calibrate.thresholds import Thresholds
    from stepwell.guards.calibrate.tune import lines_of

    config, budget = _given(args)
    path = args.thresholds or config.guards.thresholds
    tuned = Thresholds.load(path) if path else Thresholds({})
    rows = _rows(args)
    found = []
    for judge, scores in _scored(args, config, rows):
        shipped = judge.default_threshold(budget)
        threshold = tuned.threshold(judge.name, budget)
        own = shipped if threshold is None else threshold
        found.append((judge.name, shipped, threshold, lines_of(judge.name, rows, scores, shipped, own)))
    if args.json:
        keys = ("check", "shipped", "tuned", "lines")
        terminal.say_json([dict(zip(keys, f, strict=True)) for f in found])
    else:
        show_report(found)
    return Exit.OK


def _given(args: Namespace) -> tuple[Config, float]:
    config = config_of(args)
    if args.false_blocks is None:
        return config, config.promises.max_false_blocks
    return config, check_error("--false-blocks", args.false_blocks)


def _rows(args: Namespace) -> list[Labelled]:
    from stepwell.guards.calibrate.rows import read_labelled

    lines = Lines(args.rows)
    with lines.naming():
        return read_labelled(lines)


def _scored(args: Namespace, config: Config, rows: list[Labelled]) -> list[tuple[Judge, list[float]]]:
    from stepwell.guards.calibrate.scores import score_rows

    judges = _judges(config, args.check)
    embed = _embed(config) if any(j.reads_vector for j in judges) else None
    with terminal.progress("judging") as show:
        return list(zip(judges, score_rows(judges, rows, embed, show), strict=True))


def _judges(config: Config, wanted: list[str] | None) -> list[Judge]:
    """With the options of the configuration where it has the check.

    Raises:
        UsageError: One of those wanted has learned nothing.
    """
    from stepwell.guards import checks
    from stepwell.guards.check import Judge

    stages = (config.guards, *config.guards.routes)
    configured = [c for s in stages for name in _STAGES for c in (getattr(s, name) or ())]
    options = {c.check: c.options for c in reversed(configured)}
    names = [n for n in checks.names() if n in (wanted or options or ())]
    judges = [made for n in names if isinstance(made := checks.make(n, options.get(n, {})), Judge)]
    if not judges and not wanted:
        judges = [usable for n in checks.names() if isinstance(usable := _usable(n), Judge)]
    if missing := {*(wanted or ())} - {j.name for j in judges}:
        raise UsageError(f"--check: no check that has learned is named {', '.join(sorted(missing))}")
    return judges


def _usable(name: str) -> Check | None:
    """The check, or None where it needs options or a package that is not installed."""
    from stepwell.base.errors import ConfigError
    from stepwell.guards import checks

    try:
        return checks.make(name, {})
    except ConfigError:
        return None


_STAGES = ("input", "retrieved", "tool_result", "output", "tool_args", "stream")


def _embed(config: Config) -> Embed:
    from stepwell.base.embedding import load_embedder

    return load_embedder(config.embedding).embed
