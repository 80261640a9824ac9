"""All conversations that this process holds: read from their log, packed, written back, and tended behind requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Raw

from stepwell.base.config.context import ContextConfig
from stepwell.base.embedding import RequestVector
from stepwell.base.errors import ConversationErased, ForeignConversation, StoreUnavailable
from stepwell.base.request import ChatRequest
from stepwell.memory.context.log.log import ConversationLog, Listed, Name, NewTurn, Past, Pin, Summary
from stepwell.memory.context.marking import Marking
from stepwell.memory.context.packed import Packed, Room
from stepwell.memory.context.recall.marks import mark_of_query
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.shown import prompt, query_of, transcript
from stepwell.memory.context.summary.summaries import Summaries
from stepwell.memory.context.summary.summarizer import Said
from stepwell.memory.context.talk import Talk

Embedded = tuple[str, "NDArray[np.float32]", "TokenVectors | None"]
_N_TRIES = 3
_MANY = 500
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors

_log = logging.getLogger("stepwell.memory")


class Conversations:
    """Belongs to one event loop; the log is the truth, and every read follows it."""

    def __init__(
        self, config: ContextConfig, log: ConversationLog, marking: Marking, summaries: Summaries | None
    ) -> None:
        self._config = config
        self._log = log
        self._marking = marking
        self._summaries = summaries
        self._talks: OrderedDict[Name, Talk] = OrderedDict()
        self._sizes: dict[Name, int] = {}
        self._n_bytes = 0
        self.n_lost = 0

    # ---- on a request's way

    async def open(self, name: Name) -> Talk:
        """The conversation as the log has it now; an empty one where there is none.

        Raises:
            ForeignConversation: It is another user's.
            StoreUnavailable: The log can't be read.
        """
        talk = self._talks.get(name)
        if talk is None:
            talk = self._talks[name] = Talk(name)
        self._talks.move_to_end(name)
        async with talk.lock:
            await self._follow(talk)
        self._shrink(talk)
        return talk

    async def close_exchange(
        self,
        talk: Talk,
        request: ChatRequest,
        answer: Raw,
        *,
        guarded: bytes,
        asked_s: float,
        answer_guarded: bytes | None = None,
        embedded: Embedded | None = None,
    ) -> bool:
        """Add what was said and answered to the log; False where that failed, or it was erased meanwhile.

        Args:
            guarded: Names the guard rules for input that it has passed; `answer_guarded` those that the answer has,
                where they differ.
            asked_s: Unix time at which it was asked.
            embedded: What of it was embedded as the query.
        """
        raws = talk.logged(request, answer)
        turns = [NewTurn(bytes(raw), asked_s, guarded) for raw in raws[:-1]]
        turns.append(
            NewTurn(bytes(raws[-1]), time.time(), guarded if answer_guarded is None else answer_guarded)
        )
        epoch = talk.epoch  # of several that begin a conversation together, one is first
        try:
            try:
                await self._append(talk, turns, since_s=asked_s)
            except ConversationErased:
                if epoch:
                    raise
                talk = await self.open(talk.name)  # another request has begun it meanwhile
                await self._append(talk, turns, since_s=asked_s)
        except (StoreUnavailable, ConversationErased, ForeignConversation) as e:
            self.n_lost += 1
            _log.warning("an exchange was not kept: %s", e.code)
            return False
        if embedded is not None:
            self._reuse(talk, len(turns), embedded)
        self.tend(talk)
        return True

    def tend(self, talk: Talk) -> None:
        """Embed and summarise what is new, in the background."""
        key, epoch = (talk.name, talk.epoch), talk.epoch

        def keep(found: list[tuple[int, bytes]]) -> None:
            marks = [(talk.seqs[place], self._marking.seal(mark)) for place, mark in found]
            self._log.keep_marks(talk.name, marks, epoch=epoch)

        self._marking.want(key, talk.thread, keep)
        if self._summaries is None or not talk.overflows or self._summaries.is_busy(key):
            return
        upto = 0 if talk.summary is None else talk.summary.upto
        if self._summaries.is_due(talk.summary, talk.n_tokens_from(upto)):
            self._summaries.want(
                key, talk.summary, said_of(talk, upto), lambda made: self._keep_summary(talk, made, epoch)
            )

    # ---- for who looks after conversations

    async def past(self, name: Name, *, after: int = -1) -> Past:
        """The turns after a place, pins and the summary, as the log has them."""
        return await self._log.read(name, after=after)

    async def append(
        self, name: Name, raws: Sequence[bytes], *, guarded: bytes = b"", at_s: float | None = None
    ) -> Past:
        """Add messages (JSON) that were said elsewhere.

        Raises:
            ForeignConversation, StoreUnavailable
            ConversationErased: It is erased again and again.
        """
        talk = await self.open(name)
        turns = [NewTurn(raw, time.time() if at_s is None else at_s, guarded) for raw in raws]
        for n in range(_N_TRIES):
            try:
                past = await self._append(talk, turns)
                break
            except ConversationErased:
                if n + 1 == _N_TRIES:
                    raise
                talk = await self.open(name)
        self.tend(talk)
        return past

    async def pack(self, name: Name, query: str, n_tokens: int, model: str) -> tuple[list[bytes], Packed]:
        """The messages (JSON) that would be sent before `query`, and the choice; keeps nothing.

        Raises:
            ContextTooLong: What must stay takes more than `n_tokens`.
        """
        talk, asked = await self._asked(name, query)
        async with talk.lock:
            return await asyncio.to_thread(prompt, talk, asked, Room(n_tokens, model), self._config)

    async def text(self, name: Name, query: str, n_tokens: int, model: str) -> str:
        """As `pack`, as one text of at most `n_tokens`."""
        talk, asked = await self._asked(name, query)
        async with talk.lock:
            return await asyncio.to_thread(transcript, talk, asked, n_tokens, model)

    async def _asked(self, name: Name, text: str) -> tuple[Talk, Query]:
        talk = await self.open(name)
        vector = RequestVector(self._marking.embedder, text, layers="tokens")
        return talk, await query_of(vector, text, self._config.vector_timeout_s)

    async def pin(self, name: Name, text: str) -> Pin:
        return await self._log.pin(name, text)

    async def unpin(self, name: Name, pin_id: str) -> bool:
        return await self._log.unpin(name, pin_id)

    async def list(self, *, tenant: str, user: str | None = None, limit: int = 100) -> list[Listed]:
        return await self._log.list(tenant=tenant, user=user, limit=limit)

    async def erase(self, *, tenant: str, user: str | None = None, id: str | None = None) -> int:
        """Delete conversations, here and in the log; returns how many.

        Raises:
            StoreUnavailable: They are not (all) gone.
        """
        for name in [n for n in self._talks if _is_meant(n, tenant, user, id)]:
            self._forget(name)
        return await self._log.erase(tenant=tenant, user=user, id=id)

    async def drain(self) -> None:
        """Wait for what goes on in the background."""
        await self._marking.drain()
        if self._summaries is not None:
            await self._summaries.drain()

    async def close(self) -> None:
        """Give up what goes on in the background, and let go of the log."""
        await self._marking.close()
        if self._summaries is not None:
            await self._summaries.close()
        await self._log.close()

    # ----

    def _reuse(self, talk: Talk, n_added: int, embedded: Embedded) -> None:
        """The question was embedded to search with: that is its mark, too."""
        text, vector, pieces = embedded
        n = len(talk.thread)
        for place in range(max(0, n - n_added), n):
            if talk.thread.text_of(place).strip() == text.strip():
                mark = mark_of_query(vector, pieces)
                talk.thread.set_mark(place, mark)
                sealed = [(talk.seqs[place], self._marking.seal(mark))]
                self._log.keep_marks(talk.name, sealed, epoch=talk.epoch)

    async def _follow(self, talk: Talk) -> None:
        past = await self._log.read(talk.name, after=talk.n_turns - 1)
        if past.epoch != talk.epoch and talk.epoch:
            self._forget(talk.name)
            self._talks[talk.name] = talk
            past = await self._log.read(talk.name)
        await self._take(talk, past)

    async def _append(self, talk: Talk, turns: Sequence[NewTurn], *, since_s: float | None = None) -> Past:
        past = await self._log.append(talk.name, turns, epoch=talk.epoch, since_s=since_s)
        async with talk.lock:
            if past.epoch != talk.epoch or (past.turns and past.turns[0].seq != talk.n_turns):
                await self._follow(talk)  # others have spoken meanwhile
            else:
                await self._take(talk, past)
        return past

    async def _take(self, talk: Talk, past: Past) -> None:
        if len(past.turns) > _MANY:
            await asyncio.to_thread(talk.take, past, self._marking.unseal)
        else:
            talk.take(past, self._marking.unseal)

    def _keep_summary(self, talk: Talk, made: Summary, epoch: int) -> None:
        self._log.keep_summary(talk.name, made, epoch=epoch)
        if talk.epoch == epoch:
            talk.summary = made

    def _forget(self, name: Name) -> None:
        talk = self._let_go(name)
        if talk is None:
            return
        self._marking.forget((name, talk.epoch))
        if self._summaries is not None:
            self._summaries.forget((name, talk.epoch))

    def _shrink(self, talk: Talk) -> None:
        """Let go of those that were silent the longest; their log is read again when they speak."""
        n_bytes = talk.n_bytes
        self._n_bytes += n_bytes - self._sizes.get(talk.name, 0)
        self._sizes[talk.name] = n_bytes
        most = self._config.max_index_mb << 20
        while len(self._talks) > 1 and (
            len(self._talks) > self._config.max_in_memory or self._n_bytes > most
        ):
            name, silent = next(iter(self._talks.items()))
            self._let_go(name)
            self._marking.forget((name, silent.epoch))

    def _let_go(self, name: Name) -> Talk | None:
        self._n_bytes -= self._sizes.pop(name, 0)
        return self._talks.pop(name, None)


def said_of(talk: Talk, upto: int) -> list[Said]:
    """The turns from a place of the log on, as a summarizer reads them."""
    first = talk.place_of(upto)
    return [
        Said(
            talk.seqs[place], talk.thread.messages([place])[0], talk.thread.at_s(place), talk.n_tokens(place)
        )
        for place in range(first, len(talk.thread))
    ]


def _is_meant(name: Name, tenant: str, user: str | None, id: str | None) -> bool:
    return name.tenant == tenant and user in (None, name.user) and id in (None, name.id)
