"""`StepwellChatMessageHistory`: LangChain's chat history on a well's log of conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage

from stepwell.front.langchain.bridge import send, wait
from stepwell.front.langchain.kept import from_kept, to_kept
from stepwell.well import Stepwell


class StepwellChatMessageHistory(BaseChatMessageHistory):
    """A conversation of a well as LangChain reads and writes it; `well.conversation(id)` is the same one.

    Messages are kept as the OpenAI wire has them, and come back as they were. What it has no place for is not kept:
    a message's `id`, `response_metadata` and `usage_metadata`, a tool result's `artifact` and `status`, a model's
    thoughts; an image comes back as OpenAI's `image_url`.

    Args:
        well: Stays the caller's to close, by `close()`. Runs on its own loop here: leave its `a…` methods alone.
        tenant, user: Whose it is; another user's is refused (ForeignConversation).
    """

    def __init__(
        self, well: Stepwell, conversation_id: str, *, tenant: str | None = None, user: str | None = None
    ) -> None:
        self._well = well
        self._conversation = well.conversation(conversation_id, tenant=tenant, user=user)

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # the base declares a field, for all to override
        """All turns, the first one first."""
        return from_kept(wait(send(self._well, self._conversation.amessages())))

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add turns; they are on the disk when this returns.

        Raises:
            BadRequest: One is no message that can be kept: nothing of them is.
        """
        wait(send(self._well, self._conversation.aappend(to_kept(messages))))

    def clear(self) -> None:
        """Erase the conversation, its pins and summary too; it may be begun anew."""
        wait(send(self._well, self._conversation.aerase()))

    async def aget_messages(self) -> list[BaseMessage]:
        """As `messages`, without blocking."""
        return from_kept(await asyncio.wrap_future(send(self._well, self._conversation.amessages())))

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """As `add_messages`, without blocking."""
        await asyncio.wrap_future(send(self._well, self._conversation.aappend(to_kept(messages))))

    async def aclear(self) -> None:
        """As `clear`, without blocking."""
        await asyncio.wrap_future(send(self._well, self._conversation.aerase()))
