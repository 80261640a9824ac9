"""From a configuration to a pipeline with its parts. Opens no connection and loads no weights."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from stepwell.base.config import CacheConfig, Config
from stepwell.base.config.guards import MasksConfig
from stepwell.base.embedding import Embedder, embedder_name, load_embedder
from stepwell.base.errors import ConfigError
from stepwell.base.messages import encode_json
from stepwell.base.telemetry.log import RequestLog
from stepwell.base.telemetry.metrics import Metrics
from stepwell.base.telemetry.record import Record, Recorder
from stepwell.build_context import asker, make_conversing, make_marking
from stepwell.deployments import make_plugged, make_tiers
from stepwell.guards.guard import Guard
from stepwell.guards.rules import Budgets, Tuned
from stepwell.local_deployments import Shared
from stepwell.memory.cache.cache import Cache
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Store
from stepwell.pipeline import Pipeline
from stepwell.router.budget import Budget, Ledger
from stepwell.router.cascade.accept import AcceptScore
from stepwell.router.cascade.confidence import Calibration
from stepwell.router.cascade.run import make_ladder
from stepwell.router.decide import Router
from stepwell.router.dispatch import Dispatcher
from stepwell.router.outcomes import OutcomeStore
from stepwell.router.redis_ledger import RedisLedger
from stepwell.router.tierinfo import TierInfo
from stepwell.router.tiers.base import Backend
from stepwell.router.tiers.local_servers import LocalServers
from stepwell.router.tiers.tier import Tier
from stepwell.router.tiers.transport import AiohttpTransport

if TYPE_CHECKING:
    from stepwell.guards.audit import Audit
    from stepwell.guards.masks.store import MaskStore
    from stepwell.guards.review.queue import ReviewQueue
    from stepwell.memory.cache.judge.judge import Judge
    from stepwell.traffic_log import TrafficLog

LEASE_SLACK_S = 60.0


def build(
    config: Config, backends: Mapping[str, Backend] | None = None, outcomes: OutcomeStore | None = None
) -> Pipeline:
    """Make a pipeline.

    Args:
        outcomes: Where replies wait for their feedback; its owner closes it.
        backends: Tier name -> what answers in place of the tier's configured deployments (for tests).

    Raises:
        ConfigError: A plug-in, a model or a file named in the configuration can't be used.
    """
    unknown = sorted(set(backends or {}) - set(config.tiers))
    if unknown:
        raise ConfigError(f"backends names tier {unknown[0]!r}; there are {', '.join(config.tiers)}")
    transport = AiohttpTransport(config.dispatch.connect_timeout_s)
    embedder = _once(config)
    servers = LocalServers()
    shared = Shared(servers, embedder, embedder_name(config.embedding))
    tiers, infos = make_tiers(config, transport, backends or {}, shared)
    dispatcher = Dispatcher(config.dispatch, tiers)
    router = Router(
        config.routing,
        config.promises,
        infos,
        is_healthy=dispatcher.is_healthy,
        reserve_tokens=config.context.reserve_tokens,
        embedder=embedder_name(config.embedding),
        explore_share=config.feedback.explore_share,
    )
    metrics = Metrics()
    ledger = _ledger(config)
    sinks, closers = _sinks(config, metrics)
    made: list[Pipeline] = []
    guard, reviews = _guard(config, embedder)
    marking = make_marking(config, embedder)
    masks = _Masks(config.guards.masks)
    pipeline = Pipeline(
        config=config,
        tiers=tiers,
        guard=guard,
        cache=_cache(config, tiers, embedder, lambda: made[0]),
        router=router,
        dispatcher=dispatcher,
        ledger=ledger,
        record=Recorder(sinks),
        metrics=metrics,
        embedder=embedder,
        smallest_window=min(_window(t) for t in infos),
        smallest_hosted_window=min((_window(t) for t in infos if not t.is_local), default=0),
        counts_dollars=any(
            limit is not None
            for limit in (
                config.promises.max_usd_per_request,
                config.promises.max_usd_per_user_day,
                config.promises.max_usd_per_tenant_day,
                config.promises.max_usd_per_day,
            )
        ),
        ladder=make_ladder(
            config.routing,
            dispatcher,
            router.tiers,
            opinion_time_share=config.dispatch.try_share,
            **_learned(config),
            on_label=None if outcomes is None else outcomes.on_label,
        ),
        outcomes=outcomes,
        conversing=make_conversing(config, guard, marking, infos, lambda: made[0], masks.erase),
        marking=marking,
        masks=masks,
        audit=_audit(config),
        traffic=_traffic(config),
        reviews=reviews,
        embedder_name=embedder_name(config.embedding),
        close_parts=(servers.close, ledger.close, transport.close, masks.close, *closers),
    )
    made.append(pipeline)
    return pipeline


def _guard(config: Config, embedder: Callable[[], Embedder]) -> tuple[Guard, ReviewQueue | None]:
    """The guard, and the queue of what people have to look at where some rule asks them."""
    tuned: Tuned | None = None
    if config.guards.thresholds is not None:
        from stepwell.guards.calibrate.thresholds import Thresholds

        tuned = Thresholds.load(config.guards.thresholds)
    budgets = Budgets(config.promises.max_false_blocks, tuned)
    guard = Guard(config.guards, budgets=budgets, embedder=embedder)
    if not guard.any_acts("review"):
        return guard, None
    from stepwell.guards.review.queue import ReviewQueue

    reviews = ReviewQueue(config.guards.review)
    return Guard(config.guards, budgets=budgets, embedder=embedder, reviews=reviews), reviews


class _Masks:
    """Opened when the first conversation is masked; a file at once: what is wrong with it shows at the start."""

    def __init__(self, config: MasksConfig) -> None:
        self._config = config
        self._store: MaskStore | None = None
        if config.path is not None:
            self()

    def __call__(self) -> MaskStore:
        if self._store is None:
            from stepwell.guards.masks.store import MaskStore

            self._store = MaskStore(self._config)
        return self._store

    async def erase(self, tenant: str, user: str | None, conversation: str | None) -> None:
        """Forget what the placeholders of some conversations stood for."""
        if self._store is not None:
            await self._store.erase(tenant, user, conversation)

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()


def _audit(config: Config) -> Audit | None:
    if config.guards.audit.path is None:
        return None
    from stepwell.guards.audit import Audit

    return Audit(config.guards.audit, tiers=config.tiers)


def _traffic(config: Config) -> TrafficLog | None:
    if config.traffic.path is None:
        return None
    from stepwell.traffic_log import TrafficLog

    return TrafficLog(config.traffic, embedder=embedder_name(config.embedding))


def _window(tier: TierInfo) -> int:
    return tier.window_or_assumed - tier.n_system_tokens


class _Learned(TypedDict, total=False):
    accept: AcceptScore
    confidence: Mapping[str, Calibration]


def _learned(config: Config) -> _Learned:
    """What a learned policy's folder holds beside the policy: for cascades, and for confidence."""
    folder = config.routing.policy.removeprefix("learned:")
    if folder == config.routing.policy or (config.routing.cascade, config.routing.confidence) == (
        "off",
        "off",
    ):
        return {}
    from stepwell.router.cascade.stored import load_accept
    from stepwell.router.learned.bundle import read_card

    calibrations = {t: Calibration(*ab) for t, ab in read_card(folder).confidence.items()}
    return {"accept": load_accept(folder), "confidence": calibrations}


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


def _cache(
    config: Config,
    tiers: Mapping[str, Tier],
    embedder: Callable[[], Embedder],
    pipeline: Callable[[], Pipeline],
) -> Cache | None:
    if not config.cache.exact and config.cache.semantic == "off":
        return None
    return Cache(
        config.cache,
        store=_store(config.cache),
        versions=_versions(config, tiers),
        embedder_name=embedder_name(config.embedding),
        max_error=config.promises.max_cache_error,
        judge=_judge(config, embedder, pipeline),
    )


def _store(config: CacheConfig) -> Store | None:
    if config.store is not None:
        plugged: Store = make_plugged(config.store, "stepwell.stores", {})
        return plugged
    if config.redis_url_env is None:
        return None
    url = os.environ.get(config.redis_url_env)
    if not url:
        raise ConfigError(f"cache.redis_url_env: {config.redis_url_env} is not set in the environment")
    from stepwell.memory.redis_store import RedisStore

    return RedisStore(
        url,
        local=SqliteStore(None, max_entries_per_tenant=config.max_entries_per_tenant),
        timeout_s=config.redis_timeout_s,
        max_entries_per_tenant=config.max_entries_per_tenant,
    )


def _judge(
    config: Config, embedder: Callable[[], Embedder], pipeline: Callable[[], Pipeline]
) -> Judge | None:
    spec = config.cache.judge
    if config.cache.semantic == "off" or spec == "off":
        return None
    from stepwell.memory.cache.judge.judge import make_judge

    tier = spec.removeprefix("tier:")
    if tier != spec and tier not in config.tiers:
        raise ConfigError(f"cache.judge names tier {tier!r}; there are {', '.join(config.tiers)}")

    return make_judge(spec, ask=asker(tier, "cache-judge", pipeline), embedder=embedder)


def _versions(config: Config, tiers: Mapping[str, Tier]) -> str:
    """Names all that says which answer is good enough: what was kept under another name is not served.

    Dollar limits are left out: a raised limit makes no kept answer worse.
    """
    parts = config.model_dump(include={"tiers", "routing", "guards"}, mode="json")
    # a floor that is set, even to the default, stands beside a tuned policy
    promises = config.promises.model_dump(
        include={"min_p_ok", "min_quality", "below_floor"}, exclude_unset=True
    )
    made = hashlib.sha256(encode_json([parts, promises]))
    for tier in tiers.values():
        for deployment in tier.deployments:
            if deployment.bundle is not None:  # under one name another version may answer tomorrow
                made.update(deployment.bundle.card.sha256.encode())
    folder = config.routing.policy.removeprefix("learned:")
    if folder != config.routing.policy:
        made.update((Path(folder) / "card.json").read_bytes())
    return made.hexdigest()[:16]


def _sinks(
    config: Config, metrics: Metrics
) -> tuple[list[Callable[[Record], None]], list[Callable[[], object]]]:
    sinks: list[Callable[[Record], None]] = [metrics]
    closers: list[Callable[[], object]] = []
    if config.telemetry.log_path is not None:
        log = RequestLog(config.telemetry.log_path, config.telemetry.log_flush_s)
        sinks.append(log)
        closers.append(log.close)
    sinks.extend(make_plugged(spec, "stepwell.sinks", {}) for spec in config.telemetry.sinks)
    return sinks, closers


def _once(config: Config) -> Callable[[], Embedder]:
    made: list[Embedder] = []

    def get() -> Embedder:
        if not made:
            made.append(load_embedder(config.embedding))
        return made[0]

    return get
