"""Suites of traffic: masked, each ask once, drawn evenly, with targets where the log gives some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import BadRequest
from stepwell.base.messages import encode_json
from stepwell.evals.suite import Suite
from stepwell.evals.traffic.alike import alike
from stepwell.evals.traffic.strata import drawn_evenly, even_sizes
from stepwell.evals.traffic.suite_of import Made, SuiteOptions, suite_of
from stepwell.traffic_line import Logged

WORDS = ["otter", "maple", "violin", "harbour", "comet", "pepper", "glacier", "lantern", "thistle", "walnut"]


def row(n: int, ask: str, *, tier: str = "cheap", **more: Any) -> Logged:
    values: dict[str, Any] = {
        "messages": ({"role": "user", "content": ask},),
        "tier": tier,
        "served": tier,
        "answer": f"answer {n}",
        "cost_usd": 0.01 if tier == "dear" else 0.001,
    }
    return Logged(f"r{n}", **(values | more))


def asks(n: int) -> list[str]:
    return [f"Tell me about the {WORDS[i % 10]} and the {WORDS[i // 10 % 10]}, part {i}." for i in range(n)]


def made(rows: list[Logged], **options: Any) -> Made:
    return suite_of(rows, SuiteOptions(**options))


def loaded(found: Made) -> Suite:
    return Suite.parse([encode_json(line).decode() for line in found.lines], name="traffic")


def weight_of(tags: tuple[str, ...]) -> float:
    return next(float(t.removeprefix("weight:")) for t in tags if t.startswith("weight:"))


def test_the_suite_reads_as_one_and_its_weights_stand_for_all_traffic() -> None:
    rows = [row(i, ask, tier="dear" if i % 10 == 0 else "cheap") for i, ask in enumerate(asks(100))]
    found = made(rows, n=20, by=("tier",))
    suite = loaded(found)
    tiers = Counter(t for r in suite.rows for t in r.tags if t.startswith("tier:"))
    assert tiers == {"tier:dear": 10, "tier:cheap": 10}
    assert sum(weight_of(r.tags) for r in suite.rows) == pytest.approx(100)
    assert (found.told.n_usable, found.told.n_distinct, found.told.n_drawn) == (100, 100, 20)


def test_targets_are_approved_answers_then_the_dearest_tiers_then_none() -> None:
    one, two, three, four = asks(4)
    rows = [
        row(1, one, scores={"cheap": 1.0}),
        row(2, two, tier="dear"),
        row(3, three),
        row(4, four, tier="dear", scores={"dear": 0.0}),
    ]
    found = made(rows)
    by_id = {r.id: r for r in loaded(found).rows}
    assert [by_id[f"r{n}"].targets for n in (1, 2, 3, 4)] == [("answer 1",), ("answer 2",), ("",), ("",)]
    assert [by_id[f"r{n}"].options["reference"] for n in (1, 2, 3, 4)] == [True, True, False, False]
    assert "rubric" in by_id["r3"].options
    told = found.told
    assert (told.n_approved, told.n_dearest, told.n_open, told.dearest) == (1, 1, 2, "dear")


def test_near_duplicates_count_once_with_the_best_target() -> None:
    long = "Please write a short poem about an otter that lives by the harbour and plays the violin at night"
    rows = [row(1, long), row(2, f"{long}!", scores={"cheap": 1.0}), row(3, long.upper()), row(4, asks(1)[0])]
    found = made(rows, by=())
    suite = loaded(found)
    assert {r.id for r in suite.rows} == {"r2", "r4"}
    assert {r.id: weight_of(r.tags) for r in suite.rows} == {"r2": 3.0, "r4": 1.0}


def test_what_can_not_be_asked_again_is_left_out() -> None:
    last = ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"})
    rows = [
        row(1, "a", cache="hit"),
        row(2, "b", messages=()),
        row(3, "c", messages=last),
        row(4, "d", served=""),
    ]
    found = made(rows)
    assert (found.lines, found.told.n_usable) == ([], 0)
    assert "keep: masked" in found.told.said[0]


def test_values_are_masked_in_ask_and_target() -> None:
    rows = [row(1, "Is jo@quagga.example yours?", scores={"cheap": 1.0}, answer="Yes, jo@quagga.example is.")]
    (line,) = made(rows).lines
    assert "quagga" not in str(line)
    assert line["target"] == "Yes, [EMAIL] is."


def test_a_conversation_keeps_what_came_before() -> None:
    talk = (
        {"role": "user", "content": "Name a river."},
        {"role": "assistant", "content": "The Tisza."},
        {"role": "user", "content": "And where does it rise?"},
    )
    other = ({"role": "user", "content": "Name a mountain, please."}, *talk[1:])
    (first, second) = loaded(made([row(1, "", messages=talk), row(2, "", messages=other)])).rows
    assert [m["role"] for m in first.messages] == ["user", "assistant", "user"]
    assert first.messages != second.messages


def test_the_draw_is_the_same_again_and_another_by_seed() -> None:
    rows = [row(i, ask) for i, ask in enumerate(asks(60))]
    first, again, other = (made(rows, n=10, seed=s).lines for s in (0, 0, 1))
    assert first == again != other


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BadRequest, match="stratify by"):
        made([], by=("colour",))
    with pytest.raises(BadRequest, match="at least one"):
        made([], n=0)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 50), max_size=8), st.integers(0, 200))
def test_even_sizes_draw_all_they_can_and_never_more(sizes: dict[Hashable, int], n: int) -> None:
    drawn = even_sizes(sizes, n)
    assert sum(drawn.values()) == min(n, sum(sizes.values()))
    assert all(0 <= drawn[key] <= sizes[key] for key in sizes)
    open_sizes = [drawn[key] for key in sizes if drawn[key] < sizes[key]]
    assert max(open_sizes, default=0) - min(open_sizes, default=0) <= len(sizes)


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=80), st.integers(1, 90))
def test_weights_stand_for_every_stratum(strata: list[str], n: int) -> None:
    items = list(enumerate(strata))
    drawn = drawn_evenly(items, n, stratum=lambda item: item[1], name=lambda item: str(item[0]))
    stood: Counter[str] = Counter()
    for (_, stratum), weight in drawn:
        stood[stratum] += weight  # type: ignore[assignment]
    counts = Counter(strata)
    assert all(stood[s] == pytest.approx(counts[s]) for s in stood)
    assert n < len(counts) or set(stood) == set(counts)


@given(st.lists(st.sampled_from(asks(12)), max_size=30))
def test_alike_asks_point_to_the_first_of_them(given_asks: list[str]) -> None:
    places = alike(given_asks)
    assert all(places[p] == p <= i for i, p in enumerate(places))
    assert all(given_asks[p] == given_asks[i] for i, p in enumerate(places))
    assert len(set(places)) == len(set(given_asks))
