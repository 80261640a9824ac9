"""Promises: what the user is owed, each held by one stage."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from stepwell.base.config.env_name import EnvName
from stepwell.base.config.section import Section


class PromisesConfig(Section):
    min_p_ok: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="quality floor: a tier may answer only where its answer is good enough with this probability",
    )
    min_quality: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="at least this share of the dearest tier's mean quality, with 95 % confidence; needs a learned "
        "policy that was tuned for it",
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
    ledger_redis_url_env: EnvName | None = Field(
        default=None,
        description="environment variable with the URL of the Redis that keeps the day's spending of all replicas",
    )
    max_cache_error: float = Field(
        default=0.02, description="share of semantic cache hits that may be wrong, above 0 and below 0.5"
    )
    max_false_blocks: float = Field(
        default=0.01, ge=0, le=1, description="share of honest requests that learned guards may block"
    )

    min_recall: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="expected share of the older messages that matter now which packing must keep; where a tier's "
        "window keeps less, a wider one is taken",
    )

    @field_validator("max_cache_error")
    @classmethod
    def _can_be_kept(cls, share: float) -> float:
        if not 0 < share < 0.5:
            raise ValueError(
                "must be above 0 and below 0.5; to serve nothing by meaning, use cache.semantic: off"
            )
        return share

    @model_validator(mode="after")
    def _one_ledger(self) -> PromisesConfig:
        if self.ledger_path is not None and self.ledger_redis_url_env is not None:
            raise ValueError("give either ledger_path or ledger_redis_url_env, not both")
        return self
