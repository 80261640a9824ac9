"""From a tier's configuration to its deployments, and what the router is told of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stepwell.base import catalogue, plug
from stepwell.base.catalogue import PROVIDERS, ModelCard
from stepwell.base.config import Config, DeploymentConfig
from stepwell.base.errors import ConfigError
from stepwell.base.messages import Message
from stepwell.base.tokens import count_message
from stepwell.local_deployments import (
    BrokenModel,
    LocalSays,
    Shared,
    broken_local,
    bundle_card,
    bundle_of,
    make_local,
)
from stepwell.router.tierinfo import TierInfo
from stepwell.router.tiers.base import Backend, Outgoing
from stepwell.router.tiers.bundle import Bundle
from stepwell.router.tiers.http import HttpBackend
from stepwell.router.tiers.litellm import LitellmBackend
from stepwell.router.tiers.tier import Deployment, Tier
from stepwell.router.tiers.transport import Transport

log = logging.getLogger("stepwell")
_LIMIT_FIELDS = {"max_tokens", "max_completion_tokens"}


def make_tiers(
    config: Config, transport: Transport, stand_ins: Mapping[str, Backend], shared: Shared
) -> tuple[dict[str, Tier], list[TierInfo]]:
    """Every tier with the deployments that have what they need, and what the router is told of it.

    Args:
        stand_ins: Tier name -> what answers in place of its deployments.
        shared: What the local deployments have in common.

    Raises:
        ConfigError: A kind, a provider or a plug-in can't be used; or no tier can, and a fine-tuned model is why.
    """
    made = {
        name: [_make(config, name, d, transport, stand_ins.get(name), shared) for d in tier.deployments]
        for name, tier in config.tiers.items()
    }
    every = [m for of_tier in made.values() for m in of_tier]
    broken = [m.broken for m in every if m.broken is not None and m.lacks is not None]
    if broken and all(m.lacks is not None for m in every):
        raise broken[0]
    for error in broken:
        log.warning("%s", error)
    each = {name: _tier(config, name, of_tier) for name, of_tier in made.items()}
    return {name: tier for name, (tier, _) in each.items()}, [info for _, info in each.values()]


def _tier(config: Config, name: str, made: Sequence[_Made]) -> tuple[Tier, TierInfo]:
    usable = [m for m in made if m.lacks is None]
    deployments = [
        Deployment(
            name,
            m.config.model,
            m.backend,
            m.card,
            m.config.max_concurrency,
            config.dispatch.max_queue,
            bundle=m.bundle,
        )
        for m in usable
    ]
    lacks = None if usable else made[0].lacks
    return Tier(name, deployments), _info(config, name, usable or made, lacks)


@dataclass(frozen=True, slots=True)
class _Made:
    config: DeploymentConfig
    card: ModelCard
    backend: Backend
    lacks: str | None
    bundle: Bundle | None = None
    broken: BrokenModel | None = None


def _make(
    config: Config,
    tier: str,
    d: DeploymentConfig,
    transport: Transport,
    stand_in: Backend | None,
    shared: Shared,
) -> _Made:
    kind = _kind(d)
    known = catalogue.card(d.model)
    bundle, broken = None, None
    try:
        bundle = bundle_of(d) if kind == "local" else None
    except BrokenModel as e:
        broken = e
    if bundle is not None and known is not None:
        known = bundle_card(known, bundle)
    card = _priced(catalogue.apply(known, d), config.routing.unknown_price_usd_per_1m)
    if stand_in is not None:
        return _Made(d, card, stand_in, None, bundle, broken)
    if broken is not None:
        return _Made(d, card, broken_local(tier, broken), broken.lacks, broken=broken)
    if kind == "local":

        def connect(base_url: str, says: LocalSays) -> HttpBackend:
            return _http(config, tier, _local_outgoing(config, d, says), base_url, None, transport)

        try:
            return _Made(d, card, *make_local(tier, d, card, bundle, shared, connect), bundle)
        except BrokenModel as e:
            return _Made(d, card, broken_local(tier, e), e.lacks, bundle, e)
    if kind not in ("http", "litellm"):
        return _Made(d, card, make_plugged(kind, "stepwell.tiers", d.options), None)
    provider = PROVIDERS.get(d.model.partition("/")[0])
    key_env = d.api_key_env
    if key_env is None and provider is not None and d.base_url is None:  # its key is for its own host alone
        key_env = provider.api_key_env
    key = os.environ.get(key_env) if key_env is not None else None
    lacks = key_env if key_env is not None and not key else None
    if kind == "litellm":
        lite = LitellmBackend(
            tier=tier,
            outgoing=_outgoing(d, d.model),
            max_answer_bytes=config.dispatch.max_answer_bytes,
            api_key=key,
            base_url=d.base_url,
        )
        return _Made(d, card, lite, lacks)
    base_url = d.base_url or (provider.base_url if provider is not None else None)
    if base_url is None:
        raise ConfigError(f"tiers.{tier}: {d.model!r} needs a base_url: its provider is not in the catalogue")
    outgoing = _outgoing(d, d.model.partition("/")[2] or d.model)
    return _Made(d, card, _http(config, tier, outgoing, base_url, key, transport), lacks)


def _priced(card: ModelCard, unknown_usd_per_1m: float | None) -> ModelCard:
    """The card with its unknown prices at what the configuration reserves for such."""

    def or_unknown(usd: float | None) -> float | None:
        return unknown_usd_per_1m if usd is None else usd

    return replace(
        card,
        usd_per_1m_input=or_unknown(card.usd_per_1m_input),
        usd_per_1m_output=or_unknown(card.usd_per_1m_output),
    )


def _kind(d: DeploymentConfig) -> str:
    if d.kind != "auto":
        return d.kind
    provider = d.model.partition("/")[0]
    if provider == "local":
        return "local"
    return "http" if d.base_url is not None or provider in PROVIDERS else "litellm"


def _outgoing(d: DeploymentConfig, model: str) -> Outgoing:
    is_openai = d.model.startswith("openai/") and d.base_url is None
    return Outgoing(
        model,
        params=d.params,
        max_output_tokens=d.max_output_tokens,
        limit_field="max_completion_tokens" if is_openai else "max_tokens",
        system_prompt=d.system_prompt,
    )


def _local_outgoing(config: Config, d: DeploymentConfig, says: LocalSays) -> Outgoing:
    default = None
    if not d.max_output_tokens and not _LIMIT_FIELDS & d.params.keys():
        # a small model may never end its answer
        default = says.default_output_tokens or config.context.reserve_tokens
    return Outgoing(
        says.model,
        params=says.params,
        max_output_tokens=d.max_output_tokens,
        default_output_tokens=default,
        system_prompt=d.system_prompt,
        system_in_place=says.system,
        fixed=says.fixed,
    )


def _http(
    config: Config, tier: str, outgoing: Outgoing, base_url: str, key: str | None, transport: Transport
) -> HttpBackend:
    return HttpBackend(
        tier=tier,
        base_url=base_url,
        outgoing=outgoing,
        transport=transport,
        max_answer_bytes=config.dispatch.max_answer_bytes,
        api_key=key,
    )


def _info(config: Config, name: str, made: Sequence[_Made], lacks: str | None) -> TierInfo:
    """A tier as the router sees it: the dearest price, and what every deployment can do."""
    cards = [m.card for m in made]
    quality = config.tiers[name].quality
    if quality is None:
        quality = min((c.quality for c in cards if c.quality is not None), default=0.5)
    windows = [c.window_tokens for c in cards if c.window_tokens is not None]
    outputs = [c.max_output_tokens for c in cards if c.max_output_tokens is not None]
    return TierInfo(
        name=name,
        models=tuple(d.model for d in config.tiers[name].deployments),
        quality=quality,
        window_tokens=min(windows) if windows else None,
        max_output_tokens=min(outputs) if outputs else None,
        capabilities=frozenset.intersection(*(c.capabilities for c in cards)),
        usd_per_1m_input=_dearest([c.usd_per_1m_input for c in cards]),
        usd_per_1m_cached_input=_dearest([c.usd_per_1m_cached_input for c in cards]),
        usd_per_1m_output=_dearest([c.usd_per_1m_output for c in cards]),
        missing_key=lacks,
        is_local=all(d.model.startswith("local/") for d in config.tiers[name].deployments),
        n_system_tokens=max(_n_system_tokens(m) for m in made),
        is_narrow=any(m.bundle is not None or m.broken is not None for m in made),
    )


def _n_system_tokens(made: _Made) -> int:
    """Loads a vocabulary only where there is something to count."""
    said = made.config.system_prompt or (made.bundle.card.system if made.bundle is not None else None)
    return 0 if not said else count_message(Message("system", said), made.config.model)


def _dearest(prices: Sequence[float | None]) -> float | None:
    known = [p for p in prices if p is not None]
    return max(known) if len(known) == len(prices) else None


def make_plugged(spec: str, group: str, options: Mapping[str, object]) -> Any:
    """What the factory that `spec` names makes.

    Raises:
        ConfigError: No such factory, or it raises (the original is __cause__).
    """
    factory = plug.load(spec, group=group)
    try:
        return factory(**options)
    except Exception as e:  # a plug-in's own code; its text may show an option's value
        raise ConfigError(f"{spec!r} can't be made with the options given: {type(e).__name__}") from e
