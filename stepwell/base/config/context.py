"""Context fitting, and the one embedder that all stages share."""

from __future__ import annotations

from pydantic import Field

from stepwell.base.config.section import Section


class ContextConfig(Section):
    fit: bool = Field(
        default=True, description="drop oldest exchanges until the conversation fits the window"
    )
    reserve_tokens: int = Field(
        default=1024, ge=1, description="room for the reply where the caller sets no max_tokens"
    )


class EmbeddingConfig(Section):
    embedder: str = Field(
        default="minilm",
        description="minilm (all-MiniLM-L6-v2 on onnxruntime), sentence-transformers:<folder>, or a dotted path",
    )
    n_threads: int = Field(default=1, ge=1)
