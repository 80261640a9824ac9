"""A house of two tiers on fakes, and what tests look at in it."""

from __future__ import annotations

from typing import Any

from stepwell import ReplyStream, Stepwell
from stepwell.base.telemetry.record import Record
from stepwell.testing import FakeTier

CHEAP: dict[str, Any] = {
    "model": "fake/cheap",
    "window_tokens": 8192,
    "max_output_tokens": 100,
    "usd_per_1m_input": 1.0,
    "usd_per_1m_output": 2.0,
    "quality": 0.95,
}
DEAR: dict[str, Any] = {**CHEAP, "model": "fake/dear", "usd_per_1m_input": 10.0, "usd_per_1m_output": 20.0}
NO_CACHE = {"exact": False, "semantic": "off"}
QUICK = {"max_retries": 0, "backoff_s": 0.001, "cooldown_s": 0}


def house(cheap: FakeTier, dear: FakeTier | None = None, **sections: Any) -> Stepwell:
    """Two tiers, no guard, no cache, no retries, unless a section says otherwise."""
    plain: dict[str, Any] = {
        "cache": NO_CACHE,
        "guards": {"input": [], "output": []},
        "dispatch": QUICK,
        "promises": {"min_p_ok": 0, "max_usd_per_day": 1000},
    }
    tiers = {"cheap": CHEAP, "dear": DEAR}
    return Stepwell(
        tiers=tiers, backends={"cheap": cheap, "dear": dear or FakeTier()}, **{**plain, **sections}
    )


def records_of(well: Stepwell) -> list[Record]:
    """What the well records from now on."""
    found: list[Record] = []
    well.pipeline.record._sinks.append(found.append)
    return found


def n_in_flight(well: Stepwell) -> float:
    lines = well.pipeline.metrics.render().decode().splitlines()
    return float(next(line for line in lines if line.startswith("stepwell_in_flight ")).split()[1])


async def read(stream: ReplyStream, n: int | None = None) -> str:
    """The text of a stream, or of its first `n` pieces; what came before an error is kept in `heard`."""
    heard.clear()
    async for piece in stream.text_deltas():
        heard.append(piece)
        if len(heard) == n:
            break
    return "".join(heard)


heard: list[str] = []
