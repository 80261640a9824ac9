"""New outcomes refine a policy; nothing is started over, no text is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from stepwell.base.errors import BadRequest, ConfigError
from stepwell.evals.tune.examples import LearnOptions
from stepwell.evals.tune.learn import Learnt, learn
from stepwell.evals.tune.lesson import load_lesson
from stepwell.evals.tune.refine import refine
from stepwell.evals.tune.rows import Outcomes, read_outcomes
from stepwell.router.features import read_ask
from stepwell.router.learned.bundle import Bundle, load_bundle
from stepwell.router.learned.inputs import read_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

QUICK = LearnOptions(n_trees=10, n_folds=3, alphas=(1.0, 10.0))


def made(n: int, seed: int, *, cheap_is_right_on: str = "apples") -> tuple[Outcomes, Matrix]:
    """Asks about apples and boats; the cheap tier gets one kind right, the dear one both."""
    rng = np.random.default_rng(seed)
    lines, vectors = [], []
    for i in range(n):
        kind = ("apples", "boats")[i % 2]
        scores = {"cheap": float(kind == cheap_is_right_on), "dear": 1.0}
        prompt = f"How many {kind} has number {rng.integers(1, 99)}?"
        row = {
            "id": f"{seed}-{i}",
            "prompt": prompt,
            "domain": kind,
            "scores": scores,
            "out_tokens": {"dear": 30},
        }
        lines.append(json.dumps(row))
        vector = np.eye(8)[i % 2] + 0.2 * rng.normal(size=8)
        vectors.append(vector / np.linalg.norm(vector))
    return read_outcomes(lines, ["cheap", "dear"]), np.array(vectors, np.float32)


@pytest.fixture(scope="module")
def learnt() -> Learnt:
    return learn(*made(60, 1), embedder="small", options=QUICK)


def p_cheap(bundle: Bundle, kind: str) -> float:
    vector = np.eye(8, dtype=np.float32)[["apples", "boats"].index(kind)]
    inputs = read_inputs([read_ask(f"How many {kind} has number 7?")], vector[None])
    return float(bundle.model.read(inputs).p_ok[0, 0])


def test_new_rows_change_what_is_said(learnt: Learnt) -> None:
    assert p_cheap(learnt.bundle, "boats") < 0.2
    turned, _ = refine(learnt.bundle, learnt.lesson, *made(240, 2, cheap_is_right_on="boats"), options=QUICK)
    assert p_cheap(turned, "boats") > 0.5 > p_cheap(turned, "apples")
    assert turned.card.n_rows == 300
    assert turned.model.plain.trees is learnt.bundle.model.plain.trees
    assert "refined with 240 rows" in turned.card.notes[-1]
    assert turned.card.data_sha256 != learnt.bundle.card.data_sha256


def test_a_row_with_a_known_id_replaces_the_old_one(learnt: Learnt) -> None:
    outcomes, vectors = made(60, 1, cheap_is_right_on="boats")
    turned, lesson = refine(learnt.bundle, learnt.lesson, outcomes, vectors, options=QUICK)
    assert len(lesson.outcomes) == turned.card.n_rows == 60
    assert sorted(lesson.outcomes.ids) == sorted(outcomes.ids)
    assert (lesson.outcomes.scores == outcomes.scores).all()


def test_a_lesson_comes_back_from_disk_and_refines_alike(learnt: Learnt, tmp_path: Path) -> None:
    learnt.bundle.save(tmp_path)
    learnt.lesson.save(tmp_path)
    new, vectors = made(20, 3)
    direct, _ = refine(learnt.bundle, learnt.lesson, new, vectors, options=QUICK)
    loaded, _ = refine(load_bundle(tmp_path), load_lesson(tmp_path), new, vectors, options=QUICK)
    direct.save(tmp_path / "a")
    loaded.save(tmp_path / "b")
    assert (tmp_path / "a/policy.npz").read_bytes() == (tmp_path / "b/policy.npz").read_bytes()


def test_no_text_is_kept(learnt: Learnt, tmp_path: Path) -> None:
    learnt.lesson.save(tmp_path)
    with np.load(tmp_path / "lesson.npz") as file:
        texts = [str(v) for name in file.files if file[name].dtype.kind == "U" for v in file[name]]
    assert texts
    assert not any("How many" in text for text in texts)
    assert set(learnt.lesson.outcomes.prompts) == {""}


def test_rows_that_do_not_fit_are_refused(learnt: Learnt, tmp_path: Path) -> None:
    new, vectors = made(20, 3)
    with pytest.raises(BadRequest, match="reads vectors"):
        refine(learnt.bundle, learnt.lesson, new)
    with pytest.raises(BadRequest, match="knows cheap, dear"):
        refine(learnt.bundle, learnt.lesson, read_outcomes(_lines(new), ["dear", "cheap"]), vectors)
    with pytest.raises(ConfigError, match="tune from all rows"):
        load_lesson(tmp_path)


def _lines(outcomes: Outcomes) -> list[str]:
    rows = zip(outcomes.ids, outcomes.prompts, outcomes.scores, strict=True)
    return [
        json.dumps({"id": i, "prompt": p, "scores": dict(zip(outcomes.tiers, s, strict=True))})
        for i, p, s in rows
    ]


def test_a_policy_without_vectors_is_refined_without(tmp_path: Path) -> None:
    learnt = learn(made(60, 1)[0], options=QUICK)
    turned, _ = refine(learnt.bundle, learnt.lesson, made(20, 3)[0], options=QUICK)
    turned.save(tmp_path)
    assert load_bundle(tmp_path).card.n_rows == 80


def test_rows_without_ids_are_named_by_what_they_ask() -> None:
    lines = [
        json.dumps({"prompt": f"How many pears in sack {i}?", "scores": {"cheap": 1}}) for i in range(40)
    ]
    first = read_outcomes(lines[:20], ["cheap", "dear"], is_partial=True)
    second = read_outcomes(lines[20:], ["cheap", "dear"], is_partial=True)
    again = read_outcomes(lines[10:20], ["cheap", "dear"], is_partial=True)
    assert not set(first.ids) & set(second.ids)
    assert again.ids == first.ids[10:]
    assert not any(word in name for name in first.ids for word in ("pears", "sack"))


def test_a_lesson_is_for_its_owner_alone(learnt: Learnt, tmp_path: Path) -> None:
    (tmp_path / "lesson.npz").touch(mode=0o644)
    learnt.lesson.save(tmp_path)
    assert (tmp_path / "lesson.npz").stat().st_mode & 0o777 == 0o600
