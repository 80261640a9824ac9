"""`stepwell local curate`."""

from __future__ import annotations

import asyncio
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
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
# of the share that was asked for: from there on a hint says so
_MAX_OFF = 0.25


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
        dataset = _in_place(Path(args.out), dataset, may_replace=args.replace)
        dataset.save(Path(args.out))
    except FinetuneError as e:
        raise UsageError(str(e)) from e
    _tell(dataset, 0.0 if judge is None else judge.cost_usd, args)
    return Exit.OK


def _in_place(out: Path, dataset: Dataset, *, may_replace: bool) -> Dataset:
    """With what the dataset there knows of erasures; trained models name a dataset by its content.

    Raises:
        UsageError: The folder holds another dataset, which may not be replaced.
    """
    from stepwell.evals.finetune.data.dataset import CARD, read_card, with_erasures

    if not (out / CARD).exists():
        return dataset
    before = read_card(out)
    if before.sha256 != dataset.card.sha256 and not may_replace:
        raise UsageError(f"{out} holds another dataset: name another folder, or --replace it")
    return replace(dataset, card=with_erasures(dataset.card, before))


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
        command=_command(args),
    )


def _command(args: Namespace) -> str:
    """As it was given; files and folders by name only."""
    given = (*args.examples, args.out, args.schema, args.held_out, args.config)
    paths = {Path(path) for path in given if isinstance(path, str | Path) and str(path)}

    def named(word: str) -> str:
        option, is_set, value = word.partition("=") if word.startswith("--") else ("", "", word)
        return f"{option}{is_set}{Path(value).name}" if value and Path(value) in paths else word

    return shlex.join(["stepwell", *map(named, sys.argv[1:])])


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
    hints = list(_hints(dataset, args))
    if args.json:
        terminal.say_json({"card": card, "judge_usd": cost_usd, "out": args.out, "hints": hints})
        return
    print(f"{card.n_train:,} examples to learn from, {card.n_held_out:,} held out ({card.held_out_by})")
    print(f"answers: {card.kind}; content {card.sha256[:12]}")
    for reason, n in card.dropped.items():
        print(f"dropped: {n:,} {reason}")
    for hint in hints:
        print(hint)
    if args.judge is not None:
        print(f"the judge cost {terminal.usd(cost_usd)}")
    terminal.say(f"dataset: {args.out}; then: stepwell local train {args.out}")


def _hints(dataset: Dataset, args: Namespace) -> Iterator[str]:
    from stepwell.evals.finetune.data.inferred import choices, n_unsaid

    card = dataset.card
    n_all = card.n_train + card.n_held_out
    if isinstance(args.held_out, float) and args.held_out < 1:
        wanted = round(args.held_out * n_all)
        if abs(card.n_held_out - wanted) > _MAX_OFF * wanted:
            yield f"--held-out {wanted} keeps just so many aside; a share is by hash, and here far from it"
    if args.schema == AUTO and card.schema_json is not None:
        fields = choices(card.schema_json)
        n = n_unsaid(card.schema_json, [e.answer for e in dataset.held_out])
        if fields:
            yield f"schema: only values seen in training can be answered for {', '.join(fields)}"
        yield f"schema: {n:,} of {card.n_held_out:,} held-out answers can't be said under it"
