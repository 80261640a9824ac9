"""`stepwell replay router` and `replay cascade`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stepwell.front.cli.main import main
from tests.support.outcome_rows import made, write

Capture = pytest.CaptureFixture[str]
ASK = "How many apples are {} + 3? Answer with a number."


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def replayed(line: list[str]) -> list[dict[str, Any]]:
    assert main(["replay", *line, "--out", "out.jsonl"]) == 0
    return [json.loads(row) for row in Path("out.jsonl").read_text().splitlines()]


def test_a_tuned_policy_ranks_hard_rows_higher(here: Path) -> None:
    rows = write(here / "rows.jsonl", made(160))
    main(["tune", rows, "--tiers", "weak,strong", "--no-embedding", "--out", "p"])
    found = replayed(["router", rows, "--policy", "p"])
    assert [row["id"] for row in found] == [f"0-{i}" for i in range(160)]
    assert min(r["score"] for r in found[1::2]) > max(r["score"] for r in found[::2])
    assert {"weak", "strong"} == {r["tier"] for r in found} == set(found[0]["cost_usd"])
    assert "budget" not in found[0]
    (here / "stepwell.yaml").write_text('routing: {policy: "learned:p"}\n')
    assert replayed(["router", rows]) == found


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_share_is_held_over_the_file(share: float, here: Path) -> None:
    asks = [{"id": n, "prompt": f"Compare {'the merits of ' * (n * 7 % 23)}plan {n}."} for n in range(400)]
    found = replayed(["router", write(here / "asks.jsonl", asks), "--share", str(share)])
    went = [row["tier"] == "premium" for row in found]
    assert abs(sum(went) / len(went) - share) <= 0.03
    assert f"asked {share:.0%}" in found[-1]["budget"]


def test_a_share_out_of_range_is_2(here: Path, capsys: Capture) -> None:
    assert main(["replay", "router", write(here / "rows.jsonl", made(2)), "--share", "1.5"]) == 2
    assert "--share" in capsys.readouterr().err


def answered(n: int, *, is_scored: bool = True) -> list[dict[str, Any]]:
    """Sums; "a" errs on every third, "b" on every fourth, "s" never."""
    rows = []
    for i in range(n):
        said = {"a": i + 3 + (i % 3 == 0), "b": i + 3 + 2 * (i % 4 == 0), "s": i + 3}
        scores = {t: float(a == i + 3) for t, a in said.items()}
        row = {
            "id": i,
            "prompt": ASK.format(i),
            "answers": {t: str(a) for t, a in said.items()},
            "out_tokens": dict.fromkeys(said, 20),
        }
        rows.append(row | {"scores": scores} if is_scored else row)
    return rows


def test_agreeing_answers_are_taken_and_every_call_is_counted(here: Path, capsys: Capture) -> None:
    rows = write(here / "rows.jsonl", answered(24, is_scored=False))
    prices = "a=1,b=1,s=10/20"
    found = replayed(["cascade", rows, "--cheap", "a,b", "--strong", "s", "--prices", prices])
    agrees = [i % 3 != 0 and i % 4 != 0 for i in range(24)]
    assert [r["tier"] for r in found] == ["a" if yes else "s" for yes in agrees]
    assert [len(r["calls"]) for r in found] == [2 if yes else 3 for yes in agrees]
    n_input = len(ASK.format(1)) / 4
    assert found[1]["cost_usd"] == pytest.approx(2 * (n_input + 20) / 1e6)
    unsure = replayed(["cascade", rows, "--cheap", "a,b", "--strong", "s", "--accept-above", "0.99"])
    assert {r["tier"] for r in unsure} == {"s"}
    assert unsure[0]["cost_usd"] is None
    assert main(["replay", "cascade", rows]) == 2
    assert "--cheap A,B" in capsys.readouterr().err


def test_whole_answers_may_lie_in_a_file_of_their_own(here: Path) -> None:
    rows = [{k: v for k, v in row.items() if k != "answers"} for row in answered(2)]
    texts = [{"id": 1, "model": t, "text": f"Well, so the answer is {n}."} for t, n in (("a", 4), ("b", 4))]
    line = ["cascade", write(here / "rows.jsonl", rows), "--cheap", "a,b", "--strong", "s"]
    found = replayed([*line, "--texts", write(here / "texts.jsonl", texts)])
    assert [r["tier"] for r in found] == ["s", "a"]


def test_a_policy_brings_tiers_prices_and_what_it_learnt_of_answers(here: Path) -> None:
    rows = write(here / "rows.jsonl", answered(160))
    prices = "a=1,b=1,s=10/20"
    main(["tune", rows, "--tiers", "a,b,s", "--prices", prices, "--no-embedding", "--out", "p"])
    assert (here / "p" / "accept.npz").is_file()
    learnt = replayed(["cascade", rows, "--policy", "p"])
    assert learnt[1]["calls"] == ["a", "b"]
    assert all(r["cost_usd"] for r in learnt)
    rule = replayed(["cascade", rows, "--cheap", "a,b", "--strong", "s", "--prices", prices])
    assert [r["p_accept"] for r in learnt] != [r["p_accept"] for r in rule]
    right = [r["tier"] == "s" or (i % 3 != 0) for i, r in enumerate(learnt)]
    assert all(right)
