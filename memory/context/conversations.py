"""All conversations that this process holds: read from their log, packed, written back, and tended behind requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Raw

from stepwell.base.config.context import ContextConfig
from stepwell.base.embedding import RequestVector
from stepwell.base.errors import ConversationErased, ForeignConversation, StoreUnavailable
from stepwell.base.messages import SYSTEM_ROLES, Message, n_leading
from stepwell.base.request import ChatRequest
from stepwell.memory.context.held import Held
from stepwell.memory.context.log.log import ConversationLog, Listed, Name, NewTurn, Past, Pin, Summary
from stepwell.memory.context.marking import Marking
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.recall.marks import mark_of_query
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.shown import prompt, query_of, transcript
from stepwell.memory.context.summary.summaries import Summaries
from stepwell.memory.context.talk import Talk

Embedded = tuple[str, "NDArray[np.float32]", "TokenVectors | None"]
_N_TRIES = 3
_MANY = 500
_N_BATCHES = 2  # of a summarizer: 0.5 ms to put together
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors

_T = TypeVar("_T")
_decode = msgspec.json.Decoder(Message).decode
_log = logging.getLogger("stepwell.memory")


class Conversations:
    """Belongs to one event loop; the log is the truth, and every read follows it."""

    def __init__(
        self,
        config: ContextConfig,
        log: ConversationLog,
        marking: Marking,
        summaries: Summaries | None,
        *,
        on_erase: Callable[[str, str | None, str | None], Awaitable[object]] | None = None,
    ) -> None:
        """Args:
        on_erase: Takes tenant, user and id of what is erased, for what is kept of it elsewhere.
        """
        self._on_erase = on_erase
        self._config = config
        self._log = log
        self._marking = marking
        self._summaries = summaries
        self._held = Held(
            max_talks=config.max_in_memory,
            max_bytes=config.max_index_mb << 20,
            let_go=lambda talk: marking.forget((talk.name, talk.epoch)),
        )
        self._under_way: set[asyncio.Task[Any]] = set()
        self.n_lost = 0

    # ---- on a request's way

    async def open(self, name: Name) -> Talk:
        """The conversation as the log has it now; an empty one where there is none.

        Raises:
            ForeignConversation: It is another user's.
            StoreUnavailable: The log can't be read.
        """
        return await self._whole(self._opened(name))

    async def _opened(self, name: Name) -> Talk:
        while True:
            talk = self._held.get(name)
            async with talk.lock:
                if await self._follow(talk):
                    break
        self._held.weigh(talk)
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
        n_lead: int | None = None,
        embedded: Embedded | None = None,
    ) -> bool:
        """Add what was said and answered to the log; False where that failed, or it was erased meanwhile.

        Args:
            guarded: Names the guard rules for input that it has passed; `answer_guarded` those that the answer has,
                where they differ.
            asked_s: Unix time at which it was asked.
            n_lead: How many messages headed the request when it came, before what is known was taken out.
            embedded: What of it was embedded as the query.
        """
        lead, said = talk.logged(request, n_leading(request.messages) if n_lead is None else n_lead)
        turns = [NewTurn(bytes(raw), asked_s, guarded, is_lead=True) for raw in lead]
        turns += [NewTurn(bytes(raw), asked_s, guarded) for raw in said]
        turns.append(
            NewTurn(bytes(answer), time.time(), guarded if answer_guarded is None else answer_guarded)
        )
        epoch = talk.epoch  # of several that begin a conversation together, one is first
        try:
            try:
                past = await self._append(talk, turns, since_s=asked_s)
            except ConversationErased:
                if epoch:
                    raise
                talk = await self.open(talk.name)  # another request has begun it meanwhile
                past = await self._append(talk, turns, since_s=asked_s)
        except (StoreUnavailable, ConversationErased, ForeignConversation) as e:
            self.n_lost += 1
            _log.warning("an exchange was not kept: %s", e.code)
            return False
        if embedded is not None:
            self._reuse(talk, past, embedded)
        self.tend(talk)
        return True

    def tend(self, talk: Talk) -> None:
        """Embed and summarise what is new, in the background."""
        name, epoch, seqs = talk.name, talk.epoch, talk.seqs

        def keep(found: list[tuple[int, bytes]]) -> None:
            marks = [(seqs[place], self._marking.seal(mark)) for place, mark in found]
            self._log.keep_marks(name, marks, epoch=epoch)

        self._marking.want((name, epoch), talk.thread, keep)
        summaries = self._summaries
        if (
            summaries is not None
            and talk.may_be_read
            and talk.overflows
            and not summaries.is_busy((name, epoch))
        ):
            self._summarise(talk, summaries)

    def _summarise(self, talk: Talk, summaries: Summaries) -> None:
        """Have the next few batches read; then those after them."""
        summary = talk.summary
        upto = 0 if summary is None else summary.upto
        if not summaries.is_due(summary, talk.n_tokens_from(upto)):
            return
        turns = talk.said(upto, self._n_portion_tokens(summary, summaries))

        def keep(made: Summary) -> None:
            self._keep_summary(talk, made)
            is_through = not summaries.is_due(made, sum(t.n_tokens for t in turns if t.seq >= made.upto))
            if is_through and talk in self._held:
                self._summarise(talk, summaries)

        summaries.want((talk.name, talk.epoch), summary, turns, keep)

    def _n_portion_tokens(self, summary: Summary | None, summaries: Summaries) -> int:
        n = self._config.summary_batch_tokens
        while not summaries.is_due(summary, n):
            n += self._config.summary_batch_tokens
        return _N_BATCHES * n

    # ---- for who looks after conversations

    async def past(self, name: Name, *, after: int = -1) -> Past:
        """The turns after a place, pins and the summary, as the log has them."""
        return await self._log.read(name, after=after)

    async def append(
        self, name: Name, raws: Sequence[bytes], *, guarded: bytes = b"", at_s: float | None = None
    ) -> Past:
        """Add messages (JSON) that were said elsewhere; system messages at their head are the system prompt.

        Raises:
            ForeignConversation, StoreUnavailable
            ConversationErased: It is erased again and again.
        """
        talk = await self.open(name)
        said_s = time.time() if at_s is None else at_s
        n = sum(1 for _ in takewhile(_is_system, raws))
        turns = [NewTurn(raw, said_s, guarded, is_lead=i < n) for i, raw in enumerate(raws)]
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
        self._forget_all(tenant, user, id)
        if self._on_erase is not None:
            await self._on_erase(tenant, user, id)
        try:
            return await self._log.erase(tenant=tenant, user=user, id=id)
        finally:
            self._forget_all(tenant, user, id)  # a request may have read it again meanwhile

    async def drain(self) -> None:
        """Wait for what goes on in the background."""
        await self._marking.drain()
        if self._summaries is not None:
            await self._summaries.drain()

    async def close(self) -> None:
        """Give up what goes on in the background, and let go of the log."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._marking.close()
        if self._summaries is not None:
            await self._summaries.close()
        await self._log.close()

    # ----

    async def _whole(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Done to its end though its caller be cancelled: half of it would scramble a conversation."""
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    def _reuse(self, talk: Talk, past: Past, embedded: Embedded) -> None:
        """The question was embedded to search with: that is its mark, too."""
        if talk.epoch != past.epoch:
            return
        text, vector, pieces = embedded
        for place in range(talk.place_of(past.turns[0].seq), talk.place_of(past.turns[-1].seq + 1)):
            if talk.thread.text_of(place).strip() == text.strip():
                mark = mark_of_query(vector, pieces)
                talk.thread.set_mark(place, mark)
                sealed = [(talk.seqs[place], self._marking.seal(mark))]
                self._log.keep_marks(talk.name, sealed, epoch=talk.epoch)

    async def _follow(self, talk: Talk) -> bool:
        """Whether it is still the one that the log has; one that was erased is forgotten here, too."""
        past = await self._log.read(talk.name, after=talk.n_turns - 1)
        if talk.epoch and past.epoch != talk.epoch:
            self._forget(talk)
            return False
        await self._take(talk, past)
        return True

    async def _append(self, talk: Talk, turns: Sequence[NewTurn], *, since_s: float | None = None) -> Past:
        return await self._whole(self._appended(talk, turns, since_s))

    async def _appended(self, talk: Talk, turns: Sequence[NewTurn], since_s: float | None) -> Past:
        past = await self._log.append(talk.name, turns, epoch=talk.epoch, since_s=since_s)
        async with talk.lock:
            if talk.epoch not in (0, past.epoch):
                return past  # erased and begun anew while this waited
            if past.turns and past.turns[0].seq != talk.n_turns:
                with suppress(StoreUnavailable):  # they are in the log: the next request follows it
                    await self._follow(talk)  # others have spoken meanwhile
            else:
                await self._take(talk, past)
        self._held.weigh(talk)
        return past

    async def _take(self, talk: Talk, past: Past) -> None:
        if len(past.turns) > _MANY or talk.thread.is_busy:
            await asyncio.to_thread(talk.take, past, self._marking.unseal)
        else:
            talk.take(past, self._marking.unseal)

    def _keep_summary(self, talk: Talk, made: Summary) -> None:
        self._log.keep_summary(talk.name, made, epoch=talk.epoch)
        if talk.summary is None or made.upto >= talk.summary.upto:
            talk.summary = made

    def _forget_all(self, tenant: str, user: str | None, id: str | None) -> None:
        for name in self._held.names():
            if _is_meant(name, tenant, user, id) and (talk := self._held.find(name)) is not None:
                self._forget(talk)

    def _forget(self, talk: Talk) -> None:
        self._held.forget(talk)
        self._marking.forget((talk.name, talk.epoch))
        if self._summaries is not None:
            self._summaries.forget((talk.name, talk.epoch))


def _is_system(raw: bytes) -> bool:
    return _decode(raw).role in SYSTEM_ROLES


def _is_meant(name: Name, tenant: str, user: str | None, id: str | None) -> bool:
    return name.tenant == tenant and user in (None, name.user) and id in (None, name.id)
