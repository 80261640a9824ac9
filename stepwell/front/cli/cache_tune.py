"""`stepwell cache tune`: refine what compares two prompts on pairs of your own."""

from __future__ import annotations

from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import Lines, config_of, needs_sklearn

if TYPE_CHECKING:
    from stepwell.evals.cache.train import TunedVerifier

WEIGHTS = "weights.npz"


def run(args: Namespace) -> int:
    """Exit code 1: the pairs taught nothing, and what is written is what was there."""
    if args.seed < 0:
        raise UsageError(f"--seed must be 0 or more; got {args.seed}")
    needs_sklearn()
    out = Path(args.out)
    tuned = _tuned(args, out)
    if args.json:
        terminal.say_json(tuned)
    else:
        show(tuned)
        terminal.say(f"to use it: cache: {{verifier: {out / WEIGHTS}}}")
    return Exit.OK if tuned.log_loss < tuned.log_loss_before else Exit.NO


def _tuned(args: Namespace, out: Path) -> TunedVerifier:
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.cache.train import TooFewPairs, tune_verifier

    config = config_of(args)
    base = args.base if args.base is not None else config.cache.verifier
    lines = (line.decode("utf-8", "replace") for line in Lines(args.pairs))
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        return tune_verifier(
            lines, out / WEIGHTS, embedder=load_embedder(config.embedding), base=_file(base), seed=args.seed
        )
    except TooFewPairs as e:
        raise UsageError(str(e)) from e
    finally:
        if is_new:
            with suppress(OSError):  # not empty: it worked
                out.rmdir()


def _file(base: str | None) -> str | None:
    return None if base is None else str(Path(base) / WEIGHTS if Path(base).is_dir() else base)


def show(tuned: TunedVerifier) -> None:
    """What it learned from, and what that is worth on pairs that it was not trained on."""
    bad = f"; {tuned.n_bad:,} lines are no labelled pair" if tuned.n_bad else ""
    print(f"{tuned.n_pairs:,} pairs, {tuned.n_same:,} with the same answer{bad}")
    print(f"chosen: {tuned.choice}")
    terminal.table(
        ("on pairs kept aside", "before", "now"),
        [
            ("log loss (nats)", f"{tuned.log_loss_before:.4f}", f"{tuned.log_loss:.4f}"),
            ("AUROC", f"{tuned.auc_before:.4f}", f"{tuned.auc:.4f}"),
        ],
    )
