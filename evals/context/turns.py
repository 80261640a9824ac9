"""A talk packed turn by turn, as it is while it goes on: how much of each prompt a prompt cache could serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message
from stepwell.evals.context.recalled import queries_of
from stepwell.memory.context.packing.pack import pack
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.packing.prefix import n_same_tokens
from stepwell.memory.context.recall.marks import mark_of_query
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.thread import Thread

if TYPE_CHECKING:
    from stepwell.base.config.context import ContextConfig
    from stepwell.base.embedding import Embedder
    from stepwell.evals.context.talk import Talk, Utterance

_N_BATCH = 64


class Prompts(msgspec.Struct, frozen=True):
    """What was sent while talks went on.

    Attributes:
        keeps: The last choice was kept to where it was still good, as the server does; False: chosen afresh.
        n_prompts: Turns of the first speaker that something was left out of.
        n_tokens, n_same_tokens: Of all those prompts; and of those, tokens at their beginning that stood in the last.
        expected_recall: Mean.
        n_refused: Turns that did not fit even alone; not among the others.
    """

    budget_tokens: int
    keeps: bool
    n_prompts: int
    n_tokens: int
    n_same_tokens: int
    expected_recall: float
    n_refused: int = 0

    @property
    def same_share(self) -> float:
        return self.n_same_tokens / max(self.n_tokens, 1)


def prompts_of(
    talks: Sequence[Talk],
    budgets: Sequence[int],
    *,
    embedder: Embedder,
    model: str,
    config: ContextConfig,
    on_packed: Callable[[int], None] = lambda n: None,
) -> list[Prompts]:
    """Pack each turn of each talk's first speaker with what was said before; blocks.

    Each turn is embedded once, for all budgets. Two lines a budget: keeping the last choice, choosing afresh.

    Args:
        on_packed: Told of how many turns since it was last told.
    """
    ways = [_Way(budget, keeps) for budget, keeps in product(budgets, (True, False))]
    for talk in talks:
        for way in ways:
            way.before = None
        thread = Thread()
        for turn, message, query, mark in _said(talk, embedder):
            if message.role == "user":
                for way in ways:
                    way.take(thread, message, query, model, config)
            thread.add(message, at_s=turn.at_s, mark=mark)
            on_packed(1)
    return [way.prompts() for way in ways]


@dataclass(slots=True)
class _Way:
    """One budget, with or without the last choice."""

    budget_tokens: int
    keeps: bool
    before: Packed | None = None
    n_refused: int = 0
    found: list[tuple[int, int, float]] = field(default_factory=list)

    def take(self, thread: Thread, message: Message, query: Query, model: str, config: ContextConfig) -> None:
        (fit,) = pack(
            thread,
            query,
            [Room(self.budget_tokens, model)],
            sent=[message],
            recent_share=config.recent_share,
            before=self.before if self.keeps else None,
            slack_share=config.slack_share if self.keeps else 0.0,
        )
        if isinstance(fit, ContextTooLong):
            self.n_refused += 1
            return
        if len(fit.kept) < fit.n_places:
            n_same = n_same_tokens(thread, self.before, fit)
            self.found.append((fit.n_tokens, n_same, fit.expected_recall))
        self.before = fit

    def prompts(self) -> Prompts:
        return Prompts(
            self.budget_tokens,
            self.keeps,
            len(self.found),
            sum(n for n, _, _ in self.found),
            sum(n_same for _, n_same, _ in self.found),
            sum(recall for _, _, recall in self.found) / max(len(self.found), 1),
            self.n_refused,
        )


def _said(talk: Talk, embedder: Embedder) -> Iterator[tuple[Utterance, Message, Query, bytes]]:
    """Each turn as a message, as a query, and its mark; embedded once, as the server does with what a user asks."""
    user = talk.turns[0].speaker if talk.turns else ""
    for at in range(0, len(talk.turns), _N_BATCH):
        turns = talk.turns[at : at + _N_BATCH]
        queries = queries_of(embedder, [turn.said for turn in turns], [turn.at_s for turn in turns])
        for turn, query in zip(turns, queries, strict=True):
            role = "user" if turn.speaker == user else "assistant"
            assert query.vector is not None
            mark = mark_of_query(query.vector, query.tokens)
            yield turn, Message(role, turn.said, name=turn.speaker), query, mark
