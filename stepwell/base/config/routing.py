"""Routing: rules first, then a policy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from stepwell.base.config.section import Section


class RuleConfig(Section):
    """Where every condition that is set holds, do one thing. The first `pin` wins; `min_tier`s add up."""

    name: str
    keywords: list[str] = Field(
        default_factory=list, description="any of them in the last ask, as whole words"
    )
    header: dict[str, str] = Field(default_factory=dict, description="request header -> value")
    tags: list[str] = Field(default_factory=list, description="any of them among the request's tags")
    tenants: list[str] = Field(default_factory=list)
    pin: str | None = Field(
        default=None,
        description="tier to use; a fine-tuned one (local/<promoted name>) is reached so until a tuned policy knows it",
    )
    min_tier: str | None = Field(default=None, description="nothing cheaper than this tier")

    @model_validator(mode="after")
    def _does_something(self) -> RuleConfig:
        if not (self.keywords or self.header or self.tags or self.tenants):
            raise ValueError("a rule needs at least one of keywords, header, tags, tenants")
        if (self.pin is None) == (self.min_tier is None):
            raise ValueError("a rule needs exactly one of pin, min_tier")
        return self


class RoutingConfig(Section):
    policy: str = Field(
        default="coldstart",
        description="coldstart, heuristic, learned:FOLDER (from `stepwell tune`), an entry point, 'module:factory'; "
        "a fine-tuned tier is chosen by a learned one alone, where the ask is like its known traffic",
    )
    policy_timeout_s: float = Field(
        default=0.25, gt=0, description="a slower policy is replaced by the heuristic"
    )
    rules: list[RuleConfig] = Field(default_factory=list)
    escalate_phrases: list[str] = Field(
        default_factory=lambda: ["use the best model", "think harder"],
        description="in the last ask: go one tier up",
    )
    baseline_tier: str | None = Field(
        default=None, description="savings are counted against this tier; none: not measured"
    )
    unknown_price_usd_per_1m: float | None = Field(
        default=None,
        gt=0,
        description="reserve this much per 1M tokens where a price is unknown; none: refuse such a deployment",
    )
    target_share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="share of requests that the dearest tier should get; held also when traffic changes",
    )
    target_usd_per_day: float | None = Field(
        default=None, gt=0, description="steers the same way; max_usd_per_day is the hard limit"
    )
    cascade: Literal["off", "on"] = Field(
        default="off",
        description="where answers compare (number, choice, JSON, short) and it pays: ask cheap tiers, go up if they "
        "disagree",
    )
    confidence: Literal["off", "on"] = Field(
        default="off", description="go up where a tier's own log-probabilities say that its answer is poor"
    )
    validators: list[str] = Field(
        default_factory=list,
        description="checks of the answer: json, json_schema, tool_arguments, or 'module:function'; a failed one "
        "goes one tier up",
    )
    max_escalations: int = Field(default=1, ge=0, le=4, description="steps up for one request")
    session_max: int = Field(default=10_000, ge=0, description="conversations whose tier is kept; 0: none")
    session_ttl_s: float = Field(default=3600, gt=0, description="a conversation silent so long is forgotten")
    session_cache_ttl_s: float = Field(
        default=300, ge=0, description="how long providers keep a prompt cache; a switch is priced by it"
    )
    session_failures: int = Field(
        default=2,
        ge=0,
        description="failed tool results, of the last 8 in a task, that raise the tier; 0: never",
    )
    session_repeats: int = Field(
        default=3, ge=0, description="the same tool call so often in a row raises the tier; 0: never"
    )

    @model_validator(mode="after")
    def _one_target(self) -> RoutingConfig:
        if self.target_share is not None and self.target_usd_per_day is not None:
            raise ValueError("give either target_share or target_usd_per_day, not both")
        return self
