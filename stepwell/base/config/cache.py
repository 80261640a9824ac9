"""The cache: exact and by meaning, with SQLite as the truth."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from stepwell.base.config.env_name import EnvName
from stepwell.base.config.section import Section


class CacheConfig(Section):
    exact: bool = Field(default=True, description="serve the same request again from the cache")
    semantic: Literal["off", "shadow", "auto", "serve"] = Field(
        default="auto",
        description="by meaning, within promises.max_cache_error: shadow counts what would have been saved and wrong; "
        "auto is shadow until the evidence supports the budget, serves then, and steps back when it no longer does; "
        "serve begins at once, on the shipped weights",
    )
    verifier: str | None = Field(
        default=None, description="folder written by `stepwell cache tune`; none: the shipped weights"
    )
    judge: str = Field(
        default="answers",
        description="says in the background whether a neighbour's answer would have done: answers (compares the two "
        "texts), tier:NAME (asks that tier, and pays), an entry point or 'module:function' of yours, off",
    )
    judge_error: float = Field(
        default=0,
        ge=0,
        lt=0.5,
        description="share of the judge's verdicts that may be wrong, where you have measured it: the error budget "
        "then leans on it",
    )
    audit_share: float = Field(
        default=0.02, ge=0, le=1, description="share of semantic hits that still go upstream, for the judge"
    )
    path: str | None = Field(default=None, description="SQLite file; none keeps the cache in memory")
    redis_url_env: EnvName | None = Field(
        default=None,
        description="environment variable with the URL of the Redis through which several replicas share the cache",
    )
    store: str | None = Field(
        default=None, description="in SQLite's place: an entry point or 'module:factory' (memory.store.Store)"
    )
    ttl_s: float = Field(default=3600, gt=0, description="absolute, counted from the write")
    max_entries_per_tenant: int = Field(default=10_000, ge=1)
    embed_timeout_s: float = Field(default=0.5, gt=0, description="a slower embedding counts as a miss")
    redis_timeout_s: float = Field(
        default=0.2, gt=0, description="no request waits longer for Redis; then it is local and exact only"
    )
    sampled: bool = Field(default=True, description="also keep answers drawn at a temperature above 0")
    pii: bool = Field(default=False, description="also keep what a guard marked as personal data")
    hit_delay_s: float = Field(
        default=0,
        ge=0,
        description="a hit answers no sooner than this, so that its timing does not show what others asked",
    )

    @model_validator(mode="after")
    def _one_store(self) -> CacheConfig:
        named = [n for n in ("path", "redis_url_env", "store") if getattr(self, n) is not None]
        if "store" in named and len(named) > 1:
            raise ValueError(f"give either {' or '.join(named)}, not both")
        return self
