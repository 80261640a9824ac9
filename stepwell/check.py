"""What holds today: which tiers can be reached, which lack a key, and what each promise can rest on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stepwell.base.catalogue import PROVIDERS
from stepwell.base.errors import BudgetExceeded
from stepwell.check_guards import guard_lines
from stepwell.check_line import CheckLine, Status
from stepwell.check_local import local_line
from stepwell.pipeline import Pipeline
from stepwell.router.drift import Drift, drift_of
from stepwell.router.redis_ledger import RedisLedger
from stepwell.router.tierinfo import TierInfo

if TYPE_CHECKING:
    from stepwell.router.learned.bundle import Card

CONNECT_TIMEOUT_S = 3.0
MAX_PRICE_CHANGE = 0.1  # of the larger, before a tuned price is doubted
_LEARNED = "learned:"


async def check(pipeline: Pipeline) -> list[CheckLine]:
    """Look at tiers (one TCP connection to each endpoint that has a key, nothing sent) and promises."""
    infos = pipeline.router.tiers
    lines = list(await asyncio.gather(*(_tier(pipeline, info) for info in infos)))
    if all(line.status == "fail" for line in lines):
        lines.append(CheckLine("tiers", "fail", "no tier can answer"))
    card = _card(pipeline)
    feedback = await asyncio.to_thread(lambda: list(_feedback(pipeline, card)))
    return [
        *lines,
        *await _ledger(pipeline),
        *_promises(pipeline, card),
        await _cache_error(pipeline),
        *_context(pipeline),
        *guard_lines(pipeline),
        *feedback,
        *_steering(pipeline, card),
    ]


async def _tier(pipeline: Pipeline, info: TierInfo) -> CheckLine:
    subject = f"tier {info.name}"
    models = ", ".join(info.models)
    if info.missing_key is not None:
        return CheckLine(subject, "warn", f"{models}: lacks {info.missing_key}")
    if info.usd_per_1m_output is None and pipeline.config.routing.unknown_price_usd_per_1m is None:
        return CheckLine(
            subject, "fail", f"{models}: price unknown; set usd_per_1m_input and usd_per_1m_output"
        )
    if (local := local_line(pipeline, info)) is not None:
        return local
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


def _card(pipeline: Pipeline) -> Card | None:
    """What a learned policy says of itself; None where another policy routes."""
    folder = pipeline.config.routing.policy.removeprefix(_LEARNED)
    if folder == pipeline.config.routing.policy:
        return None
    from stepwell.router.learned.bundle import read_card

    return read_card(folder)


def _is_tuned(card: Card | None) -> bool:
    return card is not None and (card.price is not None or bool(card.mix))


def _floor(pipeline: Pipeline, card: Card | None) -> CheckLine:
    p, policy = pipeline.config.promises, pipeline.config.routing.policy
    said, subject = f"{p.min_p_ok:g}", "promise min_p_ok"
    if policy in ("heuristic", "coldstart"):
        prior = "rests on a prior, not on outcomes of yours; take p(ok) as a ranking"
        return CheckLine(subject, "warn", f"{said}: {prior}")
    if _is_tuned(card) and "min_p_ok" not in p.model_fields_set:
        return CheckLine(subject, "ok", "not applied: what the policy was tuned for stands in its place")
    errors = [v for k, v in (card.metrics if card else {}).items() if k.startswith("calibration_error.")]
    measured = f"; calibration error of p(ok) up to {max(errors):.3f}" if errors else ""
    return CheckLine(subject, "ok", f"{said}: rests on policy {policy}{measured}")


def _quality(pipeline: Pipeline, card: Card) -> CheckLine:
    """What min_quality rests on, whether it is promised or only tuned for."""
    asked = pipeline.config.promises.min_quality
    if not _is_tuned(card):
        detail = "the learned policy was tuned for no promise; run `stepwell tune` with --min-quality"
        return CheckLine("promise min_quality", "warn", detail)
    doubts = [*_mix(card), *_other_prices(pipeline, card)]
    known = f"{card.n_rows} rows, data {card.data_sha256[:8]}, tuned on {_prices(card)}"
    first = "not promised" if asked is None else f"{asked:g}"
    parts = [f"{first}, tuned for {card.min_quality or 0:g}", card.verdict.rstrip("."), known, *doubts]
    return CheckLine("promise min_quality", "warn" if doubts else "ok", "; ".join(filter(None, parts)))


def _mix(card: Card) -> list[str]:
    if card.price is not None or not card.mix:
        return []
    shares = ", ".join(f"{share:.0%} {tier}" for tier, share in card.mix.items())
    return [f"it fell back to a fixed mix ({shares}): no request is looked at"]


def _prices(card: Card) -> str:
    known = ", ".join(f"{tier} ${a:g}/${b:g}" for tier, (a, b) in card.usd_per_1m.items())
    return f"prices per 1M tokens in/out: {known}" if known else "no prices"


def _other_prices(pipeline: Pipeline, card: Card) -> list[str]:
    found = []
    for info in pipeline.router.tiers:
        was, now_in, now_out = card.usd_per_1m.get(info.name), info.usd_per_1m_input, info.usd_per_1m_output
        if was is None or now_in is None or now_out is None:
            continue
        if _differ(was[0], now_in) or _differ(was[1], now_out):
            found.append(f"{info.name} is ${now_in:g}/${now_out:g} now: tune again")
    return found


def _differ(was: float, now: float) -> bool:
    return abs(was - now) > MAX_PRICE_CHANGE * max(was, now)


def _feedback(pipeline: Pipeline, card: Card | None) -> Iterator[CheckLine]:
    store, explored = pipeline.outcomes, pipeline.config.feedback.explore_share
    if store is None:
        if explored:
            yield CheckLine("feedback", "warn", f"off, but {explored:.1%} is explored: set feedback.path")
        else:
            yield CheckLine("feedback", "ok", "off")
        return
    try:
        n_replies, n_outcomes = store.n_rows()
        drift = drift_of(store.scored(), store.ranks()) if card is not None else Drift()
    except sqlite3.Error as e:
        yield CheckLine("feedback", "fail", f"the outcomes can't be read: {type(e).__name__}")
        return
    parts = [f"{n_outcomes} outcomes to tune with", f"{n_replies} replies wait for feedback"]
    if explored:
        parts.append(f"{explored:.1%} explored")
    if drift.n:
        parts.append(f"{drift.why}: tune again" if drift.is_drifting else drift.why)
    yield CheckLine("feedback", "warn" if drift.is_drifting else "ok", "; ".join(parts))


def _steering(pipeline: Pipeline, card: Card | None) -> Iterator[CheckLine]:
    routing, p = pipeline.config.routing, pipeline.config.promises
    goes_first = (
        "; a quality promise goes first" if _is_tuned(card) or "min_p_ok" in p.model_fields_set else ""
    )
    held = f"held by a running cut in this process alone, anew after a restart{goes_first}"
    if routing.target_share is not None:
        yield CheckLine("target_share", "ok", f"{routing.target_share:g}: {held}")
    if routing.target_usd_per_day is not None:
        yield _dollars(pipeline, f"${routing.target_usd_per_day:g}: {held}")
    if routing.cascade == "on":
        yield _cascade(card)
    if routing.confidence == "on":
        yield _confidence(pipeline)


def _dollars(pipeline: Pipeline, said: str) -> CheckLine:
    subject = "target_usd_per_day"
    if pipeline.config.promises.max_usd_per_day is None:
        return CheckLine(subject, "warn", f"{said}; it steers and is no limit: set promises.max_usd_per_day")
    return CheckLine(subject, "ok", said)


def _cascade(card: Card | None) -> CheckLine:
    if card is None or card.price is None:
        detail = "on, but nothing is planned: it needs a learned policy with a tuned price"
        return CheckLine("cascade", "warn", detail)
    if card.cascade is None:
        detail = "on, but nothing is planned: no agreement was learnt; tune with answers of three tiers"
        return CheckLine("cascade", "warn", detail)
    if not card.cascade.pays:
        return CheckLine("cascade", "warn", "on, but nothing is planned: on your outcomes it does not pay")
    return CheckLine("cascade", "warn", "on: not covered by the quality bound; agreement learnt")


def _confidence(pipeline: Pipeline) -> CheckLine:
    known = pipeline.ladder.confidence if pipeline.ladder is not None else {}
    if known:
        return CheckLine("confidence", "ok", f"on: calibrated for {', '.join(known)}")
    detail = (
        "on, but no tier is doubted: it needs a learned policy with calibrations of a tier with log-probabilities; "
        "run `stepwell eval confidence SUITE --tier T --policy DIR`"
    )
    return CheckLine("confidence", "warn", detail)


async def _cache_error(pipeline: Pipeline) -> CheckLine:
    """What the promise on wrong hits rests on today."""
    config, subject = pipeline.config, "promise max_cache_error"
    found = None if pipeline.cache is None else await pipeline.cache.report()
    said = f"{config.promises.max_cache_error:g}: "
    if found is None:
        return CheckLine(subject, "ok", said + "semantic cache off: nothing can be wrong")
    gate = found.gate
    known = f"{gate.n_judged} judged"
    if gate.error is not None:
        known += f", estimated error {gate.error:.3f} [{gate.error_low:.3f}, {gate.error_high:.3f}]"
    why = f"; {gate.missing}" if gate.missing else ""
    held = gate.state == "serving" and gate.error_high <= config.promises.max_cache_error
    status: Status = "ok" if held or gate.state == "shadow" else "warn"
    return CheckLine(subject, status, f"{said}{config.cache.semantic}, {gate.state}: {known}{why}")


def _context(pipeline: Pipeline) -> Iterator[CheckLine]:
    """Where conversations are kept, who sums them up, and what `min_recall` rests on."""
    config = pipeline.config.context
    if config.path is not None:
        where = "kept in a file, over restarts"
    elif config.redis_url_env is not None:
        where = f"kept in the Redis of {config.redis_url_env}, for all replicas"
    else:
        where = "in memory: they end with the process; context.path or context.redis_url_env keeps them"
    yield CheckLine("conversations", "ok", where)
    said = f"{pipeline.config.promises.min_recall:g}: "
    if not config.fit:
        yield CheckLine(
            "promise min_recall", "warn", said + "context.fit is off: what is too long is refused"
        )
        return
    yield CheckLine(
        "promise min_recall",
        "ok",
        said
        + "by the estimate that every reply shows; `stepwell eval context FILE` holds it against the facts",
    )


def _promises(pipeline: Pipeline, card: Card | None) -> Iterator[CheckLine]:
    p = pipeline.config.promises
    yield _floor(pipeline, card)
    if card is not None:
        yield _quality(pipeline, card)
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
