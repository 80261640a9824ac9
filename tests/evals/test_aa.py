"""`stepwell eval aa`: what verdicts are worth on outcomes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from stepwell.evals.aa import DESIGNS, Matches, designs_of, rows_paired, rows_unpaired, tally
from stepwell.evals.verdict.looks import Looks
from stepwell.front.cli.main import main


def matches(n: int = 600) -> Matches:
    """Arm a is right on .8, b on .65; they go together; by source."""
    rng, a, b = random.Random(6), [], []
    for _ in range(n):
        ease = rng.random()
        a.append(float(ease < 0.8))
        b.append(float(ease < 0.65) if rng.random() < 0.8 else float(rng.random() < 0.65))
    return Matches(a, b, [f"source {i % 15}" for i in range(n)])


@pytest.mark.parametrize("design", [d for d in DESIGNS if "swapped" in d or "twice" in d])
def test_arms_alike(design: str) -> None:
    found = tally(matches(), design, n=100, n_draws=300)
    assert found.truth == 0
    assert found.false_share == found.found_share <= 0.08
    assert 0.91 <= found.cover_share <= 0.99


def test_intervals_hold_what_is_true() -> None:
    for design in ("as they are", "clusters"):
        found = tally(matches(), design, n=120, n_draws=300)
        assert found.truth == pytest.approx(matches().difference)
        assert 0.91 <= found.cover_share <= 0.99


def test_pairing_and_looking_save_rows() -> None:
    rows = matches()
    unpaired, paired = rows_unpaired(rows), rows_paired(rows)
    assert paired < unpaired
    found = tally(rows, "as they are", n=unpaired, n_draws=60, looks=Looks(unpaired))
    assert found.found_share >= 0.9
    assert found.mean_rows < paired
    assert found.median_rows <= found.p90_rows <= unpaired


def test_draws_are_the_same_again() -> None:
    assert tally(matches(), "arms swapped", n=50, n_draws=20) == tally(
        matches(), "arms swapped", n=50, n_draws=20
    )


def test_rows_without_sources_have_no_clusters() -> None:
    rows = matches(50)
    bare = Matches(rows.of_a, rows.of_b)
    assert [d for d in designs_of(bare) if "clusters" in d] == []
    with pytest.raises(ValueError, match="no clusters"):
        tally(bare, "clusters", n=20, n_draws=1)


@pytest.fixture
def outcomes(tmp_path: Path) -> Path:
    rows = matches(300)
    lines = [
        {
            "id": str(i),
            "prompt": f"question {i}",
            "domain": rows.clusters[i],
            "scores": {"small": b, "large": a},
        }
        for i, (a, b) in enumerate(zip(rows.of_a, rows.of_b, strict=True))
        if rows.clusters
    ]
    path = tmp_path / "outcomes.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_the_command(outcomes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        "eval",
        "aa",
        str(outcomes),
        "--tiers",
        "small,large",
        "--n",
        "40",
        "--resamples",
        "40",
        "--looks",
        "4",
    ]
    assert main([*asked, "--json", "--max-false", "0.2"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 2 * len(DESIGNS)
    assert {r["how"] for r in rows} == {"fixed", "looks"}
    assert main([*asked, "--max-false", "0"]) == 1
    assert "arms swapped" in capsys.readouterr().out


def test_the_command_counts_rows_to_a_verdict(outcomes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["eval", "aa", str(outcomes.parent), "--tiers", "small,large", "--power", "--resamples", "40"]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["mean_rows"] < told["rows_paired"] < told["rows_unpaired"]
    assert main(asked) == 0
    assert "two samples apart" in capsys.readouterr().out


def test_the_command_wants_two_tiers_and_rows(outcomes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "aa", str(outcomes), "--tiers", "small"]) == 64
    assert main(["eval", "aa", str(outcomes), "--n", "many"]) == 64
    assert main(["eval", "aa", str(outcomes), "--tiers", "small,none"]) == 64
    assert "two" in capsys.readouterr().err
