"""Promises: what the user is owed, each held by one stage."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stepwell.base.config.section import Section


class PromisesConfig(Section):
    min_p_ok: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="quality floor: a tier may answer only where its answer is good enough with this probability",
    )
    below_floor: Literal["refuse", "flag"] = Field(
        default="refuse",
        description="where only tiers under the floor are left: an error, or a flagged answer",
    )
    max_usd_per_request: float | None = Field(default=None, gt=0, description="hard, every try counted")
    max_usd_per_user_day: float | None = Field(default=None, gt=0, description="UTC day")
    max_usd_per_tenant_day: float | None = Field(default=None, gt=0, description="UTC day")
    max_usd_per_day: float | None = Field(default=None, gt=0, description="UTC day, all callers")
    ledger_path: str | None = Field(
        default=None,
        description="SQLite file that keeps the day's spending over a restart; none: memory only",
    )
    max_cache_error: float = Field(
        default=0.02, ge=0, le=1, description="share of semantic cache hits that may be wrong"
    )
    max_false_blocks: float = Field(
        default=0.01, ge=0, le=1, description="share of honest requests that learned guards may block"
    )
