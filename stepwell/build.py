"""From a configuration to a pipeline with its parts. Opens no connection and loads no weights."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stepwell.base import catalogue, plug
from stepwell.base.catalogue import PROVIDERS, ModelCard
from stepwell.base.config import Config, DeploymentConfig
from stepwell.base.embedding import Embedder, load_embedder
from stepwell.base.errors import ConfigError
from stepwell.base.messages import encode_json
from stepwell.base.telemetry.log import RequestLog
from stepwell.base.telemetry.metrics import Metrics
from stepwell.base.telemetry.record import Record, Recorder
from stepwell.guards.guard import Guard
from stepwell.memory.cache.cache import Cache
from stepwell.pipeline import Pipeline
from stepwell.router.budget import Budget, Ledger
from stepwell.router.decide import Router
from stepwell.router.dispatch import Dispatcher
from stepwell.router.redis_ledger import RedisLedger
from stepwell.router.tierinfo import TierInfo
from stepwell.router.tiers import local, weights
from stepwell.router.tiers.base import Backend, Outgoing
from stepwell.router.tiers.http import HttpBackend
from stepwell.router.tiers.litellm import LitellmBackend
from stepwell.router.tiers.local import LocalBackend
from stepwell.router.tiers.tier import Deployment, Tier
from stepwell.router.tiers.transport import AiohttpTransport, Transport

LOCAL_PARALLEL = 2
LEASE_SLACK_S = 60.0


def build(config: Config, backends: Mapping[str, Backend] | None = None) -> Pipeline:
    """Make a pipeline.

    Args:
        backends: Tier name -> what answers in place of the tier's configured deployments (for tests).

    Raises:
        ConfigError: A plug-in, a model or a file named in the configuration can't be used.
    """
    unknown = sorted(set(backends or {}) - set(config.tiers))
    if unknown:
        raise ConfigError(f"backends names tier {unknown[0]!r}; there are {', '.join(config.tiers)}")
    transport = AiohttpTransport(config.dispatch.connect_timeout_s)
    tiers, infos = {}, []
    for name in config.tiers:
        tiers[name], info = _tier(config, name, transport, (backends or {}).get(name))
        infos.append(info)
    dispatcher = Dispatcher(config.dispatch, tiers)
    router = Router(
        config.routing,
        config.promises,
        infos,
        is_healthy=dispatcher.is_healthy,
        reserve_tokens=config.context.reserve_tokens,
    )
    metrics = Metrics()
    ledger = _ledger(config)
    sinks, closers = _sinks(config, metrics)
    return Pipeline(
        config=config,
        tiers=tiers,
        guard=Guard(config.guards),
        cache=_cache(config),
        router=router,
        dispatcher=dispatcher,
        ledger=ledger,
        record=Recorder(sinks),
        metrics=metrics,
        embedder=_once(config),
        smallest_window=min(t.window_or_assumed for t in infos),
        smallest_hosted_window=min((t.window_or_assumed for t in infos if not t.is_local), default=0),
        counts_dollars=any(
            limit is not None
            for limit in (
                config.promises.max_usd_per_request,
                config.promises.max_usd_per_user_day,
                config.promises.max_usd_per_tenant_day,
                config.promises.max_usd_per_day,
            )
        ),
        close_parts=(ledger.close, transport.close, *closers),
    )


def _ledger(config: Config) -> Budget:
    promises, dispatch = config.promises, config.dispatch
    env = promises.ledger_redis_url_env
    if env is None:
        return Ledger(promises, path=promises.ledger_path)
    url = os.environ.get(env)
    if not url:
        raise ConfigError(f"promises.ledger_redis_url_env: {env} is not set in the environment")
    # a lease must outlive the longest call
    longest_s = dispatch.timeout_s + dispatch.stream_timeout_s
    return RedisLedger(promises, url, lease_ttl_s=longest_s + LEASE_SLACK_S)


def _tier(config: Config, name: str, transport: Transport, stand_in: Backend | None) -> tuple[Tier, TierInfo]:
    made = [_make(config, name, d, transport, stand_in) for d in config.tiers[name].deployments]
    usable = [m for m in made if m.lacks is None]
    deployments = [
        Deployment(
            name, m.config.model, m.backend, m.card, m.config.max_concurrency, config.dispatch.max_queue
        )
        for m in usable
    ]
    lacks = None if usable else made[0].lacks
    return Tier(name, deployments), _info(config, name, [m.card for m in usable or made], lacks)


@dataclass(frozen=True, slots=True)
class _Made:
    config: DeploymentConfig
    card: ModelCard
    backend: Backend
    lacks: str | None


def _make(
    config: Config, tier: str, d: DeploymentConfig, transport: Transport, stand_in: Backend | None
) -> _Made:
    card = _priced(catalogue.apply(catalogue.card(d.model), d), config.routing.unknown_price_usd_per_1m)
    if stand_in is not None:
        return _Made(d, card, stand_in, None)
    kind = _kind(d)
    if kind == "local":
        return _Made(d, card, *_local(config, tier, d, card, transport))
    if kind not in ("http", "litellm"):
        return _Made(d, card, _plugged(kind, "stepwell.tiers", d.options), None)
    provider = PROVIDERS.get(d.model.partition("/")[0])
    key_env = d.api_key_env or (provider.api_key_env if provider is not None else None)
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
    return _Made(d, card, _http(config, tier, d, base_url, key, transport), lacks)


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


def _http(
    config: Config, tier: str, d: DeploymentConfig, base_url: str, key: str | None, transport: Transport
) -> HttpBackend:
    return HttpBackend(
        tier=tier,
        base_url=base_url,
        outgoing=_outgoing(d, d.model.partition("/")[2] or d.model),
        transport=transport,
        max_answer_bytes=config.dispatch.max_answer_bytes,
        api_key=key,
    )


def _local(
    config: Config, tier: str, d: DeploymentConfig, card: ModelCard, transport: Transport
) -> tuple[Backend, str | None]:
    path = weights.find(d.model.removeprefix("local/"))

    def connect(base_url: str) -> HttpBackend:
        return _http(config, tier, d, base_url, None, transport)

    backend = LocalBackend(
        tier=tier,
        path=path,
        connect=connect,
        n_threads=d.n_threads,
        n_parallel=LOCAL_PARALLEL,
        window_tokens=card.window_tokens or 2048,
    )
    return backend, local.missing(path)


def _info(config: Config, name: str, cards: Sequence[ModelCard], lacks: str | None) -> TierInfo:
    """A tier as the router sees it: the dearest price, and what every deployment can do."""
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
    )


def _dearest(prices: Sequence[float | None]) -> float | None:
    known = [p for p in prices if p is not None]
    return max(known) if len(known) == len(prices) else None


def _cache(config: Config) -> Cache | None:
    if not config.cache.exact and config.cache.semantic == "off":
        return None
    versions = hashlib.sha256(
        encode_json(config.model_dump(include={"tiers", "routing", "guards"}, mode="json"))
    )
    store = None if config.cache.store is None else _plugged(config.cache.store, "stepwell.stores", {})
    return Cache(
        config.cache,
        store=store,
        versions=versions.hexdigest()[:16],
        embedder_name=config.embedding.embedder,
    )


def _sinks(
    config: Config, metrics: Metrics
) -> tuple[list[Callable[[Record], None]], list[Callable[[], object]]]:
    sinks: list[Callable[[Record], None]] = [metrics]
    closers: list[Callable[[], object]] = []
    if config.telemetry.log_path is not None:
        log = RequestLog(config.telemetry.log_path, config.telemetry.log_flush_s)
        sinks.append(log)
        closers.append(log.close)
    sinks.extend(_plugged(spec, "stepwell.sinks", {}) for spec in config.telemetry.sinks)
    return sinks, closers


def _plugged(spec: str, group: str, options: Mapping[str, object]) -> Any:
    """What the factory that `spec` names makes.

    Raises:
        ConfigError: No such factory, or it raises (the original is __cause__).
    """
    factory = plug.load(spec, group=group)
    try:
        return factory(**options)
    except Exception as e:  # a plug-in's own code; its text may show an option's value
        raise ConfigError(f"{spec!r} can't be made with the options given: {type(e).__name__}") from e


def _once(config: Config) -> Callable[[], Embedder]:
    made: list[Embedder] = []

    def get() -> Embedder:
        if not made:
            made.append(load_embedder(config.embedding))
        return made[0]

    return get
