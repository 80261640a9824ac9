"""Ends in columns say what the outcomes themselves say."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.arms import arm_of_tier
from stepwell.evals.ends import Ends, ask_digest
from stepwell.evals.entries import UNSCORED, Entry, Header, Outcome, last_of, read
from stepwell.evals.held import read_held
from stepwell.evals.plan import plan
from stepwell.evals.suite import Suite

N_KEYS = 6


def entry(n: int, score: float | None, error: str | None, **more: object) -> Entry:
    fields = {"key": f"k{n}", "ask": f"a{n % 4}", "row": f"r{n // 2}", "tier": "ab"[n % 2], **more}
    return Entry(score=score, error=None if score is not None else error, **fields)  # type: ignore[arg-type]


entries = st.lists(
    st.builds(
        entry,
        st.integers(0, N_KEYS - 1),
        st.sampled_from([None, 0.0, 0.25, 1.0]),
        st.sampled_from([None, "tier_timeout", UNSCORED, "judge_tier_timeout"]),
        nano_usd=st.integers(0, 2**60),
        lost_nano_usd=st.integers(0, 2**50),
        judge_nano_usd=st.integers(0, 2**50),
        ms=st.floats(0, 1e6),
        ttft_ms=st.none() | st.floats(0, 1e6),
        repeat=st.integers(0, 3),
        parts=st.dictionaries(st.sampled_from("pq"), st.floats(0, 1), max_size=2),
    ),
    max_size=12,
)


def told(ends: Ends, n: int) -> tuple[object, ...]:
    score, first = ends.score[n], ends.ttft_ms[n]
    return (
        ends.rows[ends.row[n]],
        ends.names[ends.tier[n]],
        ends.repeat[n],
        None if math.isnan(score) else score,
        ends.names[ends.error[n]] or None,
        ends.nano_usd[n],
        ends.lost_nano_usd[n],
        ends.judge_nano_usd[n],
        ends.ms[n],
        None if math.isnan(first) else first,
        ends.parts.get(n, {}),
        ends.has_answer(n),
    )


def said(o: Outcome) -> tuple[object, ...]:
    costs = (o.nano_usd, o.lost_nano_usd, o.judge_nano_usd)
    return (o.row, o.tier, o.repeat, o.score, o.error, *costs, o.ms, o.ttft_ms, o.parts, o.has_answer)


@given(entries)
def test_columns_hold_the_last_end_of_each_key_and_what_the_earlier_ones_cost(lines: list[Entry]) -> None:
    ends, outcomes = Ends(), last_of(lines)
    for line in lines:
        ends.put(line)
    assert [told(ends, n) for n in range(len(ends))] == [said(o) for o in outcomes]
    assert {k for k in map("k{}".format, range(N_KEYS)) if ends.is_key_scored(k)} == {
        o.key for o in outcomes if o.score is not None
    }
    assert set(ends.answered()) == {ask_digest(o.ask) for o in outcomes if o.has_answer}
    assert [ends.cost_of(o.key) for o in outcomes] == [(o.nano_usd, o.lost_nano_usd) for o in outcomes]


@given(entries)
def test_arms_hold_the_last_of_each_row_and_repeat_in_order(lines: list[Entry]) -> None:
    last = {(o.tier, o.row, o.repeat): said(o) for o in lines}
    ends = Ends.of(lines)
    found = {tier: [told(ends, n) for n in of.each_once().places] for tier, of in ends.by_arm().items()}
    assert found == {
        tier: [last[at] for at in sorted(last) if at[0] == tier] for tier in sorted({t for t, _, _ in last})
    }


def test_a_journal_is_held_as_it_is_read(tmp_path: Path) -> None:
    lines = [Header("s", "0" * 64, 4), *(entry(n % 4, float(n > 5), None, nano_usd=n) for n in range(9))]
    path = tmp_path / "j"
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    held, (header, outcomes) = read_held(path), read(path)
    assert held.header == header == lines[0]
    assert [told(held.ends, n) for n in range(len(held.ends))] == [said(o) for o in outcomes.values()]
    some = read_held(path, keys={"k1", "k2", "none"})
    assert len(some.ends) == 2
    assert some.spent_nano_usd == held.spent_nano_usd == sum(range(9))


def test_a_plan_gives_by_place_what_it_gives_in_turn() -> None:
    suite = Suite.parse((f'{{"id": "{n}", "prompt": "p{n}", "target": "t"}}' for n in range(5)), name="s")
    planned = plan(suite, [(arm_of_tier(t), ("m",)) for t in ("a", "b", "auto")], repeats=2, seed=7)
    samples = list(planned)
    assert [planned[n] for n in range(len(planned))] == samples
    assert len({s.key for s in samples}) == len(planned) == 30
    for n, s in enumerate(samples):
        assert (planned.arm(n), planned.repeat(n)) == (s.arm, s.repeat)
        assert suite.rows[planned.row(n)] == s.row
    assert list(planned.of_row(suite.rows[3])) == [s for s in samples if s.row.id == "3"]
