"""`stepwell eval drift`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.aside import unasked
from stepwell.front.cli.exits import UsageError
from stepwell.front.cli.inputs import config_of, embed_with, tiers_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.evals.shift.report import ShiftReport
    from stepwell.evals.shift.traffic import Guess, Traffic
    from stepwell.router.features import Ask

_EXITS = {"no drift": 0, "drift": 1, "unsure": 2, "too few rows": 2}


def run_drift(args: Namespace) -> int:
    """0: no drift of note; 1: drift; 2: too few rows to say."""
    from stepwell.evals.shift.lines import ShiftError
    from stepwell.evals.shift.words import told

    _check(args)
    try:
        report = _compared(args, config_of(args))
    except ShiftError as e:
        raise UsageError(str(e)) from e
    if args.json:
        terminal.say_json(report.as_dict())
    else:
        for line in told(report):
            print(line)
    return _EXITS[report.word]


def _check(args: Namespace) -> None:
    if not 0 < args.alpha < 0.5:
        raise UsageError(f"--alpha must be above 0 and below 0.5; got {args.alpha:g}")
    if not 0 <= args.min_effect < 1:
        raise UsageError(f"--min-effect must be 0 or more and below 1; got {args.min_effect:g}")
    if args.min_rows < 20:
        raise UsageError(f"--min-rows must be at least 20; got {args.min_rows}")
    if args.recorded and args.policy:
        raise UsageError("give one of --recorded, --policy")


def _compared(args: Namespace, config: Config) -> ShiftReport:
    from stepwell.evals.shift.compare import compare_traffic
    from stepwell.evals.shift.lines import read_lines
    from stepwell.evals.shift.traffic import traffic_of

    guess = None if args.recorded else guess_of(args.policy, unasked(config))
    embed = embed_with(config) if args.embed or args.policy else None
    reference, recent = (
        _of_tiers(traffic_of(read_lines(path), guess=guess, embed=embed), tiers_of(args.tiers))
        for path in (args.reference, args.recent)
    )
    return compare_traffic(
        reference,
        recent,
        alpha=args.alpha,
        min_effect=args.min_effect,
        min_rows=args.min_rows,
        seed=args.seed,
    )


def _of_tiers(traffic: Traffic, tiers: Sequence[str] | None) -> Traffic:
    """The same traffic, with what is expected of these tiers alone.

    Raises:
        UsageError: There is no such tier.
    """
    unknown = [tier for tier in tiers or () if tier not in traffic.p_ok]
    if unknown and traffic.p_ok:
        raise UsageError(f"--tiers: no tier {unknown[0]!r}; there are {', '.join(traffic.p_ok)}")
    return replace(traffic, p_ok={t: of for t, of in traffic.p_ok.items() if tiers is None or t in tiers})


def guess_of(folder: str | None, config: Config) -> Guess:
    """What a tuned policy, or the cold start over the configured tiers, says of an ask.

    Raises:
        ConfigError: The policy can't be read.
    """
    from stepwell.base.embedding import embedder_name
    from stepwell.evals.tune.replay_router import cold_router, learned_router
    from stepwell.router.learned.policy import Learned
    from stepwell.router.policy.coldstart import ColdStart

    if folder is None:
        policy: ColdStart | Learned = ColdStart()
        tiers = cold_router(config).tiers
    else:
        name = embedder_name(config.embedding)
        policy = Learned.load(folder, embedder=name)
        tiers = learned_router(folder, config, embedder=name).tiers

    def guess(ask: Ask) -> tuple[dict[str, float], float | None]:
        found = policy.estimate(ask, tiers)
        return dict(found.p_ok), found.need

    return guess
