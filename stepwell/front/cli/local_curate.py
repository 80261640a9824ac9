"""`stepwell local curate`."""

from __future__ import annotations

import asyncio
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.aside import aside
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of

if TYPE_CHECKING:
    from stepwell.evals.finetune.data.curate import CurateOptions
    from stepwell.evals.finetune.data.dataset import Dataset
    from stepwell.evals.finetune.data.example import Example
    from stepwell.evals.finetune.data.judged import Graded

AUTO = "auto"


def run(args: Namespace) -> int:
    """Write the dataset, and say what became of the examples."""
    from stepwell.evals.finetune.data.curate import curate
    from stepwell.evals.finetune.data.example import FinetuneError, read_examples

    judge = None if args.judge is None else _Judge(args)
    own = Path(args.held_out) if isinstance(args.held_out, str) else None
    try:
        dataset = curate(
            read_examples([Path(path) for path in args.examples]),
            options=_options(args),
            held_out=None if own is None else read_examples([own]),
            judge=judge,
        )
        _check_place(Path(args.out), dataset, may_replace=args.replace)
        dataset.save(Path(args.out))
    except FinetuneError as e:
        raise UsageError(str(e)) from e
    _tell(dataset, 0.0 if judge is None else judge.cost_usd, args)
    return Exit.OK


def _check_place(out: Path, dataset: Dataset, *, may_replace: bool) -> None:
    """A dataset's card is what an erasure finds the models by that were trained on it."""
    from stepwell.evals.finetune.data.dataset import CARD, read_card

    if (out / CARD).exists() and not may_replace and read_card(out).sha256 != dataset.card.sha256:
        raise UsageError(f"{out} holds another dataset: name another folder, or --replace it")


def _options(args: Namespace) -> CurateOptions:
    from stepwell.evals.finetune.data.curate import DEFAULT, CurateOptions

    return CurateOptions(
        system=args.system,
        schema_json=None if args.schema in (None, AUTO) else _text(args.schema),
        infers_schema=args.schema == AUTO,
        kind=args.kind,
        min_score=args.min_score,
        require_score=args.require_score,
        min_grade=args.min_grade,
        max_chars=args.max_chars,
        max_tokens=args.max_tokens,
        held_out=DEFAULT.held_out if isinstance(args.held_out, str) else args.held_out,
        per_label=args.per_label,
        max_examples=args.max_examples,
        seed=args.seed,
        sources=tuple(Path(path).name for path in args.examples),
        command=shlex.join(["stepwell", *sys.argv[1:]]),
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"{path}: {getattr(e, 'strerror', None) or 'not UTF-8 text'}") from e


@dataclass(slots=True)
class _Judge:
    """Asks the judge's tier, and remembers what it cost."""

    args: Namespace
    cost_usd: float = 0.0

    def __call__(self, examples: Sequence[Example]) -> Sequence[float | None]:
        with terminal.progress(f"judge {self.args.judge}") as show:
            found = asyncio.run(self._graded(examples, show))
        self.cost_usd += found.cost_usd
        return found.grades

    async def _graded(self, examples: Sequence[Example], show: Callable[[int, int], None]) -> Graded:
        from stepwell.evals.finetune.data.judged import graded
        from stepwell.evals.traffic.suite_of import RUBRIC
        from stepwell.well import Stepwell

        args = self.args
        async with Stepwell(aside(config_of(args))) as well:
            return await graded(
                examples,
                well,
                judge=args.judge,
                rubric=args.rubric or RUBRIC,
                n_votes=args.votes,
                max_usd=args.max_usd,
                on_progress=show,
            )


def _tell(dataset: Dataset, cost_usd: float, args: Namespace) -> None:
    card = dataset.card
    if args.json:
        terminal.say_json({"card": card, "judge_usd": cost_usd, "out": args.out})
        return
    print(f"{card.n_train:,} examples to learn from, {card.n_held_out:,} held out ({card.held_out_by})")
    print(f"answers: {card.kind}; content {card.sha256[:12]}")
    for reason, n in card.dropped.items():
        print(f"dropped: {n:,} {reason}")
    if args.judge is not None:
        print(f"the judge cost {terminal.usd(cost_usd)}")
    terminal.say(f"dataset: {args.out}; then: stepwell local train {args.out}")
