"""`stepwell cache report|erase`: what the cache saved, how often it was wrong, and what it must forget."""

from __future__ import annotations

import asyncio
import os
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.base.errors import StoreUnavailable
from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of

if TYPE_CHECKING:
    from stepwell.base.config import CacheConfig, Config
    from stepwell.memory.cache.gate.promise import GateReport
    from stepwell.memory.cache.report import CacheReport
    from stepwell.memory.store import Store

HOURS_A_DAY = 24
_REDIS_S = 10.0  # a mirror of 100,000 entries is read in less


def run_report(args: Namespace) -> int:
    if args.days is not None and args.days <= 0:
        raise UsageError(f"--days must be 1 or more; got {args.days}")
    config = config_of(args)
    with opened(config, args.path) as store:
        report = _report(config, store, args.days)
    if args.json:
        terminal.say_json(report)
    else:
        show(report, args.days)
    return Exit.OK


def run_erase(args: Namespace) -> int:
    """Exit code 1: there was nothing."""
    with opened(config_of(args), args.path) as store:
        if args.hit_id is not None:
            n = int(_remove(store, args.tenant, args.hit_id))
        else:
            n = store.erase(tenant=args.tenant, user=args.user)
    terminal.say(f"{n:,} {'entry' if n == 1 else 'entries'} erased")
    return Exit.OK if n else Exit.NO


def _report(config: Config, store: Store, days: int | None) -> CacheReport:
    from stepwell.memory.cache.parts import Parts
    from stepwell.memory.cache.report import read_report

    # where the cache compares nothing by meaning any more, its books still tell
    mode = "shadow" if config.cache.semantic == "off" else config.cache.semantic
    max_error = config.promises.max_cache_error
    parts = Parts(config.cache.model_copy(update={"semantic": mode}), max_error)
    since_hour = 0 if days is None else int(time.time() // 3600) - HOURS_A_DAY * days
    return read_report(store, parts.gate, max_error=max_error, since_hour=since_hour)


def _remove(store: Store, tenant: str, hit_id: str) -> bool:
    name = hit_id.partition(".")[0]
    entry = asyncio.run(store.find(name, now_s=time.time()))
    return entry is not None and entry.tenant == tenant and store.remove(name)


def show(report: CacheReport, days: int | None) -> None:
    """The report for a person: a table of hits, and what is known of the promise."""
    kinds = (("exact", report.hit), ("by meaning", report.semantic_hit), ("in shadow", report.shadow_hit))
    terminal.table(
        ("hits", "n", "saved", "time saved"),
        [(kind, f"{s.n:,}", terminal.usd(s.usd), _time(s.s)) for kind, s in kinds],
    )
    n = report.hit.n + report.semantic_hit.n
    n_all = n + report.n_misses
    when = "in all" if days is None else f"in {days} days" if days > 1 else "in a day"
    print(f"served {n:,} of {n_all:,} look-ups ({_share(n, n_all)}) {when}; {_wrong(report)}")
    for line in _promise(report.gate, report.max_error):
        print(line)


def _wrong(report: CacheReport) -> str:
    return (
        f"{report.n_reported_wrong:,} reported as wrong; {report.n_unsure:,} times the judge could not tell"
    )


def _promise(gate: GateReport, max_error: float) -> list[str]:
    state = "serving by meaning" if gate.state == "serving" else "shadow: hits by meaning are only counted"
    lines = [f"state: {state}"]
    if gate.error is None:
        lines.append(f"error by meaning: not known yet; {max_error:.1%} may be wrong")
    else:
        lines.append(
            f"error by meaning: {gate.error:.1%} ({gate.error_low:.1%} to {gate.error_high:.1%}) by "
            f"{gate.n_hits_judged:,} judged hits of {gate.n_judged:,} verdicts; {max_error:.1%} may be wrong"
        )
    lines.append(f"{gate.hit_share:.1%} of the last look-ups had such a neighbour")
    if gate.missing:
        lines.append(f"missing: {gate.missing}")
    return lines


def _share(n: int, n_all: int) -> str:
    return f"{n / n_all:.1%}" if n_all else "none"


def _time(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"


@contextmanager
def opened(config: Config, path: str | None) -> Iterator[Store]:
    """The store of `path`, else the configuration's.

    Raises:
        UsageError: It is kept in memory, or there is nothing yet; ConfigError: the file is of something else;
        StoreUnavailable: Redis does not answer.
    """
    store = _file(path) if path is not None else _configured(config.cache)
    try:
        yield store
    finally:
        asyncio.run(store.close())


def _file(path: str) -> Store:
    from stepwell.memory.schema import is_ours
    from stepwell.memory.sqlite_store import SqliteStore

    if not Path(path).is_file():
        raise UsageError(f"{path}: no cache there yet")
    if not is_ours(path):  # opening would write into it
        raise UsageError(f"{path}: empty, or a file of something else")
    return SqliteStore(path)


def _configured(config: CacheConfig) -> Store:
    if config.store is not None:
        from stepwell.deployments import make_plugged

        plugged: Store = make_plugged(config.store, "stepwell.stores", {})
        return plugged
    if config.redis_url_env is not None:
        return _redis(config, config.redis_url_env)
    if config.path is None:
        raise UsageError("the configuration keeps its cache in memory: set cache.path, or give --path")
    return _file(config.path)


def _redis(config: CacheConfig, env: str) -> Store:
    from stepwell.memory.redis_store import RedisStore
    from stepwell.memory.sqlite_store import SqliteStore

    url = os.environ.get(env)
    if not url:
        raise UsageError(f"cache.redis_url_env: {env} is not set in the environment")
    store = RedisStore(url, local=SqliteStore(None), timeout_s=config.redis_timeout_s)
    ends_s = time.monotonic() + _REDIS_S
    while store.is_exact_only:  # not all of it is read yet
        if time.monotonic() > ends_s:
            asyncio.run(store.close())
            raise StoreUnavailable(f"the Redis of {env} did not answer within {_REDIS_S:g} s")
        time.sleep(0.05)
    return store
