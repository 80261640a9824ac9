"""A request's way into a conversation that was named, and the exchange's way into its log."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from stepwell.base.reply import Reply
from stepwell.guards.guard import Guard
from stepwell.memory.context.log.log import Name
from stepwell.run import Run, last_user_text

if TYPE_CHECKING:
    from stepwell.memory.context.conversations import Conversations


class _Said(msgspec.Struct):
    message: Raw


class _Body(msgspec.Struct):
    choices: list[_Said] = msgspec.field(default_factory=list)


_decode = msgspec.json.Decoder(_Body).decode


class Conversing:
    """Joins requests with their conversations.

    Args:
        open_: Makes what holds all conversations, when the first one is named.
    """

    def __init__(self, open_: Callable[[], Conversations], guard: Guard) -> None:
        self._open = open_
        self._guarded = guard.fingerprint

    @cached_property
    def conversations(self) -> Conversations:
        """All conversations; made when first asked for."""
        return self._open()

    async def join(self, run: Run) -> str:
        """Find the conversation, and keep of the request what is new to it.

        Returns:
            What of the conversation an answer may depend on, as a part of the cache's scope; "" at its beginning.

        Raises:
            ForeignConversation, StoreUnavailable
        """
        request, caller = run.request, run.request.caller
        assert request.wishes.conversation is not None
        name = Name(request.wishes.conversation, caller.tenant or "", caller.user or "")
        run.talk = talk = await self.conversations.open(name)
        run.guarded = self._guarded
        run.request = run.sent = talk.news(request)
        return "" if talk.is_empty else f"+after:{talk.digest.hex()}"

    async def keep(self, run: Run, reply: Reply) -> None:
        """Put the exchange into the log; the trace says whether it is there. Never raises for the log's sake."""
        talk, sent = run.talk, run.sent
        if talk is None or sent is None:
            return
        said = _decode(reply.body).choices
        is_logged = False
        if said:
            text = last_user_text(sent)
            made = run.vector.made(text)
            is_logged = await self.conversations.close_exchange(
                talk,
                sent,
                said[0].message,
                guarded=run.guarded,
                asked_s=time.time() - (time.monotonic() - run.began_s),
                embedded=None if made is None else (text, *made),
            )
        run.trace.is_logged = is_logged

    async def close(self) -> None:
        """Let go of the log, where it was opened."""
        if "conversations" in self.__dict__:
            await self.conversations.close()
