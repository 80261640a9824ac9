"""Prices, windows and capabilities of models.

First our own dated `catalogue.json`, made by tests/tools/make_catalogue.py; for any other model the map
that the installed litellm carries, read as a file (litellm itself is not imported, nothing is fetched).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import msgspec

from stepwell.base.config.tiers import DeploymentConfig
from stepwell.base.pricemap import Fact, litellm_fact
from stepwell.base.providers import PROVIDERS, Provider

__all__ = ["CATALOGUE_DATE", "PROVIDERS", "ModelCard", "Provider", "apply", "card", "card_from"]

# A GGUF's own window is often far larger than what fits in memory beside its weights
LOCAL_WINDOW_TOKENS = 2048
LOCAL_QUALITY = 0.12


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model before it is asked.

    Attributes:
        model: `provider/name`.
        usd_per_1m_input, usd_per_1m_cached_input, usd_per_1m_output: None means unknown, never free.
        window_tokens: What prompt and answer may hold together; where the provider states a limit for the
            prompt alone, that one, which is the safe side.
        capabilities: Of "tools", "json_schema", "images", "logprobs".
        quality: Cold-start capability, 0..1: our own coarse order, not a measurement.
        source: Where the facts come from.
        price_holds_to_tokens: A longer prompt costs more than the prices here (None: no such step).
    """

    model: str
    usd_per_1m_input: float | None = None
    usd_per_1m_cached_input: float | None = None
    usd_per_1m_output: float | None = None
    window_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[str] = frozenset()
    quality: float | None = None
    source: str = "unknown"
    price_holds_to_tokens: int | None = None


class _Shipped(msgspec.Struct, forbid_unknown_fields=True):
    date: str
    models: list[ModelCard]


_shipped = msgspec.json.decode(Path(__file__).with_name("catalogue.json").read_bytes(), type=_Shipped)
_cards: Mapping[str, ModelCard] = {c.model: c for c in _shipped.models}

CATALOGUE_DATE: str = _shipped.date
"""Day (ISO) on which the shipped prices were taken down."""


@lru_cache(maxsize=256)
def card(model: str) -> ModelCard | None:
    """What is known of `provider/name`, or None where nothing is.

    `local/...` is always known: it costs nothing a token. A look in litellm's map reads a file of 3 MB, once.
    """
    found = _cards.get(model)
    if found is not None:
        return found
    if model.startswith("local/"):
        return _local(model)
    fact = litellm_fact(model)
    return None if fact is None else card_from(model, fact)


def card_from(model: str, fact: Fact) -> ModelCard:
    """A card from one row of litellm's map; it says nothing of quality."""
    return ModelCard(
        model=model,
        usd_per_1m_input=_per_1m(fact.input_cost_per_token),
        usd_per_1m_cached_input=_per_1m(fact.cache_read_input_token_cost),
        usd_per_1m_output=_per_1m(fact.output_cost_per_token),
        window_tokens=fact.max_input_tokens or fact.max_tokens,
        max_output_tokens=fact.max_output_tokens,
        capabilities=fact.capabilities,
        source=fact.source,
        price_holds_to_tokens=fact.price_holds_to_tokens,
    )


def _per_1m(usd_per_token: float | None) -> float | None:
    return None if usd_per_token is None else round(usd_per_token * 1e6, 6)


def apply(known: ModelCard | None, deployment: DeploymentConfig) -> ModelCard:
    """The card (an empty one where nothing is known) with everything that the deployment sets itself.

    A new input price without a new cached one leaves the cached price unknown: it belonged to the old price.
    """
    set_ = {
        name: value
        for name in ("usd_per_1m_input", "usd_per_1m_output", "window_tokens", "max_output_tokens")
        if (value := getattr(deployment, name)) is not None
    }
    if deployment.usd_per_1m_cached_input is not None or "usd_per_1m_input" in set_:
        set_["usd_per_1m_cached_input"] = deployment.usd_per_1m_cached_input
    if {"usd_per_1m_input", "usd_per_1m_output"} <= set_.keys():
        set_["price_holds_to_tokens"] = None
    if deployment.capabilities is not None:
        set_["capabilities"] = frozenset(deployment.capabilities)
    return replace(known or ModelCard(deployment.model), **set_)


def _local(model: str) -> ModelCard:
    return ModelCard(
        model=model,
        usd_per_1m_input=0.0,
        usd_per_1m_cached_input=0.0,
        usd_per_1m_output=0.0,
        window_tokens=LOCAL_WINDOW_TOKENS,
        capabilities=frozenset({"json_schema", "logprobs"}),
        quality=LOCAL_QUALITY,
        source="runs on this machine",
    )
