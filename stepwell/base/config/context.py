"""Conversations: their log, how they are packed into a window; and the one embedder that all stages share."""

from __future__ import annotations

from pydantic import Field, model_validator

from stepwell.base.config.env_name import EnvName
from stepwell.base.config.section import Section


class ContextConfig(Section):
    fit: bool = Field(default=True, description="pack a conversation that is longer than the window")
    reserve_tokens: int = Field(
        default=1024, ge=1, description="room for the reply where the caller sets no max_tokens"
    )
    max_prompt_tokens: int | None = Field(
        default=None, ge=64, description="send no more than this, however wide the window; none: the window"
    )
    path: str | None = Field(
        default=None, description="SQLite file of conversations; none: they end with the process"
    )
    redis_url_env: EnvName | None = Field(
        default=None, description="environment variable with the URL of the Redis that replicas share"
    )
    redis_timeout_s: float = Field(default=1.0, gt=0, description="longest wait for Redis")
    recent_share: float = Field(
        default=0.1, ge=0, le=1, description="share of the budget that the latest exchanges get in any case"
    )
    slack_share: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        description="share of the budget that a fresh choice leaves free: the next turns are added to it, and the "
        "prompt's beginning stays as a provider has cached it",
    )
    vector_timeout_s: float = Field(
        default=0.5, gt=0, description="a later vector is done without: search goes by words"
    )
    summary: str = Field(
        default="extract",
        description="off, extract (free, local), tier:NAME (at the cost of whose conversation it is), or "
        "'module:function'",
    )
    summary_tokens: int = Field(default=200, ge=16, description="longest summary")
    summary_share: float = Field(
        default=0.1, ge=0, le=0.5, description="most of the budget that a summary gets"
    )
    summary_batch_tokens: int = Field(
        default=4000,
        ge=100,
        description="a tier's LLM reads about as much at once, each token once; a small window takes it in portions",
    )
    summary_timeout_s: float = Field(
        default=60, gt=0, description="a summarizer that takes longer has failed"
    )
    summary_failures: int = Field(
        default=3, ge=1, description="failures in a row after which the extract stands in"
    )
    summary_rest_s: float = Field(default=300, gt=0, description="how long it does")
    max_in_memory: int = Field(default=1000, ge=1, description="conversations whose index is kept in memory")
    max_index_mb: int = Field(default=512, ge=1, description="memory that those indices may take together")

    @model_validator(mode="after")
    def _one_log(self) -> ContextConfig:
        if self.path is not None and self.redis_url_env is not None:
            raise ValueError("give either path or redis_url_env, not both")
        return self


class EmbeddingConfig(Section):
    embedder: str = Field(
        default="minilm",
        description="minilm (all-MiniLM-L6-v2 on onnxruntime), sentence-transformers:<folder>, or a dotted path",
    )
    n_threads: int = Field(default=1, ge=1)
