"""What a tier's own confidence is worth: asked, journalled, weighed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell import ConfigError, Stepwell
from stepwell.base.errors import TierUnavailable
from stepwell.base.messages import decode_answer
from stepwell.base.request import ChatRequest
from stepwell.evals.auroc import auroc, auroc_within, difference, intervals
from stepwell.evals.confidence import ask_suite, read_told
from stepwell.evals.confidence_report import (
    IN_DOMAIN,
    LEFT_OUT,
    SMALLEST,
    ConfidenceReport,
    kind_table,
    platt,
    report,
    table,
)
from stepwell.evals.entries import read
from stepwell.evals.suite import Suite
from stepwell.router.tiers.base import Completed
from stepwell.testing import FakeTier
from tests.tools.make_short_questions import text

ROWS = st.lists(st.tuples(st.integers(-5, 5), st.booleans(), st.integers(0, 2)), min_size=2, max_size=60)


class Knowing(FakeTier):
    """Right where it is sure: kinds "a" and "b" alike. Fails once on row 3."""

    def __init__(self, n_fails: int = 0) -> None:
        super().__init__()
        self.n_fails = n_fails

    async def complete(self, request: ChatRequest) -> Completed:
        n = int(request.messages[-1].text.split()[-1])
        if n == 3 and self.n_fails:
            self.n_fails -= 1
            raise TierUnavailable("gone", tier="one")
        rng = random.Random(n)
        is_right = rng.random() < 0.5
        smallest = -rng.random() - (0.0 if is_right else 0.6)
        self._next = lambda _: "yes" if is_right else "no"
        done = await super().complete(request)
        if bytes(request.fields.get("logprobs", b"")) != b"true":
            return done
        body = msgspec.json.decode(done.body)
        tokens = [{"token": "x", "logprob": -0.01}, {"token": "y", "logprob": smallest}]
        body["choices"][0]["logprobs"] = {"content": tokens}
        whole = msgspec.json.encode(body)
        return Completed(whole, decode_answer(whole))


def suite(n: int = 120) -> Suite:
    rows = (
        {"id": i, "prompt": f"{'ab'[i % 2]} {i}", "target": "yes", "tags": ["ab"[i % 2]]} for i in range(n)
    )
    return Suite.parse((msgspec.json.encode(r).decode() for r in rows), name="yes")


def well(tier: FakeTier) -> Stepwell:
    price = {"usd_per_1m_input": 1.0, "usd_per_1m_output": 1.0}
    return Stepwell(
        tiers={"one": {"model": "fake/one", **price}},
        backends={"one": tier},
        promises={"min_p_ok": 0},
        dispatch={"max_retries": 0, "cooldown_s": 0},
        guards={"input": [], "output": []},
    )


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([[t[0] == "a", t[0] == "b", len(t)] for t in texts], dtype=np.float32)


async def measured(path: Path) -> ConfidenceReport:
    async with well(Knowing()) as asked:
        told = await ask_suite(asked, suite(), tier="one", journal_path=path)
    return report(suite(), told, tier="one", embed=embed, n_resamples=100)


# ---- asking


async def test_a_journal_is_taken_up_again_and_errors_are_asked_anew(tmp_path: Path) -> None:
    path, tier = tmp_path / "j", Knowing(n_fails=1)
    async with well(tier) as asked:
        first = await ask_suite(asked, suite(), tier="one", journal_path=path)
        n = len(tier.requests)
        again = await ask_suite(asked, suite(), tier="one", journal_path=path)
    assert [t.error for t in first if t.error] == ["all_tiers_failed"]
    assert (len(first), len(tier.requests) - n) == (120, 1)
    assert not [t for t in again if t.error]
    assert [t.row for t in again] == [str(i) for i in range(120)]
    assert all(t.smallest is not None and t.first == -0.01 and t.nano_usd > 0 for t in again)
    assert len(read_told(path)) == 120
    header, outcomes = read(path)  # it reads as the journal of any run
    assert header is not None
    assert (header.tiers, len(outcomes)) == (("one",), 120)


async def test_a_tier_without_log_probabilities_says_so(tmp_path: Path) -> None:
    async with well(FakeTier("yes")) as asked:
        told = await ask_suite(asked, suite(20), tier="one", journal_path=tmp_path / "j")
    assert {t.error for t in told} == {"no_logprobs"}
    with pytest.raises(ConfigError, match="too few"):
        report(suite(20), told, tier="one", embed=embed)


async def test_it_stops_at_its_dollars(tmp_path: Path) -> None:
    tier = Knowing()
    async with well(tier) as asked:
        told = await ask_suite(asked, suite(), tier="one", journal_path=tmp_path / "j", max_usd=1e-5)
        with pytest.raises(ConfigError, match="there are one"):
            await ask_suite(asked, suite(), tier="two", journal_path=tmp_path / "k")
    assert 0 < len(told) < 20


# ---- weighing


async def test_what_the_tier_knows_is_told_from_what_the_question_says(tmp_path: Path) -> None:
    made = await measured(tmp_path / "j")
    assert made.over_all[SMALLEST].low > 0.8 > made.over_all[IN_DOMAIN].high
    assert made.gain.low > 0
    assert made.gain.value == pytest.approx(made.over_all[SMALLEST].value - made.over_all[LEFT_OUT].value)
    assert made.within[SMALLEST].low > 0.8
    assert [k.name for k in made.kinds] == ["a", "b"]
    assert sum(k.n_rows * k.quality for k in made.kinds) / 120 == pytest.approx(made.quality)
    assert made.calibration is not None
    assert made.calibration.a > 0
    assert made.calibration_error < 0.2
    assert len({len(r) for r in table(made)}) == len({len(r) for r in kind_table(made)}) == 1


async def test_the_same_journal_gives_the_same_report(tmp_path: Path) -> None:
    assert await measured(tmp_path / "j") == await measured(tmp_path / "j")


async def test_a_signal_that_can_not_be_told_from_chance_gets_no_calibration(tmp_path: Path) -> None:
    async with well(Knowing()) as asked:
        told = await ask_suite(asked, suite(), tier="one", journal_path=tmp_path / "j")
    rng = random.Random(1)
    noise = [msgspec.structs.replace(t, smallest=-rng.random()) for t in told]
    assert report(suite(), noise, tier="one", embed=embed, n_resamples=100).calibration is None


def test_platts_curve_goes_through_what_was_seen() -> None:
    rng = np.random.default_rng(0)
    x = -rng.exponential(1, 20_000)
    right = rng.random(20_000) < 1 / (1 + np.exp(-(1.5 * x + 1)))
    made = platt(x, right)
    assert made.a == pytest.approx(1.5, abs=0.1)
    assert made.b == pytest.approx(1, abs=0.1)


# ---- AUROC


@settings(deadline=None)
@given(ROWS)
def test_auroc_counts_pairs(rows: list[tuple[int, bool, int]]) -> None:
    score, right, group = (np.array(c) for c in zip(*rows, strict=True))
    wins, within = [], []
    for s, r, g in rows:
        for s2, r2, g2 in rows:
            if r and not r2:
                wins.append((s > s2) + (s == s2) / 2)
                if g == g2:
                    within.append((s > s2) + (s == s2) / 2)
    assert auroc(score, right) == pytest.approx(np.mean(wins) if wins else np.nan, nan_ok=True)
    assert auroc_within(score, right, group) == pytest.approx(
        np.mean(within) if within else np.nan, nan_ok=True
    )


@settings(max_examples=20, deadline=None)
@given(ROWS, st.integers(0, 3))
def test_intervals_hold_what_they_are_of(rows: list[tuple[int, bool, int]], seed: int) -> None:
    score, right, group = (np.array(c) for c in zip(*rows, strict=True))
    found = intervals({"s": score, "back": -score}, right, group, n_resamples=20, seed=seed)
    value = found["s"][0]
    if np.isnan(value.value):
        return
    assert value.value == auroc(score, right)
    assert found["back"][0].value == pytest.approx(1 - value.value)
    assert 0 <= value.low <= value.high <= 1
    same = difference(score, score, right, n_resamples=20, seed=seed)
    assert (same.value, same.low, same.high) == (0, 0, 0)


# ---- the suite that ships


def test_the_short_questions_are_what_their_maker_writes() -> None:
    shipped = Suite.load("short_questions")
    assert shipped.sha256 == Suite.parse(text().splitlines(), name="short_questions").sha256
    kinds = [row.tags[0] for row in shipped.rows]
    assert (len(kinds), len(set(kinds))) == (600, 12)
