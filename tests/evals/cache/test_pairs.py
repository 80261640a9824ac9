"""Pairs through the verifier, and what their scores are worth."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.evals.cache.pairs import pair_figures, replay_pairs
from stepwell.memory.cache.verifier import Verifier


class WordBag:
    """Embeds a text as the bag of its words; shows no word pieces."""

    name = "word-bag"
    dim = 64

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.full((len(texts), self.dim), 0.01, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[zlib.crc32(word.encode()) % self.dim] += 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


@cache
def _shipped() -> Verifier:
    return Verifier.load()


def _replayed(*lines: object) -> list[dict[str, Any]]:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return list(replay_pairs(texts, _shipped(), WordBag()))


def test_a_row_comes_back_with_its_score() -> None:
    row = {
        "cached_query": "open on monday?",
        "query": "open on friday?",
        "same": 0,
        "kind": "date",
        "more": [1],
    }
    (found,) = _replayed(row)
    assert {k: found[k] for k in row} == row
    assert 0 <= found["score"] <= 1
    assert -1 <= found["cosine"] <= 1


def test_bad_rows_are_told_by_their_line_and_the_rest_goes_on() -> None:
    good = {"cached_query": "a b", "query": "a b"}
    found = _replayed(
        "{",
        good,
        "",
        "[1]",
        {"query": "secret"},
        {**good, "query": 3},
        {**good, "same": 2},
        {**good, "error": 1},
    )
    assert [row.get("line") for row in found] == [1, None, 4, 5, 6, 7, None]
    assert all("error" in row for row in found if "line" in row)
    assert "secret" not in json.dumps(found)
    assert [row["score"] for row in found if "score" in row] == [found[1]["score"]] * 2


def test_order_holds_over_many_rows() -> None:
    rows = [{"cached_query": f"page {i}", "query": f"page {i % 7}", "id": i} for i in range(150)]
    assert [row["id"] for row in _replayed(*rows)] == list(range(150))


def test_figures_of_a_perfect_score() -> None:
    rows = [{"same": s, "score": s * 0.5 + 0.001 * i, "kind": "ab"[s]} for s in (0, 1) for i in range(20)]
    found = pair_figures(rows)
    assert (found.n, found.n_same, found.auc, found.low, found.high) == (40, 20, 1.0, 1.0, 1.0)
    assert found.false_hits == 0
    assert found.false_hits_by_kind == {"a": 0.0}
    assert found.kept_by_kind["b"] >= 0.9


def test_false_hits_are_counted_at_the_cut_and_by_kind() -> None:
    same = [{"same": 1, "score": 0.5 + 0.01 * i} for i in range(10)]
    other = [{"same": 0, "score": s, "kind": k} for s, k in ((0.9, "x"), (0.1, "x"), (0.2, "y"), (0.3, "y"))]
    found = pair_figures(same + other)
    assert found.cut == pytest.approx(0.5)
    assert found.false_hits == pytest.approx(0.25)
    assert found.false_hits_by_kind == {"x": 0.5, "y": 0.0}


@pytest.mark.parametrize(("n_same", "n_other", "is_told"), [(9, 40, False), (40, 9, False), (10, 10, True)])
def test_an_interval_needs_ten_of_either_label(n_same: int, n_other: int, is_told: bool) -> None:
    labels = [1] * n_same + [0] * n_other
    found = pair_figures([{"same": s, "score": (i * 37 % 50) / 50} for i, s in enumerate(labels)])
    assert 0 <= found.auc <= 1
    assert math.isfinite(found.low) == math.isfinite(found.high) == is_told


def test_rows_without_a_label_or_with_an_error_are_left_out() -> None:
    rows: list[dict[str, Any]] = [
        {"score": 0.4},
        {"line": 3, "error": "not a JSON object"},
        {"same": 1, "score": 0.5},
    ]
    found = pair_figures(rows)
    assert (found.n, found.n_same) == (1, 1)
    assert math.isnan(found.auc)
    assert math.isnan(found.false_hits)
