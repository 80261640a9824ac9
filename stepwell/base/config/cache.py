"""The cache: exact and by meaning, with SQLite as the truth."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stepwell.base.config.section import Section


class CacheConfig(Section):
    exact: bool = Field(default=True, description="serve the same request again from the cache")
    semantic: Literal["off", "shadow", "serve"] = Field(
        default="shadow",
        description="shadow counts what would have been served; serve needs min_similarity to be your own choice",
    )
    min_similarity: float = Field(
        default=0.97, ge=-1, le=1, description="cosine from which a neighbour counts as a candidate"
    )
    path: str | None = Field(default=None, description="SQLite file; none keeps the cache in memory")
    store: str | None = Field(
        default=None, description="in SQLite's place: an entry point or 'module:factory' (memory.store.Store)"
    )
    ttl_s: float = Field(default=3600, gt=0, description="absolute, counted from the write")
    max_entries_per_tenant: int = Field(default=10_000, ge=1)
    embed_timeout_s: float = Field(default=0.5, gt=0, description="a slower embedding counts as a miss")
