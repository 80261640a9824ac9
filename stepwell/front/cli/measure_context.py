"""`stepwell eval context`: what of the evidence is still there after packing, beside other ways to shorten a talk."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from stepwell.base.errors import BadRequest
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import Lines, config_of
from stepwell.front.cli.measure_turns import show_turns
from stepwell.front.cli.replay_context import LEAST_BUDGET

if TYPE_CHECKING:
    from stepwell.evals.context.compare import Peer
    from stepwell.evals.context.figures import Figure, Line
    from stepwell.evals.context.talk import Talk

_HEAD = (
    "budget",
    "method",
    "evidence recall",
    "95 %",
    "all evidence",
    "95 %",
    "answers",
    "95 %",
    "over budget",
)


def run_context(args: Namespace) -> int:
    """Exit code 1: some text of ours was over its budget."""
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.context.compare import OURS, compare

    if args.turns and (args.peers or args.errata):
        raise UsageError("--turns asks no questions: it goes without --peers and --errata")
    budgets = budgets_of(args.budgets)
    config = config_of(args)
    talks = _talks(args)
    if args.turns:
        return show_turns(args, config, talks, budgets)
    n_done, n_all = 0, sum(len(t.turns) + sum(q.is_scored for q in t.questions) for t in talks)
    peers = _peers(args)
    with terminal.progress("embedding") as show:

        def on_embedded(n: int) -> None:
            nonlocal n_done
            n_done += n
            show(n_done, n_all)

        lines = compare(
            talks,
            budgets,
            embedder=load_embedder(config.embedding),
            model=args.model,
            recent_share=config.context.recent_share,
            peers=peers,
            on_embedded=on_embedded,
        )
    if args.json:
        terminal.say_json({"n_talks": len(talks), "lines": lines})
    else:
        _show(talks, lines)
    return Exit.NO if any(line.n_over for line in lines if line.method == OURS) else Exit.OK


def budgets_of(given: str) -> list[int]:
    """`1000,2000`: tokens, by rising size.

    Raises:
        UsageError: It reads otherwise.
    """
    try:
        found = sorted({int(part) for part in given.split(",")})
    except ValueError:
        raise UsageError("--budgets is a list of tokens, such as 1000,2000") from None
    if found[0] < LEAST_BUDGET:
        raise UsageError(f"--budgets must be {LEAST_BUDGET} or more; got {found[0]}")
    return found


def _peers(args: Namespace) -> dict[str, Peer]:
    if not args.peers:
        return {}
    from stepwell.evals.context.peers import installed_peers

    found, missing = installed_peers(args.model)
    if missing:
        terminal.say(f"not installed: {', '.join(missing)}")
    return found


def _talks(args: Namespace) -> list[Talk]:
    from stepwell.evals.context.locomo import parse_errata
    from stepwell.evals.context.read import read_talks

    try:
        errata = parse_errata(b"".join(Lines([args.errata]))) if args.errata else None
        talks = read_talks(b"".join(Lines([args.file])), errata)
    except BadRequest as e:
        raise UsageError(f"{args.file}: {e}") from e
    if not args.turns and not any(question.is_scored for talk in talks for question in talk.questions):
        raise UsageError(f"{args.file}: no question names its evidence")
    return talks


def _show(talks: list[Talk], lines: list[Line]) -> None:
    n_turns = sum(len(talk.turns) for talk in talks)
    print(f"{len(talks):,} conversations, {n_turns:,} turns, {lines[0].recall.n:,} questions with evidence")
    terminal.table(_HEAD, [_cells(line) for line in lines])
    ours = [line for line in lines if line.calibration]
    kinds = list(ours[0].by_kind)
    print("\nevidence recall / all evidence by kind")
    head = ("budget", "method", *(f"{kind} ({ours[0].by_kind[kind][2]})" for kind in kinds))
    terminal.table(head, [(f"{line.budget_tokens:,}", line.method, *_kinds(line, kinds)) for line in ours])
    print("\nexpected against actual recall, a fifth of the questions each")
    head = ("budget", "method", *(str(n) for n in range(1, 1 + max(len(line.calibration) for line in ours))))
    terminal.table(
        head, [(f"{line.budget_tokens:,}", line.method, *_fifths(line, len(head) - 2)) for line in ours]
    )


def _fifths(line: Line, n: int) -> list[str]:
    shown = [f"{b.expected:.2f} {b.actual:.2f}" for b in line.calibration]
    return shown + ["-"] * (n - len(shown))


def _kinds(line: Line, kinds: list[str]) -> list[str]:
    return ["{:.3f} / {:.3f}".format(*line.by_kind[kind][:2]) for kind in kinds]


def _cells(line: Line) -> tuple[str, ...]:
    figures = [*_figure(line.recall), *_figure(line.all_evidence), *_figure(line.answers)]
    return (f"{line.budget_tokens:,}", line.method, *figures, str(line.n_over))


def _figure(figure: Figure | None) -> tuple[str, str]:
    if figure is None:
        return "-", "-"
    return f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}"
