"""Recorded rows through the router."""

import pytest

from stepwell.base.config import PromisesConfig, RoutingConfig
from stepwell.base.errors import BadRequest
from stepwell.router.decide import Router
from stepwell.router.replay import replay
from stepwell.router.tierinfo import TierInfo


def tier(name: str, quality: float, usd: float, key: str | None = None) -> TierInfo:
    return TierInfo(name, (f"p/{name}",), quality, 4096, 1024, frozenset(), usd, None, usd, key, False)


ROUTER = Router(RoutingConfig(), PromisesConfig(), [tier("small", 0.12, 0.1), tier("big", 0.9, 1.0)])


def test_each_row_gets_a_tier_a_price_and_a_reason() -> None:
    rows: list[dict[str, object]] = [
        {
            "id": "a",
            "prompt": "Rewrite this sentence in the past tense: I walk.",
            "model": "some-model",
            "n": "a column of the data's own",
        },
        {"messages": [{"role": "user", "content": "Prove that 2 is prime."}]},
    ]
    first, second = replay(rows, ROUTER)
    assert (first["id"], first["tier"]) == ("a", "small")
    assert (second["id"], second["tier"]) == (1, "big")
    assert second["why"] == "big by coldstart; asks for a proof"
    p_ok = second["p_ok"]
    assert isinstance(p_ok, dict)
    assert p_ok["small"] < 0.1 < p_ok["big"]
    assert isinstance(second["cost_usd"], float)


def test_a_refusal_is_a_row_too() -> None:
    keyless = Router(RoutingConfig(), PromisesConfig(), [tier("big", 0.9, 1.0, key="BIG_KEY")])
    (row,) = replay([{"id": 7, "prompt": "Why?"}], keyless)
    assert (row["id"], row["tier"], row["error"]) == (7, None, "quality_floor_unmet")
    assert "BIG_KEY" in str(row["why"])


@pytest.mark.parametrize("row", [{"id": 1}, {"prompt": 3}, {"messages": "hi"}])
def test_a_row_that_is_no_request_is_an_error(row: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        list(replay([row], ROUTER))
