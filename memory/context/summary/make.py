"""Summaries as the config names them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from stepwell.base import plug
from stepwell.base.config.context import ContextConfig
from stepwell.base.errors import ConfigError
from stepwell.memory.context.log.log import Name
from stepwell.memory.context.summary.own import OwnSummarizer
from stepwell.memory.context.summary.pace import Pace
from stepwell.memory.context.summary.reading import N_PROMPT_TOKENS, reading
from stepwell.memory.context.summary.scribe import Scribe
from stepwell.memory.context.summary.summaries import Summaries
from stepwell.memory.context.summary.summarizer import Summarizer
from stepwell.memory.context.summary.tier import AskTier, TierSummarizer

GROUP = "stepwell.summarizers"


def make_summaries(
    config: ContextConfig,
    *,
    ask: Callable[[str], Awaitable[str]] | None = None,
    ask_as: AskTier | None = None,
    window_tokens: int | None = None,
    model: str = "",
) -> Summaries | None:
    """Make what `context.summary` names; None for "off".

    Args:
        ask: For "tier:NAME": sends a prompt to that tier and gives the reply's text.
        ask_as: The same, told whose conversation it is; goes before `ask`.
        window_tokens: What that tier's prompt and reply may take together; None: whatever they take.
        model: The tier's, by whose vocabulary (`base.tokens.safest`) its prompts are measured; "": one that is not
            known, with a margin.

    Raises:
        ConfigError: Nothing has that name, it can't summarize, or hardly anything fits its window.
    """
    if config.summary == "off":
        return None
    if config.summary == "extract":
        first, pace = None, Pace(config.summary_tokens, config.summary_batch_tokens)
    else:
        first, pace = _made(config, ask_as or _for_all(ask), window_tokens, model)
    scribe = Scribe(
        first,
        pace,
        timeout_s=config.summary_timeout_s,
        max_failures=config.summary_failures,
        rest_s=config.summary_rest_s,
    )
    return Summaries(scribe)


def tier_of(spec: str) -> str | None:
    """The tier that `context.summary` names, None where it names none."""
    return spec.removeprefix("tier:") if spec.startswith("tier:") else None


def _made(
    config: ContextConfig, ask: AskTier | None, window_tokens: int | None, model: str
) -> tuple[Summarizer, Pace]:
    spec, tier = config.summary, tier_of(config.summary)
    pace = Pace(config.summary_tokens, config.summary_batch_tokens, N_PROMPT_TOKENS)
    if tier is None:
        return _own(spec), pace
    if not tier or ask is None:
        raise ConfigError(f"context.summary is {spec!r}: name a tier, as in 'tier:cheap'")
    read = reading(
        pace.portion_tokens,
        config.summary_tokens,
        window_tokens=_most(config, window_tokens),
        model=model,
        reserve_tokens=config.reserve_tokens,
    )
    pace = replace(pace, most_portion_tokens=read.portion_tokens)
    return TierSummarizer(tier, ask, reading=read, timeout_s=config.summary_timeout_s), pace


def _most(config: ContextConfig, window_tokens: int | None) -> int | None:
    """What prompt and reply may take; the limit for all prompts holds for these, too."""
    limit = config.max_prompt_tokens
    if limit is None:
        return window_tokens
    most = limit + config.reserve_tokens
    return most if window_tokens is None else min(most, window_tokens)


def _own(spec: str) -> Summarizer:
    found = plug.load(spec, group=GROUP)
    if not callable(found) or isinstance(found, type):
        raise ConfigError(f"context.summary is {spec!r}: that is no function of (summary, lines, max_tokens)")
    return OwnSummarizer(spec, found)


def _for_all(ask: Callable[[str], Awaitable[str]] | None) -> AskTier | None:
    """Asks alike, whoever's conversation it is."""
    if ask is None:
        return None

    async def ask_as(prompt: str, of: Name) -> str:
        return await ask(prompt)

    return ask_as
