"""Choose which messages of an agent's state go to its model; the state itself is left alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from stepwell.base.embedding import RequestVector, embedder_name
from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message
from stepwell.base.tokens import count_text, upper_bound
from stepwell.memory.context.marking import Marking
from stepwell.memory.context.packing.pack import pack
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.stateless import Threads
from stepwell.memory.context.thread.thread import Thread
from stepwell.well import Stepwell

_MARKS_FROM_SHARE = 0.5  # of the room: what is embedded by then need not be waited for when it overflows


class Packer:
    """Packs message lists that come whole each time, with a well's embedder and settings; lives on its loop.

    Args:
        tenant, user: Nothing that was read for one is used for another.
    """

    def __init__(self, well: Stepwell, *, tenant: str = "", user: str = "") -> None:
        self._config = well.config.context
        self._embedder = well.pipeline.embedder
        shared = well.pipeline.marking
        name = embedder_name(well.config.embedding)
        self._marking = Marking(self._embedder, name) if shared is None else shared()
        self._threads = Threads()
        self._owner = {"tenant": tenant, "user": user}
        self._vector: RequestVector | None = None

    async def kept(
        self, messages: Sequence[Message], *, system: Sequence[Message], fixed: str, n_tokens: int, model: str
    ) -> tuple[int, ...] | None:
        """Places of the messages to send, rising; None: all of them.

        Args:
            system: Goes along in any case, as does `fixed`: tools and schemas, as JSON.
            n_tokens: What all of it may take; model: whose vocabulary counts.

        Raises:
            ContextTooLong: What must stay takes more.
            ConfigError: A vocabulary is needed and is not on this machine.
        """
        bound = upper_bound([*system, *messages], fixed.encode("utf-8", "ignore"))
        if bound <= n_tokens * _MARKS_FROM_SHARE:
            return None
        query = None if bound <= n_tokens else await self._query(messages)
        # milliseconds of counting and choosing
        thread, found = await asyncio.to_thread(self._choose, messages, system, fixed, n_tokens, model, query)
        self._marking.want(id(thread), thread, _kept_by_the_thread)
        if isinstance(found, ContextTooLong):
            raise found
        return None if found is None or len(found.kept) == len(messages) else found.kept

    def _choose(
        self,
        messages: Sequence[Message],
        system: Sequence[Message],
        fixed: str,
        n_tokens: int,
        model: str,
        query: Query | None,
    ) -> tuple[Thread, Packed | ContextTooLong | None]:
        with self._threads.get(messages, **self._owner) as thread:
            if query is None:
                return thread, None
            room = Room(n_tokens, model, count_text(fixed, model) if fixed else 0)
            before = thread.packed
            (found,) = pack(
                thread,
                query,
                [room],
                system=system,
                recent_share=self._config.recent_share,
                before=before,
                slack_share=self._config.slack_share,
            )
            if isinstance(found, Packed):
                thread.packed = found
            return thread, found

    async def _query(self, messages: Sequence[Message]) -> Query:
        text = next((m.text for m in reversed(messages) if m.role == "user"), "")
        if self._vector is None or not self._vector.is_of(text):  # an agent asks many times in one turn
            self._vector = RequestVector(self._embedder, text, layers="tokens")
        vector, timeout_s = self._vector, self._config.vector_timeout_s
        found = await vector.get(timeout_s)
        pieces = None if found is None else await vector.get_tokens(timeout_s)
        return Query(text, found, pieces, time.time())


def _kept_by_the_thread(marks: object) -> None:
    """Threads know their marks."""
