"""Outcome rows as logged requests, and these decided again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stepwell.evals.traffic.redecide import NewPolicy, Redecided, redecide
from stepwell.router.features import read_ask
from stepwell.router.learned.inputs import read_inputs
from stepwell.router.traits import TRAITS_HASH
from stepwell.traffic_line import Logged

PRICES = "weak=0.5/1,strong=5/10"


def logged(row: dict[str, Any], tier: str, *, is_text: bool = True, **more: Any) -> Logged:
    """An outcome row as a request that went to a tier."""
    values: dict[str, Any] = {
        "policy": "coldstart",
        "tier": tier,
        "served": tier,
        "cost_usd": 0.001 if tier == "strong" else 0.0001,
        "is_whole": True,
        "in_tokens": 20,
        "out_tokens": 50,
        "n_input_tokens": 20,
    }
    ask = row["prompt"]
    if is_text:
        values["messages"] = ({"role": "user", "content": ask},)
    else:
        read = read_inputs([read_ask(ask)])
        values |= {"traits": read.traits[0].astype("<f4").tobytes(), "traits_hash": TRAITS_HASH}
        values["words"] = read.words[0].astype("<u2").tobytes()
    return Logged(f"req-{row['id']}", **(values | more))


def decided(policy: NewPolicy, rows: Iterable[Logged]) -> list[Redecided]:
    return list(redecide(rows, policy, _no_embedder))


def _no_embedder() -> Any:
    raise AssertionError("no vector is needed")
