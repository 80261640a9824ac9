"""`stepwell local collect`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.evals.finetune.data.collect import Collected
    from stepwell.evals.finetune.data.example import Example
    from stepwell.evals.finetune.data.where import Where


def run(args: Namespace) -> int:
    """Exit code 1: nothing could be taken."""
    from stepwell.evals.finetune.data.collect_suite import apart
    from stepwell.evals.finetune.data.example import FinetuneError, write_examples
    from stepwell.evals.suite import SuiteError

    if not (args.traffic or args.suite or args.run):
        raise UsageError("name traffic, --suite or --run to collect from")
    try:
        parts = list(_parts(args, config_of(args)))
        examples = [_formed(e, args) for e in apart(part.examples for part in parts)]
        if examples:
            write_examples(Path(args.out), examples)
    except (FinetuneError, SuiteError) as e:
        raise UsageError(str(e)) from e
    _tell(parts, len(examples), args)
    return Exit.OK if examples else Exit.NO


def _parts(args: Namespace, config: Config) -> Iterator[Collected]:
    from stepwell.evals.finetune.data.collect_suite import collect_run, collect_suite
    from stepwell.evals.suite import Suite
    from stepwell.front.cli.eval_run import fields_of

    for path in args.traffic:
        yield _of_traffic(path, args, config)
    for name in args.suite:
        suite = Suite.load(name, format=args.format, fields=fields_of(args.fields) or None)
        yield collect_suite(suite)
    if args.run and not args.arm:
        raise UsageError("--run wants --arm: whose answers?")
    for folder in args.run:
        yield collect_run(folder, args.arm, min_score=args.min_score or None)


def _of_traffic(path: str, args: Namespace, config: Config) -> Collected:
    from stepwell.evals.finetune.data.collect import collect_traffic
    from stepwell.evals.finetune.data.consent import Consent
    from stepwell.front.cli.eval_traffic import read_traffic, with_feedback

    consented = Consent.of(config.finetune.consented_tenants)
    log = read_traffic(path, config, format=args.traffic_format, models=args.map)
    return collect_traffic(
        with_feedback(log.rows, config),
        consented=consented,
        tier=args.tier,
        where=_where(args),
        checks=config.traffic.checks,
        needs_one_try=not args.any_try,
        source=Path(path).name,
    )


def _where(args: Namespace) -> Where:
    from stepwell.evals.finetune.data.where import Where

    return Where(
        rule=args.rule,
        response_format=args.response_format,
        like=args.like,
        since_s=_time(args.since, "--since"),
        until_s=_time(args.until, "--until"),
    )


def _time(given: str | None, option: str) -> float | None:
    from stepwell.evals.traffic.plain import seconds

    found = None if given is None else seconds(given)
    if given is not None and found is None:
        raise UsageError(f"{option}: want a date as 2026-11-21 or Unix seconds, not {given!r}")
    return found


def _formed(example: Example, args: Namespace) -> Example:
    import msgspec

    from stepwell.evals.finetune.data.answers import as_json

    answer = example.answer if args.as_json is None else as_json(example.answer, args.as_json)
    licence = example.licence or args.licence
    return msgspec.structs.replace(example, answer=answer, licence=licence)


def _tell(parts: list[Collected], n: int, args: Namespace) -> None:
    if args.json:
        terminal.say_json({"n_examples": n, "out": args.out, "sources": [part.told for part in parts]})
        return
    for part in parts:
        print(part.told.said)
    if n:
        terminal.say(f"{n:,} examples: {args.out}; then: stepwell local curate {args.out} --out DATASET")
    else:
        terminal.say("nothing to learn from; no file was written")
