"""Learning from labels when agreeing cheap answers can be accepted, and whether that pays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.errors import BadRequest, ConfigError
from stepwell.evals.tune.cascade.fit import cross_fitted, fit_accept, save_accept
from stepwell.evals.tune.cascade.rows import Compared, compare_rows
from stepwell.evals.tune.cascade.study import prior_of, study
from stepwell.evals.tune.measures import apgr
from stepwell.evals.tune.rows import Outcomes, read_outcomes
from stepwell.evals.tune.run import TuneOptions, tune
from stepwell.router.cascade.accept import AcceptScore, blended
from stepwell.router.cascade.learned import LearnedAccept, n_features
from stepwell.router.cascade.stored import load_accept

TIERS = ("small", "little", "large")


def made(seed: int = 0, *, n: int = 300, shuffled: bool = False) -> Outcomes:
    """Sums: cheap tiers get short ones right and write long where they are lost; the large one nearly all."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(n):
        is_hard = rng.random() < 0.5
        terms = rng.integers(1, 99, 9 if is_hard else 2)
        answers, scores, chars = {}, {}, {}
        for tier, p in zip(TIERS, (0.25, 0.3, 0.95) if is_hard else (0.85, 0.8, 0.97), strict=True):
            right = rng.random() < p
            answers[tier] = str(terms.sum() if right else terms.sum() + rng.integers(1, 4))
            scores[tier] = float(right)
            chars[tier] = int(rng.integers(100, 300) if right else rng.integers(130, 360))
        if shuffled:
            scores = {t: float(rng.random() < 0.6) for t in TIERS}
        prompt = f"Calculate {' + '.join(map(str, terms))}."
        lines.append(json.dumps({
            "id": f"r{i}", "prompt": prompt, "domain": "hard" if is_hard else "easy",
            "answers": answers, "scores": scores, "out_chars": chars,
        }))  # fmt: skip
    return read_outcomes(lines, TIERS)


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return made()


@pytest.fixture(scope="module")
def rows(outcomes: Outcomes) -> Compared:
    return compare_rows(outcomes, TIERS[:2], "large")


@pytest.fixture(scope="module")
def left_out(rows: Compared) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    return cross_fitted(rows, n_folds=3)


def test_opinions_are_read_from_recorded_answers(outcomes: Outcomes, rows: Compared) -> None:
    assert len(rows) == len(outcomes)
    first = rows.opinions[0][0]
    assert first.answer == outcomes.answers[0]["small"]
    assert first.n_chars == round(outcomes.out_tokens[0, 0] * 4)
    assert first.style == ()
    for i in range(len(rows)):
        agrees = outcomes.answers[i]["small"] == outcomes.answers[i]["little"]
        assert rows.served[i] == (0 if agrees else -1)


def test_whole_texts_give_style_and_the_parsed_answer_counts(outcomes: Outcomes) -> None:
    text = "I guess it is 12, so the answer is 12."
    rows = compare_rows(outcomes, TIERS[:2], "large", texts={"r0": {"small": text}})
    assert rows.opinions[0][0].n_chars == len(text)
    assert rows.opinions[0][0].style
    assert rows.opinions[0][0].answer == outcomes.answers[0]["small"]
    assert not rows.opinions[0][1].style


def test_labels_beat_the_rule_and_the_rule_beats_length(
    rows: Compared, left_out: tuple[NDArray[np.float32], NDArray[np.float64]]
) -> None:
    weak, strong = rows.scores[:, 0], rows.scores[:, -1]
    length = np.array([o[0].n_chars for o in rows.opinions], dtype=float)
    rule, learned = rows.unlabelled_need(), left_out[1]
    assert apgr(rule, weak, strong) > apgr(length, weak, strong) + 0.02
    assert apgr(learned, weak, strong) > apgr(rule, weak, strong)


def test_p_accept_is_calibrated_on_rows_left_out(
    rows: Compared, left_out: tuple[NDArray[np.float32], NDArray[np.float64]]
) -> None:
    p_ok, _ = left_out
    agreed = rows.served >= 0
    assert abs(p_ok[agreed, 1].mean() - rows.served_scores[agreed].mean()) < 0.05
    assert p_ok.min() >= 0
    assert p_ok.max() <= 1


def test_the_served_score_is_the_trained_one(rows: Compared, tmp_path: Path) -> None:
    learned = fit_accept(rows)
    save_accept(tmp_path / "accept.npz", learned)
    judge = load_accept(tmp_path).judge
    p_ok, need = learned.rate_all(rows.features())
    for i in range(20):
        verdict = judge(rows.opinions[i], rows.asks[i])
        rule = AcceptScore().judge(rows.opinions[i], rows.asks[i]).need
        assert verdict.need == pytest.approx(blended(float(need[i]), rule), abs=1e-5)
        assert verdict.p_accept == pytest.approx(float(p_ok[i, 0 if verdict.served is None else 1]), abs=1e-5)


def test_other_tiers_are_judged_by_the_rule(rows: Compared) -> None:
    learned = fit_accept(rows)
    turned = tuple(reversed(rows.opinions[0]))
    assert AcceptScore(learned=learned).judge(turned, rows.asks[0]) == AcceptScore().judge(
        turned, rows.asks[0]
    )


def test_same_rows_and_seed_give_the_same_bytes(rows: Compared, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_accept(tmp_path / name, fit_accept(rows, seed=3))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_broken_file_or_other_features_are_refused(rows: Compared, tmp_path: Path) -> None:
    assert load_accept(tmp_path) == AcceptScore()
    (tmp_path / "accept.npz").write_bytes(b"nothing")
    with pytest.raises(ConfigError):
        load_accept(tmp_path)
    arrays = fit_accept(rows).arrays()
    assert len(arrays["mean"]) == n_features(2)
    with pytest.raises(ConfigError, match="other features"):
        LearnedAccept.from_arrays(arrays | {"mean": arrays["mean"][:-1]})
    with pytest.raises(ConfigError, match="weights"):
        LearnedAccept.from_arrays({k: v for k, v in arrays.items() if k != "weights"})


def test_a_cascade_that_helps_pays_and_one_on_noise_does_not(
    rows: Compared, left_out: tuple[NDArray[np.float32], NDArray[np.float64]]
) -> None:
    usd = np.tile([0.01, 0.01, 1.0], (len(rows), 1))
    assert study(rows, left_out[1], usd, n_resamples=100).pays
    noise = compare_rows(made(1, shuffled=True), TIERS[:2], "large")
    assert not study(noise, noise.unlabelled_need(), usd, n_resamples=100).pays


def test_a_study_counts_every_call(rows: Compared) -> None:
    usd = np.tile([0.1, 0.2, 1.0], (len(rows), 1))
    s = study(rows, rows.unlabelled_need(), usd, n_resamples=50)
    for p in s.points:
        assert p.cost_usd == pytest.approx(0.3 + p.strong_share)
        assert p.saved == pytest.approx(1 - p.cost_usd)
    assert s.points[0].kept == pytest.approx(1)
    assert s.points[0].saved == pytest.approx(-0.3)
    assert s.low <= s.apgr <= s.high
    best = s.cheapest(0.9)
    assert best is not None
    assert best.kept >= 0.9
    assert s.cheapest(2.0) is None


def test_the_hardest_skip_the_opinions_where_they_are_known_beforehand(rows: Compared) -> None:
    usd = np.tile([0.1, 0.2, 1.0], (len(rows), 1))
    asked_first = study(rows, rows.unlabelled_need(), usd, pre_need=np.ones(len(rows)), n_resamples=20)
    assert all(p.cost_usd == pytest.approx(1.0) for p in asked_first.points if p.cut < 1)


def test_the_prior_is_what_the_rows_show(rows: Compared) -> None:
    prior = prior_of(rows)
    both_wrong = (rows.scores[:, 0] == 0) & (rows.scores[:, 1] == 0)
    assert prior.same_error == pytest.approx((rows.served[both_wrong] >= 0).mean())
    assert 0.2 < prior.correlation < 0.6
    assert not prior_of(rows, pays=False).pays


def test_rows_that_do_not_compare_are_left_out(outcomes: Outcomes) -> None:
    poems = [
        json.dumps({
            "prompt": "Write a poem.", "scores": dict.fromkeys(TIERS, 1), "answers": {"small": "roses " * 50},
        })
    ]  # fmt: skip
    with pytest.raises(BadRequest, match="compared"):
        compare_rows(read_outcomes(poems, TIERS), TIERS[:2], "large")
    with pytest.raises(BadRequest, match="two opinions"):
        compare_rows(outcomes, ("small",), "large")
    with pytest.raises(BadRequest, match="huge"):
        compare_rows(outcomes, TIERS[:2], "huge")
    with pytest.raises(BadRequest, match="40 rows"):
        fit_accept(compare_rows(outcomes.take(range(20)), TIERS[:2], "large"))


@pytest.mark.parametrize(("min_quality", "by"), [(0.95, "router"), (1.0, "premium")])
def test_a_cascade_that_pays_is_said_to_be_unused_where_no_price_was_tuned(
    outcomes: Outcomes, min_quality: float, by: str
) -> None:
    prices = {"small": (0.1, 0.1), "little": (0.1, 0.1), "large": (10.0, 10.0)}
    options = TuneOptions(min_quality=min_quality, prices=prices, n_resamples=20)
    tuned = tune(outcomes, None, options)
    assert tuned.promise.by == by
    (said,) = (s for s in tuned.report.verdict.said if s.startswith("Asking small and little first"))
    assert "comparing pays" in said
    assert ("not used, since no price was tuned" in said) == (by == "premium")
