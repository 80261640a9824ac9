"""`stepwell eval context FILE --turns`: what of each prompt stands as it stood in the last one, as talks go on."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepwell.base.config import Config
    from stepwell.evals.context.talk import Talk
    from stepwell.evals.context.turns import Prompts

_HEAD = ("budget", "choice", "prompts", "as in the last prompt", "expected recall", "refused")


def show_turns(args: Namespace, config: Config, talks: Sequence[Talk], budgets: Sequence[int]) -> int:
    """A table, or JSON, of prompts that something was left out of: keeping the last choice, and choosing afresh."""
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.context.turns import prompts_of

    n_done, n_all = 0, sum(len(talk.turns) for talk in talks)
    with terminal.progress("packing") as show:

        def on_packed(n: int) -> None:
            nonlocal n_done
            n_done += n
            show(n_done, n_all)

        found = prompts_of(
            talks,
            budgets,
            embedder=load_embedder(config.embedding),
            model=args.model,
            config=config.context,
            on_packed=on_packed,
        )
    if args.json:
        terminal.say_json({"n_talks": len(talks), "lines": [_row(one) for one in found]})
        return Exit.OK
    print(f"{len(talks):,} conversations, {n_all:,} turns; prompts are those that something was left out of")
    terminal.table(_HEAD, [_cells(one) for one in found])
    return Exit.OK


def _row(one: Prompts) -> dict[str, object]:
    return {
        "budget_tokens": one.budget_tokens,
        "keeps": one.keeps,
        "n_prompts": one.n_prompts,
        "n_tokens": one.n_tokens,
        "n_same_tokens": one.n_same_tokens,
        "same_share": one.same_share,
        "expected_recall": one.expected_recall,
        "n_refused": one.n_refused,
    }


def _cells(one: Prompts) -> tuple[str, ...]:
    shares = (f"{one.same_share:.3f}", f"{one.expected_recall:.3f}") if one.n_prompts else ("-", "-")
    choice = "kept where still good" if one.keeps else "afresh each time"
    return (f"{one.budget_tokens:,}", choice, f"{one.n_prompts:,}", *shares, str(one.n_refused))
