"""Dispatch: one deadline over all tries."""

from __future__ import annotations

from pydantic import Field

from stepwell.base.config.section import Section


class DispatchConfig(Section):
    timeout_s: float = Field(
        default=60, gt=0, description="deadline over all tries; for a stream: until its first token"
    )
    stream_idle_timeout_s: float = Field(default=30, gt=0, description="longest silence within a stream")
    stream_timeout_s: float = Field(default=600, gt=0, description="longest stream")
    connect_timeout_s: float = Field(default=5, gt=0)
    try_share: float = Field(
        default=0.67,
        gt=0,
        le=1,
        description="share of the time left that one try may take while others could follow",
    )
    max_retries: int = Field(default=2, ge=0, description="further tries on the same tier")
    backoff_s: float = Field(default=0.25, gt=0, description="first wait; doubles, with full jitter")
    max_backoff_s: float = Field(default=8, gt=0)
    failures_before_cooldown: int = Field(
        default=3, ge=1, description="failures in a row until a deployment rests"
    )
    cooldown_s: float = Field(default=10, ge=0, description="how long it rests; a Retry-After wins")
    max_queue: int = Field(default=1000, ge=0, description="requests that wait for a place at a deployment")
    max_answer_bytes: int = Field(default=16 * 2**20, ge=1024)
