"""`stepwell local parity`: the exported adapter against the trained one."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError

if TYPE_CHECKING:
    from stepwell.evals.finetune.parity import Parity


def run(args: Namespace) -> int:
    """Exit code 1: under --goal."""
    from stepwell.evals.finetune.data.dataset import Dataset
    from stepwell.evals.finetune.parity import check_parity
    from stepwell.evals.finetune.train.load import base_file
    from stepwell.evals.finetune.train.trained import Trained

    if args.threads < 1 or (args.limit is not None and args.limit < 1):
        raise UsageError("--limit and --threads want a whole number from 1")
    trained, dataset = Trained.load(Path(args.training)), Dataset.load(Path(args.dataset))
    with terminal.progress("answers") as show:
        found = check_parity(
            trained,
            dataset,
            base=base_file(args.base) if args.base else None,
            limit=args.limit,
            precision=args.precision,
            n_threads=args.threads,
            on_done=show,
        )
    _tell(args, found)
    return Exit.OK if found.holds(args.goal) else Exit.NO


def _tell(args: Namespace, p: Parity) -> None:
    if args.json:
        terminal.say_json(_plain(args, p))
        return
    low, high = p.interval
    print(
        f"{p.n_same} of {p.n} outputs are the same, token for token, by transformers and by llama.cpp with the "
        f"exported adapter, both on the base in float32: {p.share:.1%} ({low:.1%} to {high:.1%}; goal {args.goal:.0%})"
    )
    print(
        f"as it is served: {p.n_same_served} of {p.n} outputs are the same as in float32; exact answers "
        f"{p.loss.difference:+z.1%} ({p.loss.low:+.1%} to {p.loss.high:+.1%}, paired)"
    )
    rows = [(side, f"{n}/{p.n}", f"{n / p.n:.1%}") for side, n in p.n_right.items()]
    terminal.table(("side", "exact", "share"), rows)
    if p.apart:
        terminal.say(f"differ: held-out examples {', '.join(map(str, p.apart))}")


def _plain(args: Namespace, p: Parity) -> dict[str, object]:
    low, high = p.interval
    return {
        "n": p.n,
        "n_same": p.n_same,
        "share": p.share,
        "low": low,
        "high": high,
        "goal": args.goal,
        "holds": p.holds(args.goal),
        "n_same_served": p.n_same_served,
        "exact": {side: n / p.n for side, n in p.n_right.items()},
        "loss": {"difference": p.loss.difference, "low": p.loss.low, "high": p.loss.high, "p": p.loss.p},
        "apart": p.apart,
    }
