"""Providers with an OpenAI-compatible API: where it is, and which environment variable holds the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Provider:
    """`base_url` is where /chat/completions hangs."""

    base_url: str
    api_key_env: str


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        "openai": Provider("https://api.openai.com/v1", "OPENAI_API_KEY"),
        "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        "groq": Provider("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        "together_ai": Provider("https://api.together.ai/v1", "TOGETHER_API_KEY"),
        "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        "mistral": Provider("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        "fireworks_ai": Provider("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
        "xai": Provider("https://api.x.ai/v1", "XAI_API_KEY"),
        "cerebras": Provider("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
        "moonshot": Provider("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
        "deepinfra": Provider("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
        "sambanova": Provider("https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    }
)
"""By the part of a model's name before its first slash. Any other provider goes through litellm."""

_LITELLM_KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "cohere": "COHERE_API_KEY",
    "azure": "AZURE_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
    "dashscope": "DASHSCOPE_API_KEY",
}


def api_key_env(model: str) -> str | None:
    """The environment variable that holds the key for `provider/name`; None where none is needed or known."""
    provider = model.partition("/")[0]
    known = PROVIDERS.get(provider)
    return known.api_key_env if known is not None else _LITELLM_KEYS.get(provider)
