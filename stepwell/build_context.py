"""Conversations from a configuration: their log, their summaries, and what embeds them. Opens no connection."""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from stepwell.base.config import Config
from stepwell.base.config.context import ContextConfig
from stepwell.base.embedding import Embedder, embedder_name
from stepwell.base.errors import ConfigError
from stepwell.base.request import NOBODY, Caller, ChatRequest, Wishes
from stepwell.base.tokens import safest
from stepwell.conversing import Conversing
from stepwell.guards.guard import Guard
from stepwell.memory.context.log.log import ConversationLog, Name
from stepwell.memory.context.summary.make import make_summaries, tier_of
from stepwell.memory.context.summary.summaries import Summaries
from stepwell.pipeline import Pipeline
from stepwell.router.cascade.again import N_MORE_TOKENS
from stepwell.router.tierinfo import TierInfo

if TYPE_CHECKING:
    from stepwell.memory.context.conversations import Conversations
    from stepwell.memory.context.marking import Marking


class Ask(Protocol):
    def __call__(self, prompt: str, of: Name | None = None) -> Awaitable[str]: ...


OnErase = Callable[[str, str | None, str | None], Awaitable[object]]
"""Takes tenant, user and id of conversations that are erased; None: all."""


def asker(tier: str, tag: str, pipeline: Callable[[], Pipeline]) -> Ask:
    """Asks a tier through every stage but the cache: guards see it, and the budgets of whose work it is count it.

    What it asks about may have come under any route of the guards, so those by tags and headers all apply.
    """

    async def ask(prompt: str, of: Name | None = None) -> str:
        routes = pipeline().config.guards.routes
        tags = frozenset({tag}).union(*(r.tags for r in routes))
        headers: dict[str, tuple[str, ...]] = {}
        for name, value in ((k.lower(), v) for r in routes for k, v in r.header.items()):
            headers[name] = (*headers.get(name, ()), value)
        wishes = Wishes(tier=tier, cache=False, tags=tags, headers=headers)
        caller = NOBODY if of is None else Caller(of.tenant or None, of.user or None)
        fields = {"messages": [{"role": "user", "content": prompt}], "temperature": 0}
        reply = await pipeline().complete(ChatRequest.build(fields, caller, wishes))
        return reply.text

    return ask


def make_marking(config: Config, embedder: Callable[[], Embedder]) -> Callable[[], Marking]:
    """One for all conversations, made with numpy when the first one needs it."""

    @functools.cache
    def make() -> Marking:
        from stepwell.memory.context.marking import Marking

        return Marking(embedder, embedder_name(config.embedding))

    return make


def make_conversing(
    config: Config,
    guard: Guard,
    marking: Callable[[], Marking],
    infos: Sequence[TierInfo],
    pipeline: Callable[[], Pipeline],
    on_erase: OnErase | None = None,
) -> Conversing:
    context = config.context
    summaries = _summaries(config, infos, pipeline)
    log = _conversation_log(context) if context.path or context.redis_url_env else None

    def open_() -> Conversations:
        from stepwell.memory.context.conversations import Conversations

        return Conversations(
            context, log or _conversation_log(context), marking(), summaries, on_erase=on_erase
        )

    return Conversing(open_, guard)


def _summaries(
    config: Config, infos: Sequence[TierInfo], pipeline: Callable[[], Pipeline]
) -> Summaries | None:
    tier = tier_of(config.context.summary)
    if tier is None:
        return make_summaries(config.context)
    info = next((info for info in infos if info.name == tier), None)
    if info is None:
        raise ConfigError(f"context.summary names tier {tier!r}; there are {', '.join(config.tiers)}")
    more = N_MORE_TOKENS if config.routing.cascade == "on" else 0
    return make_summaries(
        config.context,
        ask_as=asker(tier, "context-summary", pipeline),
        window_tokens=info.window_or_assumed - info.n_system_tokens - more,
        model=safest(info.models),
    )


def _conversation_log(context: ContextConfig) -> ConversationLog:
    """Opened at the start where it is a file or a Redis: what is wrong with it shows at once."""
    if context.redis_url_env is None:
        from stepwell.memory.context.log.sqlite_log import SqliteLog

        return SqliteLog(context.path)
    url = os.environ.get(context.redis_url_env)
    if not url:
        raise ConfigError(f"context.redis_url_env: {context.redis_url_env} is not set in the environment")
    from stepwell.memory.context.log.redis_log import RedisLog

    return RedisLog(url, timeout_s=context.redis_timeout_s)
