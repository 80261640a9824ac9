"""`stepwell replay context` over conversations with questions: what is packed for each; and over recorded messages."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable
from itertools import chain
from typing import TYPE_CHECKING

from stepwell.base.errors import BadRequest
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import UsageError
from stepwell.front.cli.replay_cache import peeked

if TYPE_CHECKING:
    from stepwell.base.config import Config

Out = Callable[[dict[str, object]], None]
MODEL = "gpt-4"
LEAST_BUDGET = 64


def replay_context(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    """Number of bad rows. Conversations with questions where the file begins as one, rows of messages else.

    With --budget, what begins as neither is read as conversations, too: what is wrong then is the file.
    """
    from stepwell.evals.context.read import holds_talks

    first, lines = peeked(lines)
    if not holds_talks(first) and (args.budget is None or '"messages"' in first):
        return _messages(args, config, lines, out)
    budget_tokens = budget_of(args)
    raw = "".join(chain(lines)).encode()
    _talks(args, config, raw, budget_tokens, out)
    return 0


def budget_of(args: Namespace) -> int:
    """Raises: UsageError: --budget is missing or too small."""
    budget: int | None = args.budget
    if budget is None:
        raise UsageError("replay context over conversations needs --budget TOKENS")
    if budget < LEAST_BUDGET:
        raise UsageError(f"--budget must be {LEAST_BUDGET} or more; got {budget}")
    return budget


def _messages(args: Namespace, config: Config, lines: Iterable[str], out: Out) -> int:
    from stepwell.evals.replay import run_replay

    if args.budget is not None:
        raise UsageError(
            "--budget is for conversations with questions; rows of messages name a window_tokens each"
        )
    return run_replay("context", lines, config=config, out=out)


def _talks(args: Namespace, config: Config, raw: bytes, budget_tokens: int, out: Out) -> None:
    from stepwell.base.embedding import load_embedder
    from stepwell.evals.context.read import read_talks
    from stepwell.evals.context.recalled import Recalled
    from stepwell.memory.context.packing.render import Transcript

    try:
        talks = read_talks(raw)
    except BadRequest as e:
        raise UsageError(f"{args.file}: {e}") from e
    embedder = load_embedder(config.embedding)
    n_done, n_all = 0, sum(len(talk.turns) + len(talk.questions) for talk in talks)
    with terminal.progress("embedding") as show:

        def on_embedded(n: int) -> None:
            nonlocal n_done
            n_done += n
            show(n_done, n_all)

        for talk in talks:
            recalled = Recalled(talk, embedder, on_embedded=on_embedded)
            transcript = Transcript(talk.lines, model=args.model)
            for question, query in zip(talk.questions, recalled.queries(talk.questions), strict=True):
                found = transcript.render(
                    budget_tokens, recalled.relevance(query), recent_share=config.context.recent_share
                )
                out({"conv_id": talk.id, "question_id": question.id, "context_text": found.text})
