"""`stepwell guard tune|report`: thresholds on one's own traffic."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.guard_tables import show_report, show_tuned, show_use
from stepwell.front.cli.inputs import Lines, check_error, config_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.guards.calibrate.rows import Labelled
    from stepwell.guards.calibrate.scores import Embed
    from stepwell.guards.calibrate.tune import TunedReport
    from stepwell.guards.check import Check, Judge


def run_tune(args: Namespace) -> int:
    """Exit code 1: some check has too few honest rows for what was asked, and what is written is the safer threshold;
    or no threshold keeps the budget, and the shipped one stays.
    """
    from stepwell.guards.calibrate.thresholds import Thresholds

    config, budget = _given(args)
    if not 0.5 <= args.confidence < 1:
        raise UsageError(f"--confidence must be at least 0.5 and below 1; got {args.confidence:g}")
    reports, is_no = _tuned(args, config, budget)
    if args.json:
        terminal.say_json(reports)
    if not reports:
        return Exit.NO
    Thresholds({r.check: r.kept for r in reports}, budget).save(args.out)
    if not args.json:
        show_tuned(reports, args.confidence, args.promise)
        show_use(reports, args.out, budget, config.promises.max_false_blocks)
    return Exit.NO if is_no or any(r.cut.rests_on == "tail" for r in reports) else Exit.OK


def _tuned(args: Namespace, config: Config, budget: float) -> tuple[list[TunedReport], bool]:
    """The reports, and whether the answer to what was asked is no; says which checks keep what is shipped, and why.

    Raises:
        UsageError: There are too few rows for any check.
    """
    from stepwell.guards.calibrate.tune import READS_SOURCES, TooFewHonest, Untuned, tune

    rows = _rows(args)
    reports: list[TunedReport] = []
    untuned: dict[str, Untuned] = {}
    for judge, scores in _scored(args, config, rows):
        asked = {"false_blocks": budget, "confidence": args.confidence, "promise": args.promise}
        try:
            found = tune(
                judge.name, rows, scores, shipped=judge.default_threshold, floor=judge.floor, **asked
            )
        except Untuned as e:
            untuned[judge.name] = e
        else:
            reports.append(found)
    if not reports and all(isinstance(e, TooFewHonest) for e in untuned.values()):
        plain = [e for name, e in untuned.items() if name not in READS_SOURCES]
        why = "; ".join(dict.fromkeys(map(str, plain or untuned.values())))
        raise UsageError(f"{why}: rows {{text, label: 0, documents?}}; the review queue's are no sample")
    for name, why_not in untuned.items():
        terminal.say(f"{name}: {why_not}; the shipped threshold stays")
    is_no = {n for n, w in untuned.items() if n in (args.check or ()) or not isinstance(w, TooFewHonest)}
    return reports, bool(is_no)


def run_report(args: Namespace) -> int:
    from stepwell.guards.calibrate.thresholds import Thresholds
    from stepwell.guards.calibrate.tune import lines_of

    config, budget = _given(args)
    path = args.thresholds or config.guards.thresholds
    tuned = Thresholds.load(path) if path else Thresholds({})
    if args.thresholds and args.false_blocks is None:
        budget = tuned.false_blocks or budget
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
        show_report(found, budget)
    return Exit.OK


def _given(args: Namespace) -> tuple[Config, float]:
    config = config_of(args)
    if args.false_blocks is None:
        return config, config.promises.max_false_blocks
    return config, check_error("--false-blocks", args.false_blocks)


def _rows(args: Namespace) -> list[Labelled]:
    from stepwell.guards.calibrate.rows import read_labelled

    lines = Lines(args.rows)
    with lines.naming(always=True):
        return read_labelled(lines)


def _scored(args: Namespace, config: Config, rows: list[Labelled]) -> list[tuple[Judge, list[float]]]:
    from stepwell.guards.calibrate.scores import score_rows

    judges = _judges(config, args.check)
    embed = _embed(config) if any(j.reads_vector for j in judges) else None
    with terminal.progress("judging") as show:
        return list(zip(judges, score_rows(judges, rows, embed, show), strict=True))


def _judges(config: Config, wanted: list[str] | None) -> list[Judge]:
    """With the options of the configuration where it has the check; some only where they are asked for.

    Raises:
        UsageError: One of those wanted has learned nothing.
    """
    from stepwell.guards import checks
    from stepwell.guards.calibrate.tune import BY_NAME
    from stepwell.guards.check import Judge

    stages = (config.guards, *config.guards.routes)
    configured = [c for s in stages for name in _STAGES for c in (getattr(s, name) or ())]
    options = {c.check: c.options for c in reversed(configured)}
    names = [n for n in checks.names() if n in (wanted or options or ())]
    judges = [made for n in names if isinstance(made := checks.make(n, options.get(n, {})), Judge)]
    if not judges and not wanted:
        judges = [usable for n in checks.names() if isinstance(usable := _usable(n), Judge)]
    if not wanted:
        for name in BY_NAME & options.keys():
            terminal.say(
                f"{name}: its threshold stays; it is looked at where it is asked for: --check {name}"
            )
        judges = [j for j in judges if j.name not in BY_NAME]
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
