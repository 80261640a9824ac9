"""`stepwell eval import|from-traffic|replay|compare`: the work on logged traffic."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from stepwell.front.cli import terminal
from stepwell.front.cli.aside import unasked
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import Lines, config_of, prices_of, tiers_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.evals.traffic.redecide import NewPolicy
    from stepwell.evals.traffic.rows import Log
    from stepwell.traffic_line import Logged

_N_SHOWN = 5
COLD = "coldstart"


def run_import(args: Namespace) -> int:
    """Exit code 3: more records could not be read than could."""
    from stepwell.base.messages import encode_json
    from stepwell.evals.traffic.masked import masked_rows, without_text

    config = config_of(args)
    log = _read(args, config)
    rows = (without_text if args.no_text else masked_rows)(log.rows, config.traffic.checks)
    n, n_text = 0, 0
    with _private(args.out) as out:
        for row in rows:
            n, n_text = n + 1, n_text + bool(row.messages)
            out.write(encode_json(row) + b"\n")
    terminal.say(f"{n:,} requests of {log.format}: {args.out}; {n_text:,} with masked text")
    return Exit.INFRASTRUCTURE if len(log.bad) > n else Exit.OK


def run_from_traffic(args: Namespace) -> int:
    """Exit code 2: nothing in it can be asked again."""
    from stepwell.base.messages import encode_json
    from stepwell.evals.traffic.suite_of import SuiteOptions, suite_of

    config = config_of(args)
    by = tiers_of(args.stratify) or []
    options = SuiteOptions(
        n=args.n, by=tuple(by), seed=args.seed, rubric=args.rubric, checks=tuple(config.traffic.checks)
    )
    made = suite_of(with_feedback(_read(args, config).rows, config), options)
    with _private(args.out) as out:
        for line in made.lines:
            out.write(encode_json(line) + b"\n")
    if args.json:
        terminal.say_json(made.told)
    else:
        for sentence in made.told.said:
            print(sentence)
    terminal.say(f"suite: {args.out}")
    return Exit.OK if made.lines else Exit.USAGE


def run_replay(args: Namespace) -> int:
    """Exit codes: 0 as good or better, 1 worse, 2 not known yet, 3 the log can't be decided again."""
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.traffic.features import Learnt
    from stepwell.evals.traffic.redecide import redecide
    from stepwell.evals.traffic.replay import replayed
    from stepwell.evals.traffic.rows import with_scores
    from stepwell.front.cli.eval_traffic_told import tell_replay

    config, margin = config_of(args), _margin(args)
    policy = _policy(args, unasked(config))
    log = _read(args, config)
    rows = with_scores(with_feedback(log.rows, config), _scores_of(args.outcomes))
    found = list(redecide(rows, policy, lambda: load_embedder(config.embedding)))
    report = replayed(
        found,
        policy=Path(policy.name).name,
        n_logged=len(rows),
        n_bad=len(log.bad),
        learnt=None if policy.learned is None else Learnt.of(policy.name),
        margin=margin,
    )
    if args.json:
        terminal.say_json(report.as_dict())
    else:
        tell_replay(report)
    return report.exit_code


def run_compare(args: Namespace) -> int:
    """Exit codes: 0 as good as the dearest tier or better, 1 worse, 2 not known yet."""
    from stepwell.base.embedding import embedder_name, load_embedder
    from stepwell.evals.traffic.routed import compare_routed
    from stepwell.front.cli.eval_traffic_told import tell_compared

    config = unasked(config_of(args))
    report = compare_routed(
        list(_outcome_lines(args.run)),
        [folder.removeprefix("learned:") for folder in tiers_of(args.policy) or []],
        config,
        embedder=embedder_name(config.embedding),
        load=lambda: load_embedder(config.embedding),
        tiers=tiers_of(args.tiers),
        prices=prices_of(args.prices),
        margin=None if args.margin is None else _margin(args),
    )
    if args.json:
        terminal.say_json(report.as_dict())
    else:
        tell_compared(report)
    return report.exit_code


def _read(args: Namespace, config: Config) -> Log:
    return read_traffic(args.log, config, format=args.format, models=args.map)


def read_traffic(path: str, config: Config, *, format: str | None, models: str | None) -> Log:
    """The log, with tiers in place of models; says what could not be read.

    Args:
        format: One of `rows.FORMATS`; anything else: by the first records.
        models: As `--map` has them.

    Raises:
        UsageError: It can't be read.
    """
    from stepwell.evals.traffic.records import TrafficError
    from stepwell.evals.traffic.rows import FORMATS, read_log, renamed, tiers_by_model

    named = next((f for f in FORMATS if f == format), None)
    try:
        log = read_log(path, named)
    except TrafficError as e:
        raise UsageError(str(e)) from e
    if log.format != "stepwell" or models:
        log.rows = renamed(log.rows, {**tiers_by_model(config), **_map_of(models)})
    for bad in log.bad[:_N_SHOWN]:
        terminal.say(f"{path}, record {bad.line}: {bad.why}; left out")
    if len(log.bad) > _N_SHOWN:
        terminal.say(f"{len(log.bad):,} records left out in all")
    return log


def _map_of(given: str | None) -> dict[str, str]:
    """`gpt-4.1=premium,gpt-4.1-mini=standard`."""
    found = {}
    for part in given.split(",") if given else ():
        model, mark, tier = part.rpartition("=")
        if not mark or not model.strip() or not tier.strip():
            raise UsageError(f"--map: {part!r} is not MODEL=TIER")
        found[model.strip()] = tier.strip()
    return found


def with_feedback(rows: Sequence[Logged], config: Config) -> tuple[Logged, ...]:
    """Rows with what people said of them, where the configuration takes feedback and some has come."""
    from stepwell.evals.traffic.rows import with_scores
    from stepwell.front.cli.feedback import opened

    if config.feedback.path is None or not Path(config.feedback.path).is_file():
        return tuple(rows)
    with opened(config) as store:
        return with_scores(rows, _by_id(store.rows()))


def _scores_of(path: str | None) -> dict[str, dict[str, float]]:
    """Raises:
    UsageError: A line is no JSON, or a score is none; names the line.
    """
    import msgspec

    rows: list[object] = []
    for n, line in enumerate(_outcome_lines(path) if path is not None else (), start=1):
        try:
            rows += [msgspec.json.decode(line)] if line.strip() else []
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UsageError(f"{path}, line {n}: not JSON") from None
        if not all(0 <= score <= 1 for of in _by_id(rows[-1:]).values() for score in of.values()):
            raise UsageError(f"{path}, line {n}: a score is from 0 to 1")
    return _by_id(rows)


def _by_id(rows: Iterable[object]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("scores"), dict):
            scores = {str(t): float(s) for t, s in row["scores"].items() if isinstance(s, bool | int | float)}
            found.setdefault(str(row.get("id")), {}).update(scores)
    return found


def _outcome_lines(path: str) -> Iterator[bytes]:
    """Of a run's folder, or of a file of outcomes."""
    from stepwell.evals.entries import JournalError
    from stepwell.evals.folder import RunFolder
    from stepwell.evals.tune.from_journal import outcomes_of

    if not Path(path).is_dir():
        yield from Lines([path])
        return
    try:
        yield from outcomes_of(RunFolder.of(path))
    except JournalError as e:
        raise UsageError(str(e)) from e


def _policy(args: Namespace, config: Config) -> NewPolicy:
    from stepwell.base.embedding import embedder_name
    from stepwell.evals.traffic.redecide import cold_policy, learned_policy

    prices = prices_of(args.prices)
    if args.policy == COLD:
        return cold_policy(config)
    folder = args.policy.removeprefix("learned:")
    return learned_policy(folder, config, embedder=embedder_name(config.embedding), prices=prices)


def _margin(args: Namespace) -> float:
    margin = float(args.margin)
    if not 0 < margin < 1:
        raise UsageError(f"--margin is a difference in quality, above 0 and below 1; got {margin:g}")
    return margin


@contextmanager
def _private(path: str) -> Iterator[BinaryIO]:
    """A file for its owner alone, whole or not at all."""
    fresh = Path(path).with_name(f".{Path(path).name}.part")
    try:
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            yield file
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
