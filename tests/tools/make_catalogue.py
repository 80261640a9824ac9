"""Write stepwell/base/catalogue.json from the price map of the installed litellm.

Prices, windows and capabilities are the map's facts. Which models ship, which of them give logprobs (the map
does not say) and their quality are ours; the quality is a coarse order by class and generation, not measured.

    python tests/tools/make_catalogue.py 2026-11-21
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import msgspec

from stepwell.base.catalogue import ModelCard, card_from
from stepwell.base.messages import encode_json
from stepwell.base.pricemap import litellm_fact

TARGET = Path(__file__).parents[2] / "stepwell" / "base" / "catalogue.json"

QUALITY = {
    "openai": {
        "gpt-6-astra": 0.98, "gpt-6.1-sol": 0.97, "gpt-6-sol": 0.96, "gpt-6-luna": 0.88,
        "gpt-5.6-sol": 0.96, "gpt-5.6-terra": 0.93, "gpt-5.6-luna": 0.86, "gpt-5.6": 0.96, "gpt-5.5": 0.96,
        "gpt-5.4": 0.95, "gpt-5.4-mini": 0.87, "gpt-5.4-nano": 0.75, "gpt-5.2": 0.94, "gpt-5.1": 0.94,
        "gpt-5": 0.94, "gpt-5-mini": 0.85, "gpt-5-nano": 0.7, "gpt-4.1": 0.9, "gpt-4.1-mini": 0.75,
        "gpt-4.1-nano": 0.6, "gpt-4o": 0.85, "gpt-4o-mini": 0.7, "gpt-4-turbo": 0.8, "gpt-4": 0.78,
        "gpt-3.5-turbo": 0.6, "o1": 0.9, "o3": 0.93, "o3-mini": 0.82, "o4-mini": 0.86,
    },
    "anthropic": {
        "claude-fable-5-1": 0.98, "claude-fable-5": 0.98, "claude-opus-5-5": 0.97, "claude-opus-5": 0.97,
        "claude-opus-4-8": 0.96, "claude-opus-4-7": 0.96, "claude-opus-4-6": 0.95, "claude-opus-4-5": 0.95,
        "claude-sonnet-5-5": 0.95, "claude-sonnet-5": 0.95, "claude-sonnet-4-6": 0.93,
        "claude-sonnet-4-5": 0.92, "claude-haiku-5-5": 0.88, "claude-haiku-4-5": 0.85,
    },
    "gemini": {
        "gemini-4-argon": 0.97, "gemini-3.1-pro-preview": 0.96, "gemini-2.5-pro": 0.93,
        "gemini-3.8-flash": 0.93, "gemini-3.7-flash": 0.92, "gemini-3.6-flash": 0.92,
        "gemini-3.5-flash": 0.91,
        "gemini-3-flash-preview": 0.9, "gemini-2.5-flash": 0.85, "gemini-3.5-flash-lite": 0.82,
        "gemini-3.1-flash-lite": 0.8, "gemini-2.5-flash-lite": 0.72,
    },
    "deepseek": {
        "deepseek-v4-pro": 0.93, "deepseek-v4-flash": 0.87, "deepseek-v3.2": 0.87, "deepseek-r1": 0.87,
        "deepseek-v3": 0.83,
    },
    "mistral": {
        "mistral-large-4": 0.91, "mistral-large-3": 0.87, "mistral-large-latest": 0.87,
        "mistral-medium-3-5": 0.87, "mistral-medium-latest": 0.85, "mistral-small-latest": 0.75,
        "magistral-medium-latest": 0.85, "devstral-medium-latest": 0.8, "codestral-latest": 0.72,
        "ministral-14b-2512": 0.66, "ministral-8b-2512": 0.6, "ministral-3b-2512": 0.45,
        "open-mistral-nemo": 0.55,
    },
    "xai": {"grok-4.7": 0.95, "grok-4.6": 0.95, "grok-4.5": 0.94, "grok-4.3": 0.92, "grok-4.20": 0.92},
    "groq": {"openai/gpt-oss-120b": 0.82, "openai/gpt-oss-20b": 0.7, "qwen/qwen3.8-27b": 0.82},
    "together_ai": {
        "moonshotai/Kimi-K3": 0.93, "zai-org/GLM-5.3": 0.92, "deepseek-ai/DeepSeek-V4.1-Flash": 0.88,
        "openai/gpt-oss-120b": 0.82, "openai/gpt-oss-20b": 0.7,
        "meta-llama/Llama-3.3-70B-Instruct-Turbo": 0.75,
        "meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo": 0.52, "Qwen/Qwen3.5-9B": 0.68,
        "Qwen/Qwen2.5-7B-Instruct-Turbo": 0.55,
    },
    "fireworks_ai": {
        "accounts/fireworks/models/kimi-k3": 0.93, "accounts/fireworks/models/glm-5p3": 0.92,
        "accounts/fireworks/models/deepseek-v4-pro": 0.93,
        "accounts/fireworks/models/llama-v3p3-70b-instruct": 0.75,
    },
    "cerebras": {"gpt-oss-120b": 0.82, "qwen-3.8-27b": 0.82, "gemma-4-31b": 0.78},
    "moonshot": {"kimi-k3": 0.93, "kimi-k2.6": 0.89, "kimi-k2.5": 0.88},
    "dashscope": {"qwen3.8-max": 0.94, "qwen3.8-flash": 0.85},
    "perplexity": {"sonar": 0.7, "sonar-pro": 0.82},
}  # fmt: skip
LOGPROBS = ("openai/gpt-4", "openai/gpt-3.5")


def made(model: str, quality: float) -> ModelCard | None:
    fact = litellm_fact(model)
    if fact is None:
        return None
    card = card_from(model, fact)
    extra = frozenset({"logprobs"}) if model.startswith(LOGPROBS) else frozenset()
    return replace(card, quality=quality, capabilities=card.capabilities | extra)


def main(date: str) -> None:
    wanted = {f"{provider}/{name}": q for provider, names in QUALITY.items() for name, q in names.items()}
    cards = {model: made(model, quality) for model, quality in wanted.items()}
    rows = [encode_json(msgspec.to_builtins(c, order="deterministic")).decode() for c in cards.values() if c]
    head = encode_json(date).decode()
    TARGET.write_text(f'{{"date": {head}, "models": [\n' + ",\n".join(rows) + "\n]}\n", encoding="utf-8")
    print(f"{len(rows)} models; not in the map: {[m for m, c in cards.items() if c is None]}")


if __name__ == "__main__":
    main(sys.argv[1])
