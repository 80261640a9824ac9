"""`stepwell eval aa`: what verdicts are worth on outcomes that are there."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import tiers_of

if TYPE_CHECKING:
    from stepwell.evals.aa import Matches, Tally

_HEAD = ("rows drawn", "n", "judged", "false", "intervals hold", "found", "mean rows", "median", "p90")
_POWER = 0.9


def run(args: Namespace) -> int:
    """Exit code 1: arms that are the same were called different too often, or --power was missed."""
    matches, names = _matches(args)
    sizes = _sizes(args)
    if args.power:
        return _run_power(args, matches, names)
    tallies = _told(args, list(_all(args, matches, sizes)))
    worst = max(t.false_share for t in tallies if t.truth == 0)
    return Exit.NO if worst > args.max_false else Exit.OK


def _run_power(args: Namespace, matches: Matches, names: tuple[str, str]) -> int:
    from stepwell.evals.aa import rows_paired, rows_unpaired, tally
    from stepwell.evals.verdict.looks import Looks

    if matches.difference == 0:
        raise UsageError(
            f"{names[0]} and {names[1]} have the same mean: no number of rows would tell them apart"
        )
    unpaired, paired = rows_unpaired(matches), rows_paired(matches)
    looks = Looks(unpaired, n_looks=args.looks)
    with terminal.progress("draws") as show:
        n_done = iter(range(1, args.resamples + 1))
        found = tally(
            matches,
            "as they are",
            n=unpaired,
            n_draws=args.resamples,
            seed=args.seed,
            looks=looks,
            on_draw=lambda: show(next(n_done), args.resamples),
        )
    if args.json:
        terminal.say_json({"rows_unpaired": unpaired, "rows_paired": paired, **_plain(found, unpaired)})
    else:
        print(f"{names[0]} against {names[1]}: {matches.difference:+z.4f} on {len(matches.of_a):,} rows")
        print(
            f"two samples apart: {unpaired} rows of each for {_POWER:.0%} power; the same rows, at once: {paired}"
        )
        print(
            f"looking on the way: {found.mean_rows:.1f} rows in the mean ({found.mean_rows / unpaired:.1%}), "
            f"median {found.median_rows:.0f}, nine in ten within {found.p90_rows}; "
            f"the verdict was in and right in {found.found_share - found.false_share:.1%}"
        )
    return Exit.OK if found.found_share - found.false_share >= _POWER else Exit.NO


def _all(args: Namespace, matches: Matches, sizes: list[int]) -> Iterator[Tally]:
    from stepwell.evals.aa import designs_of, tally
    from stepwell.evals.verdict.looks import Looks

    jobs = [
        (n, d, looks) for n in sizes for d in designs_of(matches) for looks in (None, Looks(n, args.looks))
    ]
    n_done = iter(range(1, len(jobs) * args.resamples + 1))
    with terminal.progress("draws") as show:
        for n, design, looks in jobs:
            yield tally(
                matches,
                design,
                n=n,
                n_draws=args.resamples,
                seed=args.seed,
                looks=looks,
                on_draw=lambda: show(next(n_done), len(jobs) * args.resamples),
            )


def _told(args: Namespace, tallies: list[Tally]) -> list[Tally]:
    if args.json:
        terminal.say_json([_plain(t, t.n_planned) for t in tallies])
    else:
        terminal.table(_HEAD, [_row(t) for t in tallies])
    return tallies


def _row(t: Tally) -> tuple[str, ...]:
    shares = (f"{t.false_share:.2%}", f"{t.cover_share:.2%}", f"{t.found_share:.1%}")
    return (
        t.design,
        str(t.n_planned),
        "at once" if t.how == "fixed" else "looking",
        *shares,
        f"{t.mean_rows:.1f}",
        f"{t.median_rows:.0f}",
        str(t.p90_rows),
    )


def _plain(t: Tally, n: int) -> dict[str, object]:
    return {
        "design": t.design,
        "n": n,
        "how": t.how,
        "n_draws": t.n_draws,
        "truth": t.truth,
        "false_share": t.false_share,
        "cover_share": t.cover_share,
        "found_share": t.found_share,
        "mean_rows": t.mean_rows,
        "median_rows": t.median_rows,
        "p90_rows": t.p90_rows,
    }


def _sizes(args: Namespace) -> list[int]:
    sizes = [int(n) if n.strip().isdecimal() else 0 for n in args.n.split(",")]
    if min(sizes) < 2 or args.resamples < 1 or args.looks < 1:
        raise UsageError("--n wants whole numbers from 2, --resamples and --looks from 1")
    return sizes


def _matches(args: Namespace) -> tuple[Matches, tuple[str, str]]:
    from stepwell.evals.aa import Matches
    from stepwell.evals.tune.rows import read_outcomes

    path = Path(args.outcomes)
    read = read_outcomes(path / "outcomes.jsonl" if path.is_dir() else path, tiers_of(args.tiers))
    if len(read.tiers) < 2:
        raise UsageError("there is one tier only; a comparison takes two")
    # dearest first: what is asked is what it is better by
    a, b = read.tiers[-1], read.tiers[0]
    whole = read.take(read.is_complete)
    columns = (whole.scores[:, -1].tolist(), whole.scores[:, 0].tolist())
    return Matches(*columns, clusters=whole.domains), (a, b)
