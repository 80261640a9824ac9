"""Learning the cold-start weights, on small sources made here."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest

from stepwell.base.errors import BadRequest
from stepwell.evals.tune import coldstart
from stepwell.evals.tune.coldstart import Source, learn_index, leave_one_out, read_source, score
from stepwell.router.policy.index import Index
from stepwell.router.policy.signs import LIST_REASONS, SIGNS

AT = SIGNS.index("reasoning")


def source(name: str, n: int, seed: int, *, sign: float = 1.0) -> Source:
    """Gains follow one sign; the others are noise, and every source has a level of its own."""
    rng = np.random.default_rng(seed)
    values = rng.normal(loc=seed, size=(n, len(SIGNS)))
    gain = rng.random((n, 2)) < 1 / (1 + np.exp(-2 * sign * (values[:, [AT]] - seed)))
    return Source(name, values, rng.random(n), np.zeros((n, 2)), gain.astype(float))


def test_what_holds_in_every_source_gets_the_weight() -> None:
    index = learn_index([source("a", 400, 0), source("b", 300, 1), source("c", 50, 2)])
    weights = {s.name: s.weight for s in index.signs}
    assert max(weights, key=lambda name: weights[name]) == "reasoning"
    held = source("d", 400, 3)
    assert held.mean_apgr(score(index, held.values)) > 0.55


def test_a_sign_that_points_down_is_left_out_not_turned() -> None:
    index = learn_index([source("a", 400, 0, sign=-3), source("b", 400, 1, sign=-3)], shrink=0.1)
    assert {s.name: s.weight for s in index.signs}["reasoning"] == 0
    assert min(s.weight for s in index.signs) >= 0


def test_strong_shrinking_ends_at_the_common_weights() -> None:
    index = learn_index([source("a", 200, 0)], shrink=1e6, common=0.05, listed=0.1)
    for sign in index.signs:
        expected = 0.1 if sign.name in LIST_REASONS else 0.05
        assert sign.weight == pytest.approx(expected, abs=1e-4)


def test_non_negative_least_squares_meets_its_conditions() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(60, 6))
    gram, aim = x.T @ x, x.T @ rng.normal(size=60)
    weight = coldstart._non_negative(gram, aim)
    slope = gram @ weight - aim
    assert (weight >= 0).all()
    assert (weight == 0).any()
    assert (weight > 0).any()
    assert np.abs(slope[weight > 0]).max() < 1e-8
    assert slope[weight == 0].min() > -1e-8


def test_a_big_source_counts_no_more_than_a_small_one() -> None:
    big, small = source("a", 4000, 0), source("b", 200, 1, sign=-1)
    values, n_chars, weak, strong = (
        np.concatenate([m, m]) for m in (big.values, big.n_chars, big.weak, big.strong)
    )
    doubled = Source("a", values, n_chars, weak, strong)
    assert learn_index([big, small]).signs == learn_index([doubled, small]).signs


def test_missing_answers_are_left_out_of_gains_and_apgr() -> None:
    made = source("a", 50, 0)
    weak = made.weak.copy()
    weak[:10, 0] = np.nan
    holed = Source("a", made.values, made.n_chars, weak, made.strong)
    assert np.array_equal(holed.gains()[:10], made.strong[:10, 1])
    assert np.isfinite(holed.mean_apgr(made.values[:, AT]))


def test_leaving_out_reports_every_source() -> None:
    sources = [source(n, 200, i) for i, n in enumerate("abc")]
    found = leave_one_out(sources)
    assert list(found) == ["a", "b", "c"]
    assert all(row["index"] > 0.52 for row in found.values())


WORDS = (
    "the",
    "if",
    "not",
    "said",
    "each",
    "box",
    "court",
    "he",
    "more",
    "number",
    "code",
    "green",
    "suppose",
)


PAIRS = dict.fromkeys(("one", "two", "three"), (("w", "s"),))


def _rows(name: str, n: int) -> list[dict[str, object]]:
    rng = random.Random(name)
    rows = []
    for i in range(n):
        prompt = " ".join(rng.choices(WORDS, k=rng.randrange(4, 30))) + "?"
        is_hard = "if" in prompt
        rows.append(
            {
                "id": i,
                "dataset": name,
                "prompt": prompt,
                "scores": {"w": float(not is_hard), "s": 1.0},
                "domain": "",
            }
        )
    return rows


def _written(folder: Path, name: str) -> Path:
    path = folder / f"{name}.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in _rows(name, 40))
    return path


def test_the_command_writes_the_same_weights_twice_whatever_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(coldstart.read_source, "__defaults__", (PAIRS,))
    files = [_written(tmp_path, name) for name in ("one", "two", "three")]
    for out, order in (("a.json", files), ("b.json", files[::-1])):
        coldstart.main([*map(str, order), "--out", str(tmp_path / out)])
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    index = msgspec.json.decode((tmp_path / "a.json").read_bytes(), type=Index)
    assert [row["rows"] for row in index.card["data"]] == [40, 40, 40]  # type: ignore[attr-defined]
    assert "mean" in capsys.readouterr().out
    assert "box" not in (tmp_path / "a.json").read_text()


def test_an_unknown_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="nowhere"):
        read_source(_written(tmp_path, "nowhere"))
