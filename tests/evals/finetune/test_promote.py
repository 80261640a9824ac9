"""Promotion: whatever was measured, nothing serves that is not shown to be better, and every refusal has figures."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.evals.finetune.data.dataset import Dataset, DatasetCard
from stepwell.evals.finetune.figures import (
    ADAPTER,
    BASE,
    BASE_SCHEMA,
    HEADS,
    ArmFigures,
    FinetuneReport,
    HeadFigures,
    LeakFigures,
    PairFigures,
)
from stepwell.evals.finetune.promote import judge_promotion, least_examples
from stepwell.evals.verdict.fixed import compare
from stepwell.evals.verdict.means import mean_interval
from stepwell.router.tiers.bundle import TAINTED, Bundle, BundleCard

DATA, MODEL, WEIGHTS, HEAD = "d" * 64, "a" * 64, "b" * 64, "c" * 64
Scores = dict[str, list[int]]


def scores(n: int, **rights: int) -> Scores:
    """So many of n right, the rights of every arm from the first example on."""
    return {name.replace("_", "-"): [1] * n_right + [0] * (n - n_right) for name, n_right in rights.items()}


def report(by_arm: Scores, **changed: object) -> FinetuneReport:
    n = len(by_arm[ADAPTER])
    rows = {name: {f"r{i}": float(v) for i, v in enumerate(values)} for name, values in by_arm.items()}
    models = [name for name in by_arm if name in (ADAPTER, *HEADS)]
    made = FinetuneReport(
        dataset_sha256=DATA,
        bundle_sha256=MODEL,
        base_sha256=WEIGHTS,
        base="base",
        name="mails",
        scorer="json_exact",
        n_train=100,
        n_held_out=n,
        n_asked=n,
        n_clusters=n,
        margin=0.02,
        arms=tuple(
            ArmFigures(name, "m", n, sum(v) / n, *mean_interval([float(x) for x in v]))
            for name, v in by_arm.items()
        ),
        pairs=tuple(p for m in models for p in pairs(rows, m)),
        leaks=LeakFigures(DATA),
        head_bound=0.0,
        heads=tuple(HeadFigures(h[5:], HEAD, f"eval/{h}", 12, 0.1) for h in by_arm if h in HEADS),
    )
    return msgspec.structs.replace(made, **changed)


def pairs(rows: dict[str, dict[str, float]], model: str) -> list[PairFigures]:
    found = compare(rows, baseline=model, margin=0.02, simultaneous=True)
    return [
        PairFigures(
            p.a,
            p.b,
            p.word,
            p.word,
            p.difference,
            p.low,
            p.high,
            p.p,
            p.n_rows,
            p.n_only_a,
            p.n_only_b,
            p.n_more,
        )
        for p in (p.seen_from(model) for p in found)
    ]


def dataset(sha256: str = DATA) -> Dataset:
    return Dataset(DatasetCard(sha256, "json", 100, 150, 250), (), ())


def adapter(folder: Path = Path("none"), **changed: object) -> Bundle:
    card = BundleCard("mails", "adapter", MODEL, base="base", base_sha256=WEIGHTS, dataset_sha256=DATA)
    return Bundle(folder, msgspec.structs.replace(card, **changed))


def head(kind: str = "embedding") -> Bundle:
    return Bundle(Path("none"), BundleCard(f"head-{kind}", "head", HEAD, head=kind, dataset_sha256=DATA))


GOOD = {BASE: 2, "base+schema": 5, ADAPTER: 130, "head-tfidf": 0, "head-embedding": 0}


def test_a_model_that_beats_all_is_promoted() -> None:
    decision = judge_promotion(report(scores(150, **GOOD)), dataset(), adapter())
    assert decision.is_promoted
    assert (decision.reasons, decision.offers) == ((), None)
    assert any("adapter is better than base+schema: +0.833" in said for said in decision.said)


def test_a_head_that_does_better_is_offered_in_its_place() -> None:
    found = report(scores(150, **{**GOOD, "head-tfidf": 139, ADAPTER: 139, "head-embedding": 147}))
    decision = judge_promotion(found, dataset(), adapter())
    assert not decision.is_promoted
    assert decision.offers == "embedding"
    assert "head-embedding does better" in decision.reasons[1]
    assert "0.927 [0.8" in decision.reasons[1]
    assert "0.980 [0.9" in decision.reasons[1]
    assert judge_promotion(found, dataset(), head()).is_promoted
    few = msgspec.structs.replace(found, n_asked=40)
    assert judge_promotion(few, dataset(), adapter()).offers is None
    assert not judge_promotion(few, dataset(), head()).is_promoted


def test_a_head_that_cannot_be_told_apart_is_offered_too() -> None:
    found = report(scores(150, **{**GOOD, "head-tfidf": 128}))
    decision = judge_promotion(found, dataset(), adapter())
    assert decision.offers == "tfidf"
    assert len(decision.reasons) == 1
    assert "head-tfidf may well do as well" in decision.reasons[0]
    assert "more examples would tell" in decision.reasons[0]


def test_a_head_that_is_no_good_itself_is_not_offered() -> None:
    decision = judge_promotion(report(scores(150, **{**GOOD, ADAPTER: 0})), dataset(), adapter())
    assert not decision.is_promoted
    assert decision.offers is None
    assert any("no gain is shown over base" in r or "worse than base" in r for r in decision.reasons)
    assert not judge_promotion(report(scores(150, **GOOD)), dataset(), head()).is_promoted


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"leaks": LeakFigures(DATA, 1, 2, 3)},
            "6 of 150 held-out examples leaked into training: 1 the same, 2 n",
        ),
        ({"dataset_sha256": "e" * 64}, "the report is of another dataset: sha256 eeeeeeeeeeee"),
        ({"bundle_sha256": "e" * 64}, "the report is of another model: sha256 eeeeeeeeeeee"),
        ({"base_sha256": "e" * 64}, "the report is on another base: sha256 eeeeeeeeeeee"),
        ({"n_asked": 40}, "40 of 150 held-out examples were asked"),
        ({"n_clusters": 3}, "3 held-out examples (or conversations) can't show a difference"),
        ({"judge_faults": ("judge premium was not measured",)}, "judge premium was not measured"),
        ({"pairs": ()}, "adapter was not compared with base;"),
    ],
)
def test_nothing_is_promoted_on_a_report_that_proves_nothing(changed: dict[str, object], why: str) -> None:
    decision = judge_promotion(report(scores(150, **GOOD), **changed), dataset(), adapter())
    assert not decision.is_promoted
    assert any(why in reason for reason in decision.reasons), decision.reasons


@pytest.mark.parametrize("left_out", [BASE, BASE_SCHEMA, *HEADS])
def test_a_report_owes_every_comparison(left_out: str) -> None:
    found = report(scores(150, **GOOD))
    held = Dataset(msgspec.structs.replace(dataset().card, schema_json='{"type":"object"}'), (), ())
    assert judge_promotion(found, held, adapter()).is_promoted
    torn = msgspec.structs.replace(
        found,
        pairs=tuple(p for p in found.pairs if p.b != left_out),
        arms=tuple(a for a in found.arms if a.name != left_out),
        heads=tuple(h for h in found.heads if f"head-{h.kind}" != left_out),
    )
    decision = judge_promotion(torn, held, adapter())
    assert f"adapter was not compared with {left_out}; run stepwell local eval again" in decision.reasons
    assert not decision.is_promoted


def test_a_head_owes_the_base_and_the_base_held_to_the_schema() -> None:
    found = report(scores(150, **{**GOOD, "head-embedding": 147}))
    held = Dataset(msgspec.structs.replace(dataset().card, schema_json='{"type":"object"}'), (), ())
    assert judge_promotion(found, held, head()).is_promoted
    torn = msgspec.structs.replace(found, pairs=tuple(p for p in found.pairs if p.b != BASE_SCHEMA))
    assert (
        "head-embedding was not compared with base+schema" in judge_promotion(torn, held, head()).reasons[0]
    )


def test_a_model_of_another_dataset_is_refused(tmp_path: Path) -> None:
    found = report(scores(150, **GOOD))
    stranger = judge_promotion(found, dataset(), adapter(dataset_sha256="e" * 64))
    assert "learnt from another dataset, sha256 eeeeeeeeeeee" in stranger.reasons[0]
    (tmp_path / TAINTED).write_text("{}")
    tainted = judge_promotion(found, dataset(), adapter(tmp_path))
    assert "erased since" in tainted.reasons[0]


def test_errors_are_no_grounds_for_a_promotion() -> None:
    found = report(scores(150, **GOOD))
    broken = msgspec.structs.replace(found.arms[2], n=100, errors={"timeout": 50})
    arms = (*found.arms[:2], broken, *found.arms[3:])
    decision = judge_promotion(msgspec.structs.replace(found, arms=arms), dataset(), adapter())
    assert "adapter: 50 of 150 answers ended as errors (50 timeout)" in decision.reasons
    hidden = tuple(
        msgspec.structs.replace(p, at_worst="need more") if p.b == BASE else p for p in found.pairs
    )
    decision = judge_promotion(msgspec.structs.replace(found, pairs=hidden), dataset(), adapter())
    assert "errors may hide" in decision.reasons[0]


def test_without_a_head_the_best_that_one_could_be_stands_in() -> None:
    by_arm = scores(150, **{BASE: 2, ADAPTER: 130})
    assert judge_promotion(report(by_arm, head_bound=0.5), dataset(), adapter()).is_promoted
    decision = judge_promotion(report(by_arm, head_bound=0.82), dataset(), adapter())
    assert "a perfect one would be right on 0.820" in decision.reasons[0]


def test_least_examples_are_what_the_exact_test_takes() -> None:
    n = least_examples(4)
    for few, word in ((n - 1, "need more"), (n, "better")):
        by_arm = {a: [0] * few for a in (BASE, BASE_SCHEMA, *HEADS)} | {ADAPTER: [1] * few}
        found = report(by_arm)
        assert {p.word for p in found.pairs_of(ADAPTER)} == {word}
        assert judge_promotion(found, dataset(), adapter()).is_promoted == (few >= n)


@settings(max_examples=60)
@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(*[st.lists(st.integers(0, 1), min_size=n, max_size=n) for _ in range(5)])
    ),
    st.integers(0, 2),
)
def test_never_one_that_is_not_ahead_of_everything(columns: tuple[list[int], ...], n_leaked: int) -> None:
    by_arm = dict(zip((BASE, BASE_SCHEMA, ADAPTER, *HEADS), columns, strict=True))
    decision = judge_promotion(report(by_arm, leaks=LeakFigures(DATA, n_leaked)), dataset(), adapter())
    others = [sum(v) for name, v in by_arm.items() if name != ADAPTER]
    if decision.is_promoted:
        assert sum(by_arm[ADAPTER]) > max(others)
        assert n_leaked == 0
    else:
        assert decision.reasons
        assert all(re.search(r"\d", reason) for reason in decision.reasons), "a refusal without figures"
    if decision.offers is not None:
        offered = by_arm[f"head-{decision.offers}"]
        assert sum(offered) > max(sum(by_arm[BASE]), sum(by_arm[BASE_SCHEMA]))
