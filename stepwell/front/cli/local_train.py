"""`stepwell local train`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError

if TYPE_CHECKING:
    from stepwell.evals.finetune.train.recipe import Recipe
    from stepwell.evals.finetune.train.trained import Trained


def run(args: Namespace) -> int:
    """Train, say what came of it and what to do next."""
    from stepwell.evals.finetune.data.dataset import Dataset
    from stepwell.evals.finetune.train.run import train

    dataset = Path(args.dataset)
    out = Path(args.out) if args.out else dataset.with_name(f"{dataset.resolve().name}-trained")
    if args.threads is not None and args.threads < 1:
        raise UsageError("--threads: want 1 or more")
    recipe = _recipe(args)
    with terminal.told_progress("training") as show:
        trained = train(
            Dataset.load(dataset),
            out,
            recipe,
            on_step=lambda p: show(p.step, p.n_steps, f"loss {p.loss:.4f}, {terminal.span(p.left_s)} left"),
            n_threads=args.threads,
            is_restart=args.restart,
        )
    _tell(trained, dataset, is_json=args.json)
    return Exit.OK


def _recipe(args: Namespace) -> Recipe:
    import msgspec

    from stepwell.evals.finetune.train.recipe import Recipe

    given = {name: getattr(args, name) for name in Recipe.__struct_fields__ if hasattr(args, name)}
    try:
        return msgspec.convert(given, Recipe)
    except msgspec.ValidationError as e:
        raise UsageError(str(e)) from None


def _tell(trained: Trained, dataset: Path, *, is_json: bool) -> None:
    card, folder = trained.card, trained.folder
    if is_json:
        terminal.say_json({"folder": str(folder), "card": card})
        return
    left_out = f", {card.n_too_long} left out as too long" if card.n_too_long else ""
    left_out += f", {card.n_with_tools} as they call tools" if card.n_with_tools else ""
    runs = f" in {card.n_runs} runs" if card.n_runs > 1 else ""
    print(
        f"loss {card.loss:.4f} after {card.n_steps} steps on {card.n_examples} examples{left_out}; "
        f"{card.took_s / 60:.1f} min{runs}, {card.peak_rss_mb:.0f} MB at most, {card.dtype} on {card.device}"
    )
    print(f"adapter of {card.n_parameters / 1e6:.2f} M parameters: {folder}")
    terminal.say(f"next: stepwell local eval {folder} {dataset}")
