"""Tiers: a priced class of deployments."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from stepwell.base.config.env_name import EnvName
from stepwell.base.config.section import Section


class DeploymentConfig(Section):
    """One endpoint of a tier: a model plus parameters.

    `model` is `provider/name` ("openai/gpt-4.1"), `local/<name or path of a GGUF>`, or a fine-tuned model of one's
    own: `local/<promoted name>`, `local/<name>@<version>`, `local/<folder of an exported one>`. Prices, window and
    capabilities come from the catalogue; what is set here wins.
    """

    model: str
    kind: str = Field(
        default="auto",
        description="auto, http (OpenAI-compatible), litellm, local, or a dotted path 'module:factory'",
    )
    base_url: str | None = Field(default=None, description="http: where /chat/completions hangs")
    api_key_env: EnvName | None = Field(
        default=None,
        description="name of the environment variable with the key; with a base_url there is no default",
    )
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="request fields set where the caller does not: reasoning_effort, top_p",
    )
    max_output_tokens: int | None = Field(default=None, ge=1)
    system_prompt: str | None = Field(default=None, description="prompt variant, put before the caller's own")
    max_concurrency: int = Field(default=256, ge=1)
    usd_per_1m_input: float | None = Field(default=None, ge=0)
    usd_per_1m_cached_input: float | None = Field(default=None, ge=0)
    usd_per_1m_output: float | None = Field(default=None, ge=0)
    window_tokens: int | None = Field(default=None, ge=1)
    capabilities: list[Literal["tools", "json_schema", "images", "logprobs"]] | None = None
    n_threads: int = Field(
        default=1,
        ge=1,
        description="local: threads of llama.cpp; deployments of one base share one process where this and "
        "max_memory_mb are the same, else each has its own, with the base in memory once more",
    )
    max_memory_mb: int | None = Field(
        default=None,
        ge=1,
        description="local: most address space of the llama.cpp process; where it needs more it ends",
    )
    base: str | None = Field(
        default=None,
        description="local: name or path of the GGUF that a fine-tuned model stands on, in place of its card's",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="arguments of a dotted-path kind's factory"
    )


class TierConfig(Section):
    """A priced class of deployments. One deployment may be written flat: `standard: {model: openai/…}`."""

    deployments: list[DeploymentConfig] = Field(min_length=1)
    quality: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="cold-start capability, 0..1, used until outcomes are known; default from the catalogue",
    )

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"deployments": [{"model": value}]}
        if isinstance(value, dict) and "model" in value:
            tier = {k: v for k, v in value.items() if k in ("quality",)}
            return {**tier, "deployments": [{k: v for k, v in value.items() if k not in tier}]}
        return value
