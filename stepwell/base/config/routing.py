"""Routing: rules first, then a policy."""

from __future__ import annotations

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
    pin: str | None = Field(default=None, description="tier to use")
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
        default="heuristic", description="heuristic, an entry point's name, or 'module:factory'"
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
