"""Quality against cost: mixes of arms, and what bounds a router."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.entries import Entry, Header
from stepwell.evals.gate import gate
from stepwell.evals.page.fill import figures_of
from stepwell.evals.page.frontier import frontier, hull, mixed, span
from stepwell.evals.page.index import index_of
from stepwell.evals.page.model import Frontier, Step
from stepwell.evals.report import from_journal

POINTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8)


def steps(points: list[tuple[int, int]]) -> list[tuple[str, Step]]:
    return [(f"arm{n}", Step(cost / 10, quality / 50)) for n, (cost, quality) in enumerate(points)]


@given(POINTS)
def test_no_arm_lies_above_the_mixes(points: list[tuple[int, int]]) -> None:
    corners = hull(steps(points))
    for _, p in steps(points):
        shares = mixed(corners, p.cost_usd)
        of = dict(corners)
        assert shares
        assert sum(s * of[name].quality for name, s in shares.items()) >= p.quality - 1e-9
        assert sum(s * of[name].cost_usd for name, s in shares.items()) <= p.cost_usd + 1e-9


@given(POINTS)
def test_corners_rise_in_cost_and_quality(points: list[tuple[int, int]]) -> None:
    corners = [p for _, p in hull(steps(points))]
    for a, b in pairwise(corners):
        assert a.cost_usd < b.cost_usd
        assert a.quality < b.quality


def test_below_the_cheapest_there_is_no_mix() -> None:
    assert mixed(hull(steps([(10, 10), (20, 20)])), 0.5) == {}


def test_intervals_of_rights_and_of_scores() -> None:
    assert span([math.nan]) is None
    rights, scores = span([1.0, 0.0, 1.0, 1.0]), span([0.2, 0.4, 0.6])
    assert rights is not None
    assert scores is not None
    assert rights.value == 0.75
    assert scores.value == pytest.approx(0.4)
    assert rights.low < 0.75 < rights.high
    assert 0 <= scores.low < 0.4 < scores.high <= 1


def journal(folder: Path, scores: dict[str, list[float]], nano_usd: dict[str, int]) -> Path:
    path = folder / "journal.jsonl"
    n = len(next(iter(scores.values())))
    lines: list[object] = [Header("s", "0" * 64, n * len(scores), tuple(scores))]
    for arm, of in scores.items():
        for row, score in enumerate(of):
            key = f"{arm}-{row}"
            chosen = ("cheap" if row % 2 else "good") if arm == "auto" else None
            lines.append(Entry(key, key, f"r{row}", arm, score=score, nano_usd=nano_usd[arm], served=chosen))
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return path


def found(path: Path) -> Frontier:
    report = from_journal(path)
    index = index_of(path, ())
    made = frontier(index, figures_of(report, gate(report), index.header).arms)
    assert made is not None
    return made


def test_the_oracle_takes_the_cheapest_right_arm(tmp_path: Path) -> None:
    path = journal(
        tmp_path, {"cheap": [1, 0, 0, 1], "good": [1, 1, 0, 0]}, {"cheap": 1_000_000, "good": 5_000_000}
    )
    bound = found(path).oracle
    assert bound is not None
    cost_usd, of = bound
    assert of.value == 0.75
    assert cost_usd == pytest.approx((1 + 5 + 1 + 1) * 1e-3 / 4)


def test_a_router_is_held_against_the_mix_at_its_cost(tmp_path: Path) -> None:
    n = 40
    scores = {"cheap": [0.0, 1.0] * n, "good": [1.0, 0.0] * n, "auto": [1.0, 1.0] * n}
    made = found(journal(tmp_path, scores, {"cheap": 1_000, "good": 3_000, "auto": 2_000}))
    (routed,) = made.routed
    assert routed.shares == {"cheap": 0.5, "good": 0.5}
    # cheap and good score the same, so the hull is cheap alone
    assert [name for name, _ in made.hull] == []
    assert routed.over_mix is not None
    assert routed.over_mix.value == pytest.approx(0.5)
    assert routed.over_mix.low > 0


def test_a_router_alone_has_neither_mix_nor_bound(tmp_path: Path) -> None:
    made = found(journal(tmp_path, {"auto": [1.0, 0.0]}, {"auto": 5}))
    assert made.hull == ()
    assert made.oracle is None
    assert made.routed[0].over_mix is None
