"""How a replica reads all that Redis holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from stepwell.memory.redis import keys
from stepwell.memory.redis.mirror import Mirror
from stepwell.memory.store import Record, Tally

N_A_PAGE = 500
TALLIES_KEPT_H = 24 * 90


def boot(redis: Any, mirror: Mirror, *, between: Callable[[], None]) -> None:
    """Fill a mirror. What changes meanwhile is in the log after where it ended before.

    Args:
        between: Called after each page; may raise to break off.

    Raises:
        RedisError, OSError: Redis failed; a mirror that is half full holds nothing wrong.
    """
    mirror.begin()
    hit_ids: list[str] = []
    for page in _pages(redis):
        hit_ids += _entries(redis, mirror, page)
        between()
    # a vector needs the entry that it leads to
    for first in range(0, len(hit_ids), N_A_PAGE):
        _vectors(redis, mirror, hit_ids[first : first + N_A_PAGE])
        between()
    _tallies(redis, mirror)


def _pages(redis: Any) -> Iterator[list[str]]:
    """All hit_ids; one may come twice."""
    cursor = -1
    while cursor:
        cursor, found = redis.zscan(keys.ALL, max(cursor, 0), count=N_A_PAGE)
        yield [hit_id.decode() for hit_id, _ in found]


def _entries(redis: Any, mirror: Mirror, hit_ids: Iterable[str]) -> list[str]:
    """Take entries and their records over; returns those that have a vector too."""
    pipe = redis.pipeline(transaction=False)
    ids = list(hit_ids)
    for hit_id in ids:
        pipe.hmget(keys.entry(hit_id), "e", "r", "w")
        pipe.hexists(keys.entry(hit_id), "v")
    answers = pipe.execute()
    for hit_id, (raw, n_right, n_wrong) in zip(ids, answers[::2], strict=True):
        if raw is not None:
            mirror.put(raw)
        if n_right or n_wrong:
            mirror.add_record(hit_id, Record(int(n_right or 0), int(n_wrong or 0)))
    return [hit_id for hit_id, has_vector in zip(ids, answers[1::2], strict=True) if has_vector]


def _vectors(redis: Any, mirror: Mirror, hit_ids: list[str]) -> None:
    pipe = redis.pipeline(transaction=False)
    for hit_id in hit_ids:
        pipe.hmget(keys.entry(hit_id), "v", "a")
    attached = [mirror.attach(raw, leads_to) for raw, leads_to in pipe.execute() if raw is not None]
    if attached and attached[-1] is not None:
        attached[-1].exception()  # no more than a page is on its way


def _tallies(redis: Any, mirror: Mirror) -> None:
    since_hour = int(time.time()) // 3600 - TALLIES_KEPT_H
    sums: dict[tuple[int, str], dict[str, float]] = {}
    old: list[bytes] = []
    for name, value in redis.hgetall(keys.TALLIES).items():
        hour, kind, what = name.decode().split(":")
        if int(hour) < since_hour:
            old.append(name)
        else:
            sums.setdefault((int(hour), kind), {})[what] = float(value)
    if old:
        redis.hdel(keys.TALLIES, *old)
    tallies = [
        Tally(hour, kind, int(t.get("n", 0)), t.get("usd", 0.0), t.get("s", 0.0))
        for (hour, kind), t in sums.items()
    ]
    mirror.count(tallies)
