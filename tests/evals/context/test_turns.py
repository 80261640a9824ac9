"""Talks packed turn by turn."""

from __future__ import annotations

import json

import pytest

from stepwell.base.config.context import ContextConfig
from stepwell.evals.context.read import read_talks
from stepwell.evals.context.talk import Talk, Utterance
from stepwell.evals.context.turns import Prompts, prompts_of
from tests.evals.context.talks import Letters, locomo

WORDS = ["kayak", "tulip", "dentist", "harbour", "garage", "climbing", "biscuit", "friday"]


def long_talk(name: str, n: int = 60) -> Talk:
    said = [f"{i}: {' '.join(WORDS[(i * k) % len(WORDS)] for k in range(1, 9))}" for i in range(n)]
    turns = (Utterance("Ann" if i % 2 == 0 else "Bo", text, at_s=1e9 + i * 60) for i, text in enumerate(said))
    return Talk(name, tuple(turns), ())


def packed(talks: list[Talk], *budgets: int, embedder: Letters | None = None) -> list[Prompts]:
    return prompts_of(talks, budgets, embedder=embedder or Letters(), model="gpt-4", config=ContextConfig())


def test_two_lines_a_budget_of_prompts_that_lack_something() -> None:
    found = packed([long_talk("t")], 200, 300, 5000)
    assert [(p.budget_tokens, p.keeps) for p in found] == [
        (n, keeps) for n in (200, 300, 5000) for keeps in (True, False)
    ]
    for one in found[:4]:
        assert 20 < one.n_prompts <= 30
        assert one.n_prompts * 100 < one.n_tokens <= one.n_prompts * one.budget_tokens
        assert 0 < one.expected_recall < 1
    assert found[4:] == [Prompts(5000, keeps, 0, 0, 0, 0.0) for keeps in (True, False)]
    assert found[4].same_share == 0


def test_keeping_the_last_choice_keeps_the_beginning() -> None:
    kept, afresh = packed([long_talk("t")], 400)
    assert 0 <= afresh.same_share < kept.same_share < 1


def test_each_turn_is_embedded_once_for_all_budgets() -> None:
    embedder = Letters()
    talks = read_talks(json.dumps(locomo("t", "u")).encode())
    packed(talks, 70, 300, embedder=embedder)
    assert embedder.read == [turn.said for talk in talks for turn in talk.turns]


def test_the_next_talk_begins_anew() -> None:
    (one, _), (two, _) = packed([long_talk("t")], 400), packed([long_talk("t"), long_talk("t")], 400)
    assert two.n_prompts == 2 * one.n_prompts
    assert two.n_same_tokens == 2 * one.n_same_tokens
    assert two.expected_recall == pytest.approx(one.expected_recall)


def test_what_does_not_fit_alone_is_counted_apart() -> None:
    long = Utterance("Ann", "kayak " * 200)
    (kept, _) = packed([Talk("t", (*long_talk("t").turns, long), ())], 150)
    assert kept.n_refused == 1
