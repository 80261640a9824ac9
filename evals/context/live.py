"""Pack a talk as a chat is packed live: each turn a message with its own role and frame, the question sent last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message
from stepwell.memory.context.packing.pack import pack
from stepwell.memory.context.packing.packed import Room
from stepwell.memory.context.recall.marks import embed_marks
from stepwell.memory.context.thread.thread import Thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepwell.base.embedding import Embedder
    from stepwell.evals.context.talk import Talk
    from stepwell.memory.context.log.log import Summary
    from stepwell.memory.context.recall.query import Query

_N_BATCH = 64


class LiveTalk:
    """A talk as a thread of messages: the first speaker is the user, all others answer.

    Args:
        marks: Of its turns, where they are known; they are embedded else.
    """

    def __init__(self, talk: Talk, embedder: Embedder, *, marks: Sequence[bytes] | None = None) -> None:
        self.thread = Thread()
        self._talk = talk
        user = talk.turns[0].speaker if talk.turns else ""
        for i, turn in enumerate(talk.turns):
            role = "user" if turn.speaker == user else "assistant"
            mark = marks[i] if marks is not None else b""
            message = Message(role, turn.said, name=turn.speaker)
            self.thread.add(message, at_s=turn.at_s, mark=mark)
        while places := self.thread.unmarked(_N_BATCH):
            for place, mark in zip(
                places, embed_marks(embedder, [self.thread.text_of(p) for p in places]), strict=True
            ):
                self.thread.set_mark(place, mark)

    def packed(
        self, query: Query, n_tokens: int, *, model: str, recent_share: float, summary: Summary | None = None
    ) -> tuple[str, int, float] | None:
        """Text of the messages kept, tokens of the whole prompt, expected recall; None where nothing fits."""
        (found,) = pack(
            self.thread,
            query,
            [Room(n_tokens, model)],
            sent=[Message("user", query.text)],
            summary=summary,
            recent_share=recent_share,
        )
        if isinstance(found, ContextTooLong):
            return None
        lines = [self._talk.turns[i].line for i in found.kept if i < len(self._talk.turns)]
        return "\n".join([*lines, found.summary]), found.n_tokens, found.expected_recall
