"""Feedback: what becomes an outcome, and where outcomes are kept."""

from __future__ import annotations

from pydantic import Field

from stepwell.base.config.section import Section


class FeedbackConfig(Section):
    path: str | None = Field(default=None, description="SQLite file of outcomes; none: no feedback is taken")
    keep_prompts: bool = Field(
        default=False,
        description="keep the last ask's text with its outcome; else its vector and traits only",
    )
    max_rows: int = Field(default=100_000, ge=1, description="the oldest go first")
    ttl_s: float = Field(default=7 * 86_400, gt=0, description="how long a reply waits for its feedback")
    explore_share: float = Field(
        default=0.0,
        ge=0,
        le=0.2,
        description="share of requests that go to another tier than the best one, for labels; never under the floor",
    )
