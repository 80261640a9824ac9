"""Recorded answers through a cascade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.cascade.bench import main
from stepwell.evals.tune.cascade.replay import replay_cascade

PRICES = {"a": (1.0, 2.0), "b": (1.0, 2.0), "m": (3.0, 3.0), "s": (10.0, 10.0)}


def line(
    a: str | None, b: str | None, m: str = "9", prompt: str = "How many apples are 2 + 3?", **more: Any
) -> str:
    row = {
        "id": "x", "prompt": prompt, "scores": {"a": 1, "s": 1},
        "answers": {"a": a, "b": b, "m": m, "s": "5"}, "out_tokens": dict.fromkeys("abms", 100),
    }  # fmt: skip
    return json.dumps(row | more)


def one(row: str, **more: Any) -> dict[str, Any]:
    (found,) = replay_cascade([row], cheap=["a", "b"], strong="s", prices=PRICES, **more)
    return found


def test_agreement_is_served_and_every_call_counted() -> None:
    found = one(line("5", "5.0"))
    n_input = len("How many apples are 2 + 3?") / 4
    assert (found["tier"], found["calls"], found["accepted"], found["agreed"]) == (
        "a",
        ["a", "b"],
        True,
        True,
    )
    assert found["cost_usd"] == pytest.approx(2 * (n_input * 1 + 100 * 2) / 1e6)
    assert (found["id"], found["kind"], found["reasons"]) == ("x", "number", ["agree"])
    assert 0.6 <= found["p_accept"] <= 1


def test_disagreement_goes_up_and_scores_higher() -> None:
    agreed, found = one(line("5", "5")), one(line("5", "6"))
    assert (found["tier"], found["calls"], found["accepted"]) == ("s", ["a", "b", "s"], False)
    assert found["score"] > agreed["score"]
    assert found["cost_usd"] > agreed["cost_usd"]
    assert one(line("no idea", "none"))["reasons"] == ["unreadable"]


def test_a_middle_tier_decides_where_it_agrees_with_one() -> None:
    assert one(line("5", "6", "6"), middle="m")["tier"] == "m"
    assert one(line("5", "6", "6"), middle="m")["calls"] == ["a", "b", "m"]
    assert one(line("5", "6", "7"), middle="m")["calls"] == ["a", "b", "m", "s"]
    assert one(line("5", "5", "7"), middle="m")["calls"] == ["a", "b"]


def test_the_bar_and_the_policy_s_need_count() -> None:
    assert one(line("5", "5"), accept_above=0.99)["reasons"] == ["low_confidence"]
    easy, hard = (one(line("5", "5"), need_of=lambda ask, n=n: n) for n in (0.0, 1.0))
    assert hard["score"] > easy["score"]


def test_open_asks_go_straight_to_the_strong_tier() -> None:
    found = one(line("roses " * 60, "roses " * 60, prompt="Write a poem about roses."))
    assert (found["tier"], found["calls"], found["score"], found["kind"]) == ("s", ["s"], 1.0, None)


def test_a_recorded_cost_wins_and_an_unknown_price_is_said() -> None:
    assert one(line("5", "5", cost_usd={"a": 0.5, "b": 0.25}))["cost_usd"] == 0.75
    (found,) = replay_cascade([line("5", "5")], cheap=["a", "b"], strong="s")
    assert found["cost_usd"] is None


@pytest.mark.parametrize(
    "tiers",
    [{"cheap": ["a"]}, {"cheap": ["a", "a"]}, {"cheap": ["a", "s"]}, {"cheap": ["a", "b"], "middle": "b"}],
)
def test_what_is_no_cascade_is_refused(tiers: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        list(replay_cascade([line("5", "5")], strong="s", **tiers))


def test_the_table_has_a_line_for_each_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        line(str(i % 7), str(i % 3), id=f"r{i}", scores={"a": i % 2, "b": i % 3 == 0, "s": 1})
        for i in range(60)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    (tmp_path / "texts.jsonl").write_text(json.dumps({"id": "r1", "model": "a", "text": "It is 1."}))
    (tmp_path / "prices.json").write_text(json.dumps(PRICES))
    files = [str(tmp_path / name) for name in ("rows.jsonl", "texts.jsonl", "prices.json")]
    main([files[0], "--cheap", "a,b", "--strong", "s", "--texts", files[1], "--prices", files[2]])
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("60 rows; two agree on")
    assert [text.split("APGR")[0].strip() for text in said[1:]] == [
        "length of the first answer", "agreement, no labels", "labels, 5-fold",
    ]  # fmt: skip
