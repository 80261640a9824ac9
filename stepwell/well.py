"""Stepwell: the public face. One async implementation, with a thin sync front on a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from stepwell.asks import Messages, make_request
from stepwell.base.config import Config
from stepwell.base.decisions import Decision
from stepwell.base.errors import BadRequest, ConfigError, StoreUnavailable
from stepwell.base.reply import Reply
from stepwell.blocking import Loop, SyncStream
from stepwell.build import build
from stepwell.check import check
from stepwell.check_line import CheckLine
from stepwell.conversation import Conversation, conversations_of
from stepwell.memory.context.log.log import Listed
from stepwell.pipeline import Pipeline
from stepwell.router.outcomes import open_outcomes
from stepwell.router.tierinfo import TierInfo
from stepwell.router.tiers.base import Backend
from stepwell.stream import ReplyStream

T = TypeVar("T")


class Stepwell:
    """A well: its tiers, its promises, and the way down.

    Args:
        config: A whole configuration; or give sections by name, as in YAML: `Stepwell(promises={"min_p_ok": 0.8})`.
        backends: Tier name -> what answers in its place, for tests (`stepwell.testing.FakeTier`).

    Raises:
        ConfigError: Something in the configuration is wrong; names it.

    An instance belongs to one event loop: the caller's for the `a…` methods, one of its own for the others. Don't
    mix both on one instance. Once it is closed, whatever is asked of it raises StoreUnavailable.
    """

    def __init__(
        self, config: Config | None = None, *, backends: Mapping[str, Backend] | None = None, **sections: Any
    ) -> None:
        if config is not None and sections:
            raise TypeError("give either a Config or sections, not both")
        self.config = config if config is not None else Config.make(sections)
        self.outcomes = open_outcomes(self.config.feedback)
        self.pipeline: Pipeline = build(self.config, backends, self.outcomes)
        self._is_closed = False
        self._loop: Loop | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_yaml(cls, path: str | Path, *, backends: Mapping[str, Backend] | None = None) -> Stepwell:
        """Read stepwell.yaml.

        Raises:
            ConfigError: Names file, key and the nearest known key.
        """
        return cls(Config.from_yaml(path), backends=backends)

    @property
    def tiers(self) -> list[TierInfo]:
        """Every tier as the router sees it, cheapest first."""
        return list(self.pipeline.router.tiers)

    def conversation(self, id: str, *, tenant: str | None = None, user: str | None = None) -> Conversation:
        """The conversation of that name, begun or not: its history is kept, and fitted to what each turn needs.

        Args:
            id: 1 to 256 characters, as they are (in HTTP's header and paths they are percent-encoded); another
                tenant's of the same name is another one.

        Raises:
            BadRequest: It can't be a name.
        """
        baseline_tier = self.config.routing.baseline_tier
        return Conversation(self._open, self._own_loop, id, tenant, user, baseline_tier)

    # ---- async

    async def achat(self, messages: Messages, **asks: Any) -> Reply:
        """Answer a prompt or a list of OpenAI messages.

        Args:
            messages: A text (one user turn) or OpenAI messages.
            **asks: `model` ("auto" routes; a tier's or model's name pins it), `tier`, `min_tier`, `max_usd`,
                `tags`, `below_floor` ("refuse" or "flag"), `cache` (False: neither read nor written; "exact": not by
                meaning; "no-store": read, not written; "no-sampled": no answer drawn at a temperature above 0),
                `timeout_s`, `session` (the conversation's name), `conversation` (as `session`; its history is kept),
                `tenant`, `user`; anything else is an OpenAI request field (temperature, tools, seed, …).

        Raises:
            StepwellError: See base.errors; BadRequest, BudgetExceeded, GuardBlocked, QualityFloorUnmet and
                AllTiersFailed are the ones to expect.
        """
        return await self._open().complete(make_request(messages, asks))

    async def astream(self, messages: Messages, **asks: Any) -> ReplyStream:
        """As `achat`, streamed: returns once the first token is there. Iterate it, or `aclose` it."""
        return await self._open().stream(make_request(messages, asks, is_stream=True))

    async def aexplain(self, messages: Messages, **asks: Any) -> Decision:
        """Decide as `achat` would, and call no tier."""
        return await self._open().explain(make_request(messages, asks))

    async def afeedback(
        self, reply_id: str, score: float, *, tier: str | None = None, tenant: str | None = None
    ) -> str:
        """Say how good a reply was: it becomes an outcome. Gives the tier that was scored.

        Args:
            reply_id: `reply.trace.request_id` (HTTP: x-request-id), or the `id` in the answer's body.
            score: 0 (no use) .. 1 (good).
            tier: Where another tier's answer to the same ask is scored.
            tenant: The tenant whose reply it was, where one was named.

        Raises:
            BadRequest: No score, or no such tier; UnknownReply: no such reply; ConfigError: `feedback.path` is not set.
        """
        if self.outcomes is None:
            raise ConfigError("feedback.path is not set: no feedback is taken")
        if tier is not None and tier not in self.config.tiers:
            raise BadRequest(
                f"There is no such tier; there are {', '.join(self.config.tiers)}.", param="tier"
            )
        return await asyncio.to_thread(self.outcomes.feedback, reply_id, score, tenant=tenant, tier=tier)

    async def areport_bad(self, hit_id: str, *, tenant: str | None = None) -> bool:
        """Say that a cache hit was wrong: its answer is gone at once, and the cache learns from it.

        Args:
            hit_id: `reply.trace.cache.hit_id` (HTTP: x-stepwell-cache-hit-id); what was not served has none.
            tenant: Only where the answer is this tenant's.

        Returns:
            False where there is no such entry (any more), or no cache.

        Raises:
            StoreUnavailable: It could not be deleted.
        """
        cache = self.pipeline.cache
        return False if cache is None else await cache.report_bad(hit_id, tenant=tenant)

    async def aerase_cache(
        self, *, tenant: str = "", user: str | None = None, hit_id: str | None = None
    ) -> int:
        """Delete what a tenant, one user of theirs, or one entry left in the cache; returns how many entries.

        Args:
            tenant: "" for requests that named none.

        Raises:
            StoreUnavailable: It could not be deleted.
        """
        cache = self.pipeline.cache
        if cache is None:
            return 0
        if hit_id is not None:
            return int(await cache.remove(hit_id, tenant=tenant))
        return await cache.erase(tenant=tenant, user=user)

    async def aconversations(
        self, *, tenant: str = "", user: str | None = None, limit: int = 100
    ) -> list[Listed]:
        """A tenant's conversations, or those of one user of theirs, the latest first.

        Raises:
            StoreUnavailable: The log can't be read.
        """
        return await conversations_of(self._open()).list(tenant=tenant, user=user, limit=limit)

    async def aerase_conversations(
        self, *, tenant: str = "", user: str | None = None, id: str | None = None
    ) -> int:
        """Delete a tenant's conversations, those of one user, or one, with all that was made of them; returns how many.

        Raises:
            StoreUnavailable: They could not be deleted.
        """
        return await conversations_of(self._open()).erase(tenant=tenant, user=user, id=id)

    async def acheck(self) -> list[CheckLine]:
        """Say what is reachable, what lacks a key, and what each promise can rest on today."""
        return await check(self.pipeline)

    async def aclose(self) -> None:
        """Let go of connections, processes and files."""
        if self._is_closed:
            return
        self._is_closed = True
        await self.pipeline.close()
        if self.outcomes is not None:
            self.outcomes.close()

    async def __aenter__(self) -> Stepwell:
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        await self.aclose()

    # ---- sync

    def chat(self, messages: Messages, **asks: Any) -> Reply:
        """As `achat`, blocking."""
        return self._own_loop().run(self.achat(messages, **asks))

    def stream(self, messages: Messages, **asks: Any) -> SyncStream:
        """As `astream`, blocking: iterate it for pieces of text; `.reply` is there after the end."""
        loop = self._own_loop()
        return SyncStream(loop, loop.run(self.astream(messages, **asks)))

    def explain(self, messages: Messages, **asks: Any) -> Decision:
        """As `aexplain`, blocking."""
        return self._own_loop().run(self.aexplain(messages, **asks))

    def feedback(
        self, reply_id: str, score: float, *, tier: str | None = None, tenant: str | None = None
    ) -> str:
        """As `afeedback`, blocking."""
        return self._own_loop().run(self.afeedback(reply_id, score, tier=tier, tenant=tenant))

    def report_bad(self, hit_id: str, *, tenant: str | None = None) -> bool:
        """As `areport_bad`, blocking."""
        return self._own_loop().run(self.areport_bad(hit_id, tenant=tenant))

    def erase_cache(self, *, tenant: str = "", user: str | None = None, hit_id: str | None = None) -> int:
        """As `aerase_cache`, blocking."""
        return self._own_loop().run(self.aerase_cache(tenant=tenant, user=user, hit_id=hit_id))

    def conversations(self, *, tenant: str = "", user: str | None = None, limit: int = 100) -> list[Listed]:
        """As `aconversations`, blocking."""
        return self._own_loop().run(self.aconversations(tenant=tenant, user=user, limit=limit))

    def erase_conversations(self, *, tenant: str = "", user: str | None = None, id: str | None = None) -> int:
        """As `aerase_conversations`, blocking."""
        return self._own_loop().run(self.aerase_conversations(tenant=tenant, user=user, id=id))

    def check(self) -> list[CheckLine]:
        """As `acheck`, blocking."""
        return self._own_loop().run(self.acheck())

    def close(self) -> None:
        """As `aclose`, blocking; ends the loop's thread."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is None:
            if self._is_closed:
                return
            loop = Loop()
        loop.run(self.aclose())
        loop.stop()

    def __enter__(self) -> Stepwell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start work on the loop of the sync methods, from any thread; cancelling the future cancels it."""
        try:
            return self._own_loop().submit(work)
        except StoreUnavailable:
            work.close()
            raise

    def _open(self) -> Pipeline:
        """Raises:
        StoreUnavailable: The well is closed.
        """
        if self._is_closed:
            raise StoreUnavailable("the well is closed")
        return self.pipeline

    def _own_loop(self) -> Loop:
        self._open()
        with self._lock:  # threads may share a well, and their first calls come at once
            if self._loop is None:
                self._loop = Loop()
            return self._loop
