"""Outcome rows into arrays, and what is said of wrong ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.rows import cost_matrix, read_outcomes

SECRET = "the secret recipe"


def line(**row: Any) -> str:
    return json.dumps({"id": "a", "prompt": SECRET, "scores": {"small": 0, "large": 1}} | row)


def test_a_row_becomes_arrays() -> None:
    row = line(
        domain="law", dataset="exam", out_chars={"small": 40}, cost_usd={"large": 0.5}, answers={"large": 7}
    )
    read = read_outcomes([row, "", row])
    assert (read.tiers, read.ids, read.domains, read.sources) == (
        ("small", "large"),
        ["a"] * 2,
        ["law"] * 2,
        ["exam"] * 2,
    )
    np.testing.assert_array_equal(read.scores, [[0, 1]] * 2)
    np.testing.assert_array_equal(read.out_tokens[0], [10, np.nan])
    np.testing.assert_array_equal(read.cost_usd[0], [np.nan, 0.5])
    assert read.answers[0] == {"large": "7"}
    assert read.n_input_tokens[0] == len(SECRET) / 4


def test_weak_and_strong_columns_are_scores() -> None:
    read = read_outcomes(['{"id": 3, "prompt": "x", "weak": true, "strong": 0.25}'])
    assert read.tiers == ("weak", "strong")
    assert read.ids == ["3"]
    np.testing.assert_array_equal(read.scores, [[1, 0.25]])


def test_contaminated_rows_are_left_out() -> None:
    assert len(read_outcomes([line(), line(contaminated=True)])) == 1


def test_the_last_human_ask_of_messages_is_the_prompt() -> None:
    messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "hm"},
        {"role": "user", "content": "<system-reminder>be brief</system-reminder>second"},
    ]
    row = json.dumps({"messages": messages, "scores": {"a": 1}})
    read = read_outcomes([row])
    assert read.prompts == ["second"]
    assert read.ids == read_outcomes([json.dumps({"prompt": "second", "scores": {"a": 1}})]).ids
    assert read.n_input_tokens[0] > len("second") / 4


def test_a_file_may_be_packed(tmp_path: Path) -> None:
    plain, packed = tmp_path / "rows.jsonl", tmp_path / "rows.gz"
    plain.write_text(line() + "\n")
    packed.write_bytes(gzip.compress((line() + "\n").encode()))
    assert read_outcomes(plain).ids == read_outcomes(str(packed)).ids == ["a"]


def test_tiers_choose_and_order_the_columns() -> None:
    read = read_outcomes([line(scores={"a": 0.1, "b": 0.2, "c": 0.3}), line(scores={"b": 1})], ["c", "a"])
    np.testing.assert_array_equal(read.scores, [[0.3, 0.1]])


def test_without_tiers_recorded_cost_gives_the_order() -> None:
    row = line(scores={"large": 1, "small": 0}, cost_usd={"large": 2e-3, "small": 1e-3})
    assert read_outcomes([row]).tiers == ("small", "large")
    assert read_outcomes([line(scores={"large": 1, "small": 0})]).tiers == ("large", "small")


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("{", "Line 2: not a JSON object"),
        ("[1]", "Line 2"),
        (line(scores={"small": 1.5}), "scores"),
        (line(scores={"small": "good"}), "scores"),
        (line(scores={}), "scores"),
        (line(scores={"small": None}), "scores"),
        (line(prompt=" "), "prompt"),
        (line(prompt=None), "prompt"),
        (line(prompt=None, messages=[{"role": "system", "content": SECRET}]), "prompt"),
        (line(cost_usd={"small": -1}), "cost_usd"),
        (line(out_tokens=SECRET), "out_tokens"),
    ],
)
def test_a_bad_row_is_named_without_its_text(row: str, names: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_outcomes([line(), row])
    assert "Line 2" in str(caught.value)
    assert names in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_unknown_tier_names_the_nearest() -> None:
    with pytest.raises(BadRequest, match="did you mean 'large'"):
        read_outcomes([line()], ["small", "lagre"])


def test_no_row_with_every_tier_is_an_error() -> None:
    with pytest.raises(BadRequest, match="every one of small, large"):
        read_outcomes([line(scores={"small": 1}), line(scores={"large": 1})])
    with pytest.raises(BadRequest, match="no outcome rows"):
        read_outcomes([])


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"gone\.jsonl"):
        read_outcomes(tmp_path / "gone.jsonl")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(line().encode() * 50)[:-9])
    with pytest.raises(BadRequest, match=r"cut\.gz"):
        read_outcomes(tmp_path / "cut.gz")


def test_take_keeps_rows_together() -> None:
    read = read_outcomes([line(id=str(i), scores={"a": i / 9, "b": 1}) for i in range(10)])
    assert read.take([7, 2]).ids == ["7", "2"]
    masked = read.take(read.scores[:, 0] > 0.8)
    assert masked.ids == ["8", "9"]
    np.testing.assert_array_equal(masked.scores[:, 0], read.scores[8:, 0])


def test_recorded_cost_wins_over_the_price_list() -> None:
    rows = [
        line(prompt="x" * 400, out_tokens={"small": 50}, cost_usd={"large": 0.5}),
        line(prompt="x" * 400, out_tokens={"small": 150}),
    ]
    cost = cost_matrix(read_outcomes(rows), {"small": (1.0, 2.0), "large": (10.0, 20.0)})
    np.testing.assert_allclose(cost, [[200e-6, 0.5], [400e-6, 10 * 100e-6 + 20 * 200e-6]])
    np.testing.assert_allclose(cost_matrix(read_outcomes(rows), {"small": (1, 1)})[:, 1], 0.5)
    with pytest.raises(BadRequest, match="'small'"):
        cost_matrix(read_outcomes(rows))


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.floats(0, 1), min_size=1), min_size=1, max_size=8))
def test_scores_come_back_as_written(rows: list[dict[str, float]]) -> None:
    whole = {"a": 0.5, "b": 0.5, "c": 0.5}
    read = read_outcomes([line(scores=s) for s in [whole, *rows]], ["a", "b", "c"])
    for got, put in zip(read.scores[1:], rows, strict=True):
        assert {t: v for t, v in zip("abc", got, strict=True) if not np.isnan(v)} == put
