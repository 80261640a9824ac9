"""A policy is learnt, saved, loaded and asked."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from stepwell.base.errors import BadRequest, ConfigError
from stepwell.evals.tune.examples import LearnOptions
from stepwell.evals.tune.kinds import fill, kinds_of
from stepwell.evals.tune.learn import Learnt, learn
from stepwell.evals.tune.measures import apgr
from stepwell.evals.tune.rows import Outcomes, read_outcomes
from stepwell.router.features import read_ask
from stepwell.router.learned.bundle import load_bundle
from stepwell.router.learned.inputs import read_inputs
from stepwell.router.learned.policy import Learned
from stepwell.router.tierinfo import TierInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

QUICK = LearnOptions(n_trees=20, n_folds=3, alphas=(1.0, 10.0))
KINDS = {
    "sums": "What is {a} plus {b} times {c}?",
    "law": "Is the contract between firm {a} and tenant {b} void after {c} days in court?",
    "poems": "Write a short poem on {a} birds and {b} flowers, please, with {c} lines.",
}


def made(n: int, seed: int, *, with_domain: bool = True) -> tuple[Outcomes, Matrix]:
    """Three kinds of asks: the cheap tier fails most sums, half of law and no poem; the dear one is right."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(3, 16))
    lines, vectors = [], []
    for i in range(n):
        at = int(rng.integers(3))
        domain = list(KINDS)[at]
        a, b, c = rng.integers(1, 99, 3)
        scores = {"cheap": float(rng.random() < (0.1, 0.5, 0.95)[at]), "dear": float(rng.random() < 0.95)}
        row = {"id": f"{seed}-{i}", "prompt": KINDS[domain].format(a=a, b=b, c=c), "scores": scores}
        row |= {"domain": domain} if with_domain else {}
        row["out_tokens"] = {"cheap": 20, "dear": int((10, 100, 50)[at] * rng.uniform(0.8, 1.2))}
        lines.append(json.dumps(row))
        vector = centres[at] + rng.normal(size=16)
        vectors.append(vector / np.linalg.norm(vector))
    return read_outcomes(lines, ["cheap", "dear"]), np.array(vectors, np.float32)


@pytest.fixture(scope="module")
def learnt() -> Learnt:
    return learn(*made(300, 1), embedder="small", options=QUICK)


def tier(name: str) -> TierInfo:
    return TierInfo(name, (f"fake/{name}",), 0.5, None, None, frozenset(), 1.0, 1.0, 1.0, None, False)


TIERS = [tier("cheap"), tier("dear")]


@pytest.mark.parametrize("with_domain", [True, False])
def test_what_is_learnt_holds_on_other_rows(with_domain: bool) -> None:
    model = learn(*made(300, 1, with_domain=with_domain), options=QUICK).bundle.model
    test, vectors = made(300, 2)
    for given in (vectors, None):
        p_ok = model.read(read_inputs(map(read_ask, test.prompts), given)).p_ok.astype(np.float64)
        assert apgr(p_ok[:, 1] - p_ok[:, 0], test.scores[:, 0], test.scores[:, 1]) > 0.65
        assert np.abs(p_ok.mean(axis=0) - test.scores.mean(axis=0)).max() < 0.08


def test_rows_are_predicted_by_models_that_have_not_seen_them() -> None:
    outcomes, vectors = made(300, 1)
    noise = np.random.default_rng(5).random((300, 2)).round()
    found = learn(_with_scores(outcomes, noise), vectors, options=QUICK).p_ok
    assert np.abs([np.corrcoef(found[:, j], noise[:, j])[0, 1] for j in range(2)]).max() < 0.2


def _with_scores(outcomes: Outcomes, scores: NDArray[np.float64]) -> Outcomes:
    return dataclasses.replace(outcomes, scores=scores)


def test_same_rows_and_seed_give_the_same_bytes(learnt: Learnt, tmp_path: Path) -> None:
    learnt.bundle.save(tmp_path / "a")
    learn(*made(300, 1), embedder="small", options=QUICK).bundle.save(tmp_path / "b")
    for name in ("policy.npz", "card.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_loaded_policy_says_what_the_learnt_one_said(learnt: Learnt, tmp_path: Path) -> None:
    learnt.bundle.with_promise(price=0.25, notes=["tuned"]).save(tmp_path)
    loaded = Learned.load(tmp_path, tiers=["dear", "cheap"], embedder="small")
    test, vectors = made(5, 3)
    for prompt, vector in zip(test.prompts, vectors, strict=True):
        ask = read_ask(prompt, vector=vector)
        said, says = Learned(learnt.bundle).estimate(ask, TIERS), loaded.estimate(ask, TIERS)
        assert (said.p_ok, said.reasons, said.nearest) == (says.p_ok, says.reasons, says.nearest)
        assert (said.price, says.price) == (None, 0.25)


def test_estimates_explain_themselves(learnt: Learnt) -> None:
    test, vectors = made(1, 4)
    found = Learned(learnt.bundle).estimate(read_ask(test.prompts[0], vector=vectors[0]), TIERS)
    assert [r[1:] for r in found.reasons if "nearest" in r] == [
        " of 6 nearest were right on cheap",
        " of 6 nearest were right on dear",
    ]
    assert len(found.nearest) == 6
    assert found.need is not None
    assert 0 <= found.need <= 1
    assert found.novelty is not None
    assert 0 <= found.novelty <= 1
    assert found.n_output_tokens_by_tier is not None
    assert found.n_output_tokens_by_tier["cheap"] == 20


def test_without_a_vector_words_and_form_decide_and_it_is_said(learnt: Learnt) -> None:
    policy = Learned(learnt.bundle)
    sums = policy.estimate(read_ask("What is 5 plus 6 times 7?"), TIERS)
    poem = policy.estimate(read_ask("Write a short poem on 3 birds and 4 flowers, please."), TIERS)
    assert sums.p_ok["cheap"] < 0.35 < 0.7 < poem.p_ok["cheap"]
    assert sums.reasons[0] == "no embedding: read from words and form alone"
    assert (sums.novelty, sums.nearest) == (None, ())


def test_far_from_known_traffic_nothing_but_the_means_counts(learnt: Learnt) -> None:
    test, vectors = made(20, 4)
    far = -vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    found = Learned(learnt.bundle).estimate(read_ask(test.prompts[0], vector=far), TIERS)
    assert list(found.p_ok.values()) == pytest.approx(learnt.bundle.model.means.tolist(), abs=1e-6)
    assert found.reasons[0] == "unlike known traffic: 100% of p_ok is the tiers' mean"


@pytest.mark.parametrize(
    ("tiers", "embedder", "names"),
    [(["cheap", "best"], "small", "tiers cheap, dear"), (["cheap", "dear"], "large", "vectors of small")],
)
def test_a_policy_for_something_else_is_refused(
    learnt: Learnt, tmp_path: Path, tiers: list[str], embedder: str, names: str
) -> None:
    learnt.bundle.save(tmp_path)
    with pytest.raises(ConfigError, match=names):
        load_bundle(tmp_path, tiers=tiers, embedder=embedder)


@pytest.mark.parametrize(
    ("field", "value", "names"), [("traits_hash", "0" * 16, "reads traits"), ("format", 99, "has format 99")]
)
def test_a_policy_of_another_version_is_refused(
    learnt: Learnt, tmp_path: Path, field: str, value: object, names: str
) -> None:
    learnt.bundle.save(tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps(card | {field: value}))
    with pytest.raises(ConfigError, match=names):
        load_bundle(tmp_path)


def test_missing_and_damaged_files_are_refused(learnt: Learnt, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No learned policy"):
        load_bundle(tmp_path)
    learnt.bundle.save(tmp_path)
    (tmp_path / "policy.npz").write_bytes(b"PK")
    with pytest.raises(ConfigError, match="is not the file"):
        load_bundle(tmp_path)
    (tmp_path / "card.json").write_text('{"tiers": 3}')
    with pytest.raises(ConfigError, match="not a policy's card"):
        load_bundle(tmp_path)


def test_too_little_to_learn_from_is_refused() -> None:
    outcomes, vectors = made(30, 1)
    with pytest.raises(BadRequest, match="too few"):
        learn(outcomes.take(range(19)), vectors[:19])
    with pytest.raises(BadRequest, match="29 vectors"):
        learn(outcomes, vectors[:29])
    with pytest.raises(BadRequest, match="'dear'"):
        learn(_with_scores(outcomes, outcomes.scores * [1, np.nan]), vectors)


def test_unknown_scores_lean_on_the_rows_known_ones() -> None:
    scores = np.array([[1.0, 1.0, np.nan], [0.0, 0.0, np.nan], [0.0, 1.0, 0.6], [1.0, 0.0, 0.6]])
    filled = fill(scores)
    assert filled[0, 2] > 0.6 > filled[1, 2]
    assert (filled[~np.isnan(scores)] == scores[~np.isnan(scores)]).all()


def test_a_tier_scored_on_a_part_of_the_rows_is_learnt() -> None:
    outcomes, vectors = made(300, 1)
    scores = outcomes.scores.copy()
    scores[::2, 1] = np.nan
    learnt = learn(_with_scores(outcomes, scores), vectors, options=QUICK)
    assert np.isfinite(learnt.p_ok).all()
    assert abs(learnt.bundle.model.means[1] - np.nanmean(scores[:, 1])) < 1e-6


def test_rare_domains_come_together_and_unnamed_ones_are_clustered() -> None:
    outcomes, vectors = made(60, 1)
    inputs = read_inputs(map(read_ask, outcomes.prompts), vectors)
    domains = ["a"] * 30 + ["b"] * 27 + ["c", "d", "e"]
    assert np.bincount(kinds_of(dataclasses.replace(outcomes, domains=domains), inputs, seed=0)).tolist() == [
        3,
        30,
        27,
    ]
    clusters = kinds_of(dataclasses.replace(outcomes, domains=[""] * 60), inputs, seed=0)
    assert len(set(clusters.tolist())) == 2
