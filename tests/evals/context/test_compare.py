"""Talks packed by several methods, and the figures made of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.tokens import count_text
from stepwell.evals.context.baselines import Bm25, fused
from stepwell.evals.context.compare import LIVE, OURS, compare
from stepwell.evals.context.figures import Case, summarise
from stepwell.evals.context.peers import installed_peers, quoted
from stepwell.evals.context.plain import PlainFill
from stepwell.evals.context.read import read_talks
from stepwell.evals.context.survive import Kept
from stepwell.evals.context.talk import Talk, Utterance
from stepwell.memory.context.packing.render import Transcript
from tests.evals.context.talks import Letters, locomo

TALKS = read_talks(json.dumps(locomo("t", "u")).encode())
MODEL = "gpt-4"


def test_a_line_a_method_and_budget() -> None:
    lines = compare(TALKS, [70, 300], embedder=Letters(), model=MODEL)
    methods = [OURS, LIVE, "last k turns", "BM25", "cosine", "both, by rank"]
    assert [(line.budget_tokens, line.method) for line in lines] == [
        (b, m) for b in (70, 300) for m in methods
    ]
    for line in lines:
        assert line.recall.n == 6
        assert line.n_over == 0
        if line.budget_tokens == 300:  # all of it fits
            assert line.recall.value == line.all_evidence.value == 1.0
        else:
            assert line.recall.low <= line.recall.value <= line.recall.high


def test_each_text_is_embedded_once() -> None:
    embedder = Letters()
    told: list[int] = []
    compare(TALKS[:1], [70, 300], embedder=embedder, model=MODEL, on_embedded=told.append)
    assert len(embedder.read) == len(set(embedder.read)) == sum(told) == 6 + 3


def test_a_peer_that_goes_over_budget_keeps_nothing() -> None:
    peers = {"all of it": lambda talk, budget: "\n".join(turn.line for turn in talk.turns)}
    lines = compare(TALKS, [70, 300], embedder=Letters(), model=MODEL, with_baselines=False, peers=peers)
    over, fits = (line for line in lines if line.method == "all of it")
    assert (over.n_over, over.recall.value) == (6, 0.0)
    assert over.answers is not None
    assert over.answers.value == 0.0
    assert (fits.n_over, fits.recall.value) == (0, 1.0)


def test_what_was_expected_stands_beside_what_came() -> None:
    cases = [Case("m", 9, "t", "single", Kept(i % 2, False, None), False, i / 10) for i in range(10)]
    line = summarise(cases)
    assert [(round(b.expected, 2), b.actual, b.n) for b in line.calibration] == [
        (0.05, 0.5, 2),
        (0.25, 0.5, 2),
        (0.45, 0.5, 2),
        (0.65, 0.5, 2),
        (0.85, 0.5, 2),
    ]
    assert line.answers is None
    assert line.by_kind == {"single": (0.5, 0.0, 10)}


def test_intervals_are_wider_where_conversations_differ() -> None:
    def width(of_talk: list[float]) -> float:
        cases = [
            Case("m", 9, f"t{n % 4}", "single", Kept(of_talk[n % 4], False, None), False) for n in range(80)
        ]
        found = summarise(cases).recall
        return found.high - found.low

    assert width([0.0, 0.0, 1.0, 1.0]) > width([0.5, 0.5, 0.5, 0.5]) + 0.1


def test_bm25_finds_the_rare_word() -> None:
    scores = Bm25(["the cat sat", "the cat ran", "a zebra ran"]).scores("Did the zebra run or sit?")
    assert int(scores.argmax()) == 2
    assert scores[0] == scores[1] == 0.0


def test_fused_ranks() -> None:
    made = fused(np.array([3, 2, 1], np.float32), np.array([1, 3, 2], np.float32))
    assert made.argsort().tolist() == [2, 0, 1]


def test_the_stand_in_quotes_what_holds_facts() -> None:
    texts = ["well then. Ann met Bob in Oslo in 1999.", "hm, yes"]
    fact = "Ann met Bob in Oslo in 1999."
    assert quoted(texts, count_text(f"{fact}\n", MODEL), MODEL) == fact
    assert quoted(texts, 0, MODEL) == ""


def test_langchains_trim_stays_within_its_budget() -> None:
    pytest.importorskip("langchain_core")
    peers, missing = installed_peers(MODEL)
    text = peers["langchain trim_messages"](TALKS[0], 50)
    assert 0 < count_text(text, MODEL) <= 50
    assert text.endswith(TALKS[0].turns[-1].line)
    assert not set(missing) & {"langchain-core"}


turns = st.builds(
    Utterance,
    st.sampled_from(["Ann", "老王"]),
    st.text(min_size=1, max_size=80),
    st.sampled_from(["", "a boat"]),
    st.sampled_from([0.0, 1e9, 1.1e9]),
)


@given(st.lists(turns, max_size=20), st.integers(64, 400), st.lists(st.floats(0, 1, width=32), min_size=20))
def test_never_over_its_budget_and_in_order(said: list[Utterance], budget: int, scores: list[float]) -> None:
    said = [Utterance(t.speaker, t.text, t.caption, t.at_s, "1 May, 2001" if t.at_s else "") for t in said]
    lines = Talk("t", tuple(said), ()).lines
    relevance = np.array(scores[: len(said)], dtype=np.float32)
    found = Transcript(lines, model=MODEL).render(budget, relevance)
    at = 0
    for i in found.kept:
        at = found.text.index(lines[i].text, at)
    plain = PlainFill(lines, model=MODEL)
    for text in (found.text, plain.last(budget), plain.best(budget, relevance, recent_share=0.25)):
        assert count_text(text, MODEL) <= budget


def test_the_plain_fill_takes_the_best_and_the_last() -> None:
    said = tuple(Utterance("a", f"number {i} of these lines", day="1 May, 2001") for i in range(20))
    plain = PlainFill(Talk("t", said, ()).lines, model=MODEL)
    scores = np.array([float(i in (3, 7)) for i in range(20)], dtype=np.float32)
    numbers = [line.split()[2] for line in plain.best(60, scores, recent_share=0.5).splitlines()[1:]]
    assert [n for n in numbers if n in ("3", "7", "19")] == ["3", "7", "19"]
    assert plain.last(40).splitlines()[-1] == "a: number 19 of these lines"
