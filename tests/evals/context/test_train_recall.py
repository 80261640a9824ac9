"""Fitting recall: what is made of talks, and that the fit finds what it should."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from stepwell.base.minilm import MiniLM
from stepwell.evals.context.dated import dated
from stepwell.evals.context.examples import embed
from stepwell.evals.context.glued import glued
from stepwell.evals.context.softmax import softmax_fit
from stepwell.evals.context.talk import Question, Talk, Utterance
from stepwell.evals.context.train import main, write_basis
from stepwell.memory.context import recall
from stepwell.memory.context.recall.features import FIRST, SECOND
from stepwell.memory.context.recall.model import read_model, shipped

_MAY = 1_683_600_000.0  # 9 May 2023


def _talk(name: str, one: str, other: str, at_s: float) -> Talk:
    turns = (Utterance(one, f"{other}, I have a cat.", at_s=at_s), Utterance(other, "Good.", at_s=at_s + 9e6))
    return Talk(name, turns, (Question(f"{name}-q0", f"What does {one} have?", "a cat", (0,), "single"),))


def test_talks_are_glued_by_date_in_two_names() -> None:
    made = glued([_talk("a", "Ann", "Bo", _MAY), _talk("b", "Cy", "Dee", _MAY + 1e6)])
    assert [turn.speaker for turn in made.turns] == ["Ann", "Ann", "Bo", "Bo"]
    assert made.turns[1].text == "Bo, I have a cat."
    assert [q.evidence for q in made.questions] == [(0,), (1,)]
    assert made.questions[1].text == "What does Ann have?"


def test_a_question_gets_a_date() -> None:
    made = dated(_talk("a", "Ann", "Bo", _MAY))
    assert [q.text for q in made.questions] == ["What does Ann have?", "What does Ann have in May 2023?"]


def test_the_fit_finds_which_feature_tells() -> None:
    rng = np.random.default_rng(0)
    rows, evidence = [], []
    for _ in range(60):
        x = rng.normal(size=(3, 30)).astype(np.float32)
        rows.append(x)
        evidence.append(np.array([int((2 * x[0] - x[2]).argmax())]))
    weights = softmax_fit(rows, evidence, ridge=1.0)
    assert weights[0] > 1 > abs(weights[1])
    assert weights[2] < -0.5


def test_training_writes_weights_that_can_be_read(tmp_path: Path) -> None:
    rows = [
        {
            "id": f"talk{i}",
            "sessions": [
                {
                    "at": f"2024-0{month}-03T10:00:00Z",
                    "turns": [
                        {"speaker": "Ann", "text": f"We have a {pet} called {name} since {month}."},
                        {"speaker": "Bo", "text": "How lovely for you."},
                    ],
                }
                for month, name in enumerate(("Tom", "Kit", "Rex"), start=1)
            ],
            "questions": [
                {"question": f"What is Kit the {pet}?", "answer": pet, "evidence": [3], "kind": "single"}
            ],
        }
        for i, pet in enumerate(("cat", "dog", "parrot"))
    ]
    talks = tmp_path / "talks.jsonl"
    talks.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    main([str(talks), "--out", str(tmp_path)])
    assert read_model(tmp_path / "weights.npz").words.shape == (len(FIRST),)
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    assert card["rows"]["talks"] == 3
    assert card["left_out"]["5 turns"]["recall"] == 1


def test_axes_are_orthonormal_and_stop_words_skipped(tmp_path: Path) -> None:
    texts = [
        f"The {a} {b} sat on a {c}." for a in ("old", "blue") for b in ("cat", "king") for c in ("mat", "box")
    ]
    vocabulary = ["[PAD]", "the", ".", "q", "cat", "猫"]
    write_basis(tmp_path / "basis.npz", embed(MiniLM(), texts), vocabulary)
    with np.load(tmp_path / "basis.npz") as held:
        axes = held["of_pieces"].astype(np.float32)
        assert np.allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=0.01)
        assert held["is_skipped"].tolist() == [False, True, True, True, False, False, False]


def test_the_shipped_weights_have_their_card() -> None:
    card = json.loads((Path(recall.__file__).parent / "card.json").read_text(encoding="utf-8"))
    model = shipped()
    assert model.pieces.shape == (len(FIRST + SECOND),)
    assert card["weights"]["pieces"]["asks"] == round(float(model.pieces[FIRST.index("asks")]), 3)
    assert card["licence"] == "Apache-2.0"
