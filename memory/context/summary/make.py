"""Summaries as the config names them."""

from __future__ import annotations

from stepwell.base import plug
from stepwell.base.config.context import ContextConfig
from stepwell.base.errors import ConfigError
from stepwell.memory.context.summary.own import OwnSummarizer
from stepwell.memory.context.summary.pace import Pace
from stepwell.memory.context.summary.scribe import Scribe
from stepwell.memory.context.summary.summaries import Summaries
from stepwell.memory.context.summary.summarizer import Summarizer
from stepwell.memory.context.summary.tier import N_PROMPT_TOKENS, AskTier, TierSummarizer

GROUP = "stepwell.summarizers"


def make_summaries(config: ContextConfig, *, ask: AskTier | None = None) -> Summaries | None:
    """Make what `context.summary` names; None for "off".

    Args:
        ask: For "tier:NAME": sends a prompt to that tier and gives the reply's text.

    Raises:
        ConfigError: Nothing has that name, or it can't summarize.
    """
    if config.summary == "off":
        return None
    is_free = config.summary == "extract"
    pace = Pace(config.summary_tokens, config.summary_batch_tokens, 0 if is_free else N_PROMPT_TOKENS)
    scribe = Scribe(
        None if is_free else _made(config, pace, ask),
        pace,
        timeout_s=config.summary_timeout_s,
        max_failures=config.summary_failures,
        rest_s=config.summary_rest_s,
    )
    return Summaries(scribe)


def tier_of(spec: str) -> str | None:
    """The tier that `context.summary` names, None where it names none."""
    return spec.removeprefix("tier:") if spec.startswith("tier:") else None


def _made(config: ContextConfig, pace: Pace, ask: AskTier | None) -> Summarizer:
    spec, tier = config.summary, tier_of(config.summary)
    if tier is None:
        return _own(spec)
    if not tier or ask is None:
        raise ConfigError(f"context.summary is {spec!r}: name a tier, as in 'tier:cheap'")
    return TierSummarizer(tier, ask, max_read_tokens=pace.portion_tokens, timeout_s=config.summary_timeout_s)


def _own(spec: str) -> Summarizer:
    found = plug.load(spec, group=GROUP)
    if not callable(found) or isinstance(found, type):
        raise ConfigError(f"context.summary is {spec!r}: that is no function of (summary, lines, max_tokens)")
    return OwnSummarizer(spec, found)
