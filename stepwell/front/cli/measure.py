"""`stepwell eval router|promise|cascade|noise|confidence`: what routing is worth, measured on a file."""

from __future__ import annotations

import asyncio
import random
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.base.messages import encode_json
from stepwell.front.cli import terminal
from stepwell.front.cli.eval_run import out_folder
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import Lines, config_of, embed_with, needs_sklearn, prices_of, tiers_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepwell.base.config import Config
    from stepwell.evals.confidence import Told
    from stepwell.evals.confidence_report import ConfidenceReport
    from stepwell.evals.suite import Suite
    from stepwell.evals.tune.cascade.study import Study
    from stepwell.evals.tune.rows import Outcomes
    from stepwell.evals.tune.study import PromiseStudy, Ranker

_KEPT = (0.95, 0.99, 1.0)


def run_router(args: Namespace) -> int:
    """One table a file: the learned policy on rows it has not seen, beside what it must beat."""
    needs_sklearn()
    from stepwell.evals.tune.bench import BenchOptions, bench, bench_rows

    options = BenchOptions(
        n_labels=args.labels, n_splits=args.seeds, seed=args.seed, has_litellm=not args.no_litellm
    )
    embed = None if args.no_embedding else embed_with(config_of(args))
    tables = bench(args.outcomes, tiers=tiers_of(args.tiers), embed=embed, options=options)
    if args.json:
        terminal.say_json(tables)
        return Exit.OK
    for n, table in enumerate(tables):
        if n:
            print()
        learnt = f"{table.n_labels:,} labels, " if table.n_labels else ""
        weak, strong = table.tiers[0], table.tiers[-1]
        print(
            f"{table.name}: {weak} {table.weak:.3f}, {strong} {table.strong:.3f}; {learnt}{table.n_rows:,} rows"
        )
        head, *rows = bench_rows(table)
        terminal.table(head, rows)
    return Exit.OK


def run_promise(args: Namespace) -> int:
    """Exit code 1: it broke more often than its confidence allows; or, on shuffled labels, was not refused."""
    needs_sklearn()
    from stepwell.evals.tune.rows import read_outcomes
    from stepwell.evals.tune.study import resample_promise
    from stepwell.evals.tune.study_costs import usual_costs

    _check_share("--min-quality", args.min_quality)
    lines = Lines(args.outcomes)
    with lines.naming():
        outcomes = read_outcomes(lines, tiers_of(args.tiers))
    costs, assumed = usual_costs(outcomes, prices_of(args.prices), {})
    if assumed:
        terminal.say(assumed)
    ranker, n_done = _ranker(args, outcomes), 0
    with terminal.progress("resamples") as show:

        def each(_: object) -> None:
            nonlocal n_done
            n_done += 1
            show(n_done, args.resamples)

        study = resample_promise(
            outcomes,
            ranker,
            costs,
            n_labels=args.labels,
            n_samples=args.resamples,
            min_quality=args.min_quality,
            is_shuffled=args.shuffled,
            seed=args.seed,
            each=each,
        )
    if args.json:
        terminal.say_json(study)
    else:
        _tell_promise(study, outcomes.tiers[-1], is_shuffled=args.shuffled)
    is_too_often = study.broken_low > 1 - study.confidence
    is_fooled = args.shuffled and study.by["router"] > (1 - study.confidence) * study.n_samples
    return Exit.NO if is_too_often or is_fooled else Exit.OK


def _ranker(args: Namespace, outcomes: Outcomes) -> Ranker:
    from stepwell.evals.tune.rankers import learned_ranker, quick_ranker

    vectors = None if args.no_embedding else embed_with(config_of(args))(outcomes.prompts)
    make = quick_ranker if args.quick else learned_ranker
    return make(outcomes, vectors, seed=args.seed)


def _tell_promise(study: PromiseStudy, dearest: str, *, is_shuffled: bool) -> None:
    shuffled = " (shuffled)" if is_shuffled else ""
    print(
        f"promise: {study.min_quality:.1%} of {dearest}'s quality, {study.confidence:.0%} confidence; "
        f"{study.n_samples} samples of {study.n_labels:,} labels{shuffled}"
    )
    rows = [
        ("broken", f"{study.broken:.1%} of samples, 95 %: {study.broken_low:.1%} to {study.broken_high:.1%}"),
        ("kept by", ", ".join(f"{by} {n}" for by, n in study.by.items())),
        (f"share of {dearest}", f"{study.premium_share:.3f}, sd {study.premium_share_sd:.3f}"),
        ("the same by fixed mix", f"{study.mix_share:.3f}"),
        ("quality kept", f"{study.kept:.1%}"),
        ("cost saved", f"{study.saved:.1%}"),
    ]
    terminal.table(("measure", "mean over samples"), rows)


def run_cascade(args: Namespace) -> int:
    """Exit code 1: learned from labels, it does not pay; without prices that is not asked."""
    needs_sklearn()
    from stepwell.evals.tune.cascade.bench import bench_cascade, read_texts

    prices = prices_of(args.prices)
    made = dict(
        bench_cascade(
            args.outcomes,
            tiers_of(args.cheap) or [],
            args.strong,
            texts=read_texts(args.texts) if args.texts else None,
            prices=prices or None,
            seed=args.seed,
        )
    )
    if args.json:
        terminal.say_json(made)
    else:
        _tell_cascade(made, is_priced=bool(prices))
    return Exit.OK if not prices or list(made.values())[-1].pays else Exit.NO


def _tell_cascade(made: dict[str, Study], *, is_priced: bool) -> None:
    first = next(iter(made.values()))
    print(f"{first.n_rows:,} rows; two agree on {first.agreement:.1%}, right in {first.precision:.1%}")
    head = ("accepted by", "APGR", "95 %", "CPT50", "CPT80", *(f"saved at {kept:.0%}" for kept in _KEPT))
    rows = [
        (
            name,
            f"{s.apgr:.3f}",
            f"{s.low:.3f} to {s.high:.3f}",
            f"{s.cpt50:.3f}",
            f"{s.cpt80:.3f}",
            *_saved(s),
        )
        for name, s in made.items()
    ]
    n = len(head) if is_priced else len(head) - len(_KEPT)
    terminal.table(head[:n], [row[:n] for row in rows])
    if is_priced:
        print(f"with labels it {list(made.values())[-1].why}")


def _saved(study: Study) -> list[str]:
    points = [study.cheapest(kept) for kept in _KEPT]
    return ["-" if p is None else f"{p.saved:.1%}" for p in points]


def run_noise(args: Namespace) -> int:
    """Exit code 1: some noise moves more than --least allows."""
    from stepwell.evals.tune.noise_replay import tiers_kept
    from stepwell.evals.tune.replay_router import RouterReplay
    from stepwell.front.cli.replay import router_of

    _check_share("--least", args.least)
    config = config_of(args)
    prompts = _prompts(args)
    replay = RouterReplay(*router_of(args, config))
    found = tiers_kept(replay, prompts, seed=args.seed)
    if args.json:
        terminal.say_json({"n_rows": len(prompts), "same_tier": found})
    else:
        print(f"{len(prompts):,} asks; the same tier under")
        terminal.table(("noise", "share"), [(noise, f"{share:.1%}") for noise, share in found.items()])
    return Exit.OK if min(found.values()) >= args.least else Exit.NO


def _prompts(args: Namespace) -> list[str]:
    from stepwell.evals.tune.lines import read_rows

    lines = Lines(args.outcomes)
    with lines.naming():
        asks = [row.prompt for row in read_rows(lines, is_scored=False) if row.prompt]
    if not asks:
        raise UsageError("there are no asks in it")
    return random.Random(args.seed).sample(asks, min(args.rows, len(asks)))


def run_confidence(args: Namespace) -> int:
    """Exit code 1: the tier's confidence can't be told from chance; a policy is then left as it is."""
    needs_sklearn()
    from stepwell.evals.confidence_report import report
    from stepwell.evals.entries import JournalError
    from stepwell.evals.suite import Suite, SuiteError

    config = config_of(args)
    if args.policy:
        _check_policy(args.policy, args.tier)
    try:
        suite = Suite.load(args.suite)
        out = out_folder(args.out, f"{suite.name}-confidence")
        with terminal.progress(suite.name) as show:
            told = asyncio.run(_asked(args, config, suite, out, show))
    except (SuiteError, JournalError) as e:
        raise UsageError(str(e)) from e
    made = report(suite, told, tier=args.tier, embed=embed_with(config), seed=args.seed)
    (out / "report.json").write_bytes(encode_json(made))
    if args.json:
        terminal.say_json(made)
    else:
        _tell_confidence(made)
    terminal.say(f"journal and report: {out}")
    if args.policy:
        _calibrate(args.policy, made)
    return Exit.OK if made.calibration is not None else Exit.NO


def _check_policy(folder: str, tier: str) -> None:
    """Before anything is asked and paid.

    Raises:
        ConfigError: There is no policy.
        UsageError: It is not for this tier.
    """
    from stepwell.router.learned.bundle import read_card

    tiers = read_card(folder).tiers
    if tier not in tiers:
        raise UsageError(f"--policy {folder} is for the tiers {', '.join(tiers)}, not for {tier}")


def _calibrate(folder: str, made: ConfidenceReport) -> None:
    from stepwell.router.learned.bundle import add_confidence

    if made.calibration is None:
        terminal.say(f"policy: {folder}, left as it is")
        return
    add_confidence(folder, made.tier, made.calibration.a, made.calibration.b)
    terminal.say(f"policy: {folder}, its {made.tier} calibrated; used where routing.confidence is on")


async def _asked(
    args: Namespace, config: Config, suite: Suite, out: Path, show: Callable[[int, int], None]
) -> list[Told]:
    from stepwell.evals.confidence import ask_suite
    from stepwell.well import Stepwell

    async with Stepwell(config) as well:
        return await ask_suite(
            well,
            suite,
            tier=args.tier,
            journal_path=out / "journal.jsonl",
            max_usd=args.max_usd,
            on_progress=show,
        )


def _tell_confidence(made: ConfidenceReport) -> None:
    from stepwell.evals.confidence_report import kind_table, table

    errors = f", {made.n_errors} errors" if made.n_errors else ""
    print(f"{made.tier} on {made.suite}: {made.n_rows:,} rows{errors}, {made.quality:.1%} right")
    for rows in (table(made), kind_table(made)):
        terminal.table(rows[0], rows[1:])
        print()
    gain = made.gain
    print(
        f"gain over the question alone, kinds left out: {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
    )
    if made.calibration is None:
        print("its confidence can't be told from chance: leave routing.confidence off")
    else:
        slope, intercept = made.calibration.a, made.calibration.b
        print(
            f"calibration: log-odds {slope:.3f} x log-probability {intercept:+.3f}, error {made.calibration_error:.3f}"
        )


def _check_share(option: str, value: float) -> None:
    if not 0 < value <= 1:
        raise UsageError(f"{option} lies between 0 and 1; got {value:g}")
