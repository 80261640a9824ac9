"""A talk packed turn by turn, as it is while it goes on: how much of each prompt a prompt cache could serve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message
from stepwell.memory.context.pack import pack
from stepwell.memory.context.packed import Packed, Room
from stepwell.memory.context.prefix import n_same_tokens
from stepwell.memory.context.recall.marks import embed_marks, vector_of
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread import Thread

if TYPE_CHECKING:
    from stepwell.base.embedding import Embedder
    from stepwell.evals.context.talk import Talk


@dataclass(frozen=True, slots=True)
class Prompts:
    """What was sent while a talk went on.

    Attributes:
        n_prompts: Turns of the user that some of the history did not fit with.
        n_tokens, n_same_tokens: Of all those prompts; and of those, tokens at their beginning that stood in the last.
        expected_recall: Mean.
    """

    n_prompts: int
    n_tokens: int
    n_same_tokens: int
    expected_recall: float

    @property
    def same_share(self) -> float:
        return self.n_same_tokens / max(self.n_tokens, 1)


def prompts_of(
    talk: Talk, embedder: Embedder, n_tokens: int, *, model: str, keeps: bool = True, slack_share: float = 0.1
) -> Prompts:
    """Pack each turn of the first speaker with what was said before; blocks.

    Args:
        n_tokens: What each prompt may take.
        keeps: Keep to the last choice where it is still good, as the server does; False: choose afresh each time.
    """
    found = [
        p
        for p in _packed(talk, embedder, n_tokens, model, keeps, slack_share)
        if p[0].n_places > len(p[0].kept)
    ]
    return Prompts(
        len(found),
        sum(fit.n_tokens for fit, _ in found),
        sum(n_same for _, n_same in found),
        sum(fit.expected_recall for fit, _ in found) / max(len(found), 1),
    )


def _packed(
    talk: Talk, embedder: Embedder, n_tokens: int, model: str, keeps: bool, slack_share: float
) -> Iterator[tuple[Packed, int]]:
    """What was sent at each turn, and how much of it is as before."""
    thread, before = Thread(), None
    marks = embed_marks(embedder, [turn.said for turn in talk.turns])
    user = talk.turns[0].speaker if talk.turns else ""
    for turn, mark in zip(talk.turns, marks, strict=True):
        message = Message("user" if turn.speaker == user else "assistant", turn.said)
        if message.role == "user":
            query = Query(turn.said, vector_of(mark), None, turn.at_s)
            (fit,) = pack(
                thread,
                query,
                [Room(n_tokens, model)],
                sent=[message],
                before=before if keeps else None,
                slack_share=slack_share if keeps else 0.0,
            )
            if not isinstance(fit, ContextTooLong):
                yield fit, n_same_tokens(thread, before, fit)
                before = fit
        thread.add(message, at_s=turn.at_s, mark=mark)
