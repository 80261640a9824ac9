"""What holds today: which tiers can be reached, which lack a key, and what each promise can rest on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from stepwell.base.catalogue import PROVIDERS
from stepwell.base.errors import BudgetExceeded
from stepwell.pipeline import Pipeline
from stepwell.router.redis_ledger import RedisLedger
from stepwell.router.tierinfo import TierInfo

Status = Literal["ok", "warn", "fail"]
CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One finding. "fail": requests that need it will fail; "warn": it holds less than one might think."""

    subject: str
    status: Status
    detail: str


async def check(pipeline: Pipeline) -> list[CheckLine]:
    """Look at tiers (one TCP connection to each endpoint that has a key, nothing sent) and promises."""
    infos = pipeline.router.tiers
    lines = list(await asyncio.gather(*(_tier(pipeline, info) for info in infos)))
    if all(line.status == "fail" for line in lines):
        lines.append(CheckLine("tiers", "fail", "no tier can answer"))
    return [*lines, *await _ledger(pipeline), *_promises(pipeline, infos)]


async def _tier(pipeline: Pipeline, info: TierInfo) -> CheckLine:
    subject = f"tier {info.name}"
    models = ", ".join(info.models)
    if info.missing_key is not None:
        return CheckLine(subject, "warn", f"{models}: lacks {info.missing_key}")
    if info.usd_per_1m_output is None and pipeline.config.routing.unknown_price_usd_per_1m is None:
        return CheckLine(
            subject, "fail", f"{models}: price unknown; set usd_per_1m_input and usd_per_1m_output"
        )
    if info.is_local:
        return CheckLine(subject, "ok", f"{models}: weights are here; started at the first request")
    unreachable = [e for e in _endpoints(pipeline, info.name) if not await _connects(*e)]
    if unreachable:
        return CheckLine(subject, "fail", f"{models}: {unreachable[0][0]} can't be reached")
    window = "window unknown" if info.window_tokens is None else f"window {info.window_tokens} tokens"
    price = f"${info.usd_per_1m_input}/${info.usd_per_1m_output} per 1M tokens in/out"
    return CheckLine(subject, "ok", f"{models}: reachable; {window}; {price}")


def _endpoints(pipeline: Pipeline, tier: str) -> Iterator[tuple[str, int]]:
    for d in pipeline.config.tiers[tier].deployments:
        provider = PROVIDERS.get(d.model.partition("/")[0])
        url = d.base_url or (provider.base_url if provider is not None else None)
        if url is not None and d.kind in ("auto", "http"):
            parts = urlsplit(url)
            yield parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


async def _connects(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _ledger(pipeline: Pipeline) -> list[CheckLine]:
    ledger = pipeline.ledger
    if not isinstance(ledger, RedisLedger):
        return []
    try:
        spent_usd, keeps = await ledger.fetch_spent_usd(), await ledger.keeps()
    except BudgetExceeded as e:
        detail = f"{e} Paid calls are refused where a day has a budget."
        return [CheckLine("ledger", "fail", detail)]
    doubts = []
    if keeps.may_evict:
        doubts.append("short of memory, this Redis may drop the day's sums: set maxmemory-policy noeviction")
    if keeps.outlives_restart is False:
        doubts.append("a restart of this Redis may lose the day's sums: set appendonly yes")
    detail = "; ".join(["Redis answers", f"${spent_usd:.6f} charged today by all replicas", *doubts])
    return [CheckLine("ledger", "warn" if doubts else "ok", detail)]


def _shared_by(pipeline: Pipeline) -> str:
    p = pipeline.config.promises
    if p.ledger_redis_url_env is not None:
        return "all replicas that share the ledger"
    return "this process alone" if p.ledger_path is None else "all processes that share ledger_path"


def _promises(pipeline: Pipeline, infos: list[TierInfo]) -> Iterator[CheckLine]:
    p = pipeline.config.promises
    policy = pipeline.config.routing.policy
    if policy in ("heuristic", "coldstart"):
        yield CheckLine(
            "promise min_p_ok",
            "warn",
            f"{p.min_p_ok:g}: rests on a prior, not on outcomes of yours; take p(ok) as a ranking",
        )
    else:
        yield CheckLine("promise min_p_ok", "ok", f"{p.min_p_ok:g}: rests on policy {policy}")
    limits = {
        "max_usd_per_request": p.max_usd_per_request,
        "max_usd_per_user_day": p.max_usd_per_user_day,
        "max_usd_per_tenant_day": p.max_usd_per_tenant_day,
        "max_usd_per_day": p.max_usd_per_day,
    }
    for name, usd in limits.items():
        if usd is not None:
            yield CheckLine(
                f"promise {name}",
                "ok",
                f"${usd:g}: reserved before a call, settled after; {_shared_by(pipeline)}",
            )
    if all(usd is None for usd in limits.values()):
        yield CheckLine("promise dollars", "warn", "no limit is set")
    mode = pipeline.config.cache.semantic
    detail = {
        "off": "semantic cache off: nothing can be wrong",
        "shadow": "semantic cache in shadow: nothing is served, would-be hits are counted",
        "serve": "semantic cache serves above min_similarity; its error is not measured",
    }[mode]
    yield CheckLine(
        "promise max_cache_error", "warn" if mode == "serve" else "ok", f"{p.max_cache_error:g}: {detail}"
    )
    yield CheckLine(
        "promise max_false_blocks", "ok", f"{p.max_false_blocks:g}: only rule checks run; none is learned"
    )
