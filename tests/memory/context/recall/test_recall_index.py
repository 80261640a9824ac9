"""Older turns are found by what they say, and by who said it when."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.minilm import MiniLM
from stepwell.memory.context.recall.index import Index
from stepwell.memory.context.recall.marks import embed_marks, mark_of_query
from stepwell.memory.context.recall.query import Query

_FILLER = (
    "The weather was fine all week.", "See you on Monday then!", "That sounds lovely.", "We watched a film last night.",
    "My sister called again.", "Work is busy as ever.", "I had soup for lunch.", "The train was late.",
)  # fmt: skip


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM()


def _asked(embedder: MiniLM, text: str, at_s: float = 0.0) -> Query:
    (vector,), _, (tokens,) = embedder.embed_tokens([text])
    return Query(text, vector, tokens, at_s)


def _index(*turns: str, embedder: MiniLM | None = None, speakers: tuple[str, ...] = ("",)) -> Index:
    index = Index()
    marks = embed_marks(embedder, turns) if embedder else [b""] * len(turns)
    for i, (text, mark) in enumerate(zip(turns, marks, strict=True)):
        index.add(text, speaker=speakers[i % len(speakers)], mark=mark)
    return index


def _found(index: Index, query: Query | str) -> int:
    return int(index.relevance(Query(query) if isinstance(query, str) else query).argmax())


def test_a_turn_that_holds_the_words_comes_first() -> None:
    index = _index(*_FILLER[:3], "I sold the yellow bicycle to Omar.", *_FILLER[3:])
    assert _found(index, "Who bought the bicycle?") == 3


def test_a_turn_that_means_it_in_other_words_comes_first(embedder: MiniLM) -> None:
    index = _index(
        *_FILLER[:5], "Our puppy swallowed a sock and needed surgery.", *_FILLER[5:], embedder=embedder
    )
    assert _found(index, _asked(embedder, "Which pet was operated on at the vet?")) == 5


def test_nothing_is_found_in_an_empty_index() -> None:
    made = Index().relevance(Query("Anything?"))
    assert made.shape == (0,)
    assert made.dtype == np.float32


def test_who_is_named_counts() -> None:
    turns = (*_FILLER, "I started to learn the cello.", "I started to learn the violin.")
    index = _index(*turns, speakers=("Mara", "Jules"))
    assert _found(index, "What did Mara start to learn?") == 8
    assert _found(index, "What did Jules start to learn?") == 9


def test_a_user_s_own_words_are_told_from_the_assistant_s() -> None:
    turns = (
        *_FILLER,
        "The staging database listens on port 6543.",
        "A staging database often listens on port 5432.",
    )
    index = _index(*turns, speakers=("user", "assistant"))
    assert _found(index, "Which port did I say the staging database has?") == 8
    assert _found(index, "Which port did you say the staging database has?") == 9


def test_a_date_in_the_question_picks_among_alike() -> None:
    index = Index()
    for month in range(1, 11):
        index.add("We went hiking in the hills again.", at_s=datetime(2024, month, 9, tzinfo=UTC).timestamp())
    assert _found(index, "Where did they go in April 2024?") == 3
    assert _found(index, "Where did they go on 9 July?") == 6


def test_yesterday_is_a_day_where_the_time_of_asking_is_known() -> None:
    index = Index()
    for day in range(1, 21):
        index.add("We went hiking in the hills.", at_s=datetime(2024, 3, day, 10, tzinfo=UTC).timestamp())
    now = datetime(2024, 3, 12, 9, tzinfo=UTC).timestamp()
    assert _found(index, Query("Where did we go yesterday?", at_s=now)) == 10


def test_other_scripts_are_searched() -> None:
    foreign = ("我昨天买了一辆自行车。", "Вчера я купила синий велосипед.", "昨日は友達と寿司を食べました。")
    index = _index(*(text for one in foreign for text in (*_FILLER, one)))
    assert _found(index, "自行车多少钱?") == 8
    assert _found(index, "Какого цвета велосипед?") == 17
    assert _found(index, "寿司はどうでしたか") == 26


def test_marks_may_come_late_and_change_what_is_found(embedder: MiniLM) -> None:
    turns = (*_FILLER, "Our puppy swallowed a sock and needed surgery.")
    at_once, late = _index(*turns, embedder=embedder), _index(*turns)
    query = _asked(embedder, "Which pet was operated on?")
    before = late.relevance(query)
    for place, mark in reversed(list(enumerate(embed_marks(embedder, turns)))):
        late.set_mark(place, mark)
    assert np.allclose(late.relevance(query), at_once.relevance(query), atol=1e-5)
    assert not np.allclose(before, late.relevance(query), atol=1e-3)


def test_some_turns_without_marks_still_count(embedder: MiniLM) -> None:
    turns = (*_FILLER, "I sold the yellow bicycle to Omar.")
    index = _index(*turns)
    for place, mark in enumerate(embed_marks(embedder, turns[:4])):
        index.set_mark(place, mark)
    assert _found(index, _asked(embedder, "Who bought the yellow bicycle?")) == 8


def test_a_mark_that_can_t_be_read_is_left_out(embedder: MiniLM) -> None:
    index = _index(*_FILLER)
    before = index.relevance(Query("Was the weather fine?"))
    index.set_mark(0, b"no mark")
    index.set_mark(1, mark_of_query(np.full(3, np.inf, dtype=np.float32), None))
    assert np.array_equal(index.relevance(Query("Was the weather fine?")), before)


def test_a_mark_given_twice_counts_once(embedder: MiniLM) -> None:
    index = _index(*_FILLER, embedder=embedder)
    query = _asked(embedder, "Was the weather fine?")
    before, n_bytes = index.relevance(query), index.n_bytes
    for _ in range(50):
        index.set_mark(0, embed_marks(embedder, _FILLER[:1])[0])
    assert np.array_equal(index.relevance(query), before)
    assert index.n_bytes == n_bytes


def test_vectors_of_other_widths_don_t_meet(embedder: MiniLM) -> None:
    index = _index(*_FILLER, embedder=embedder)
    narrow = Query("Was the weather fine?", np.array([1, 0, 0], dtype=np.float32))
    assert np.array_equal(index.relevance(narrow), index.relevance(Query(narrow.text)))


def test_any_embedder_s_vectors_are_searched() -> None:
    index = Index()
    for i, text in enumerate(_FILLER):
        index.add(text, mark=mark_of_query(np.eye(8, dtype=np.float32)[i], None))
    assert _found(index, Query("?", np.eye(8, dtype=np.float32)[5])) == 5


def test_the_best_of_a_long_talk_are_the_same_as_of_a_short_one(embedder: MiniLM) -> None:
    needle = "Our puppy swallowed a sock and needed surgery."
    marks = dict(zip((*_FILLER, needle), embed_marks(embedder, [*_FILLER, needle]), strict=True))
    index = Index()
    for i in range(2000):
        text = needle if i == 1234 else _FILLER[i % len(_FILLER)]
        index.add(text, mark=marks[text])
    made = index.relevance(_asked(embedder, "Which pet was operated on?"))
    assert made.argmax() == 1234
    assert made[1234] > 0.5


def test_a_long_question_is_searched_by_its_rare_words() -> None:
    turns = [
        f"{text} common words of every day" for text in (*_FILLER, "We made kumquat marmalade.", *_FILLER)
    ]
    asked = " ".join(f"filler{i}" for i in range(500)) + " common words of every day kumquat marmalade"
    assert _found(_index(*turns), asked) == 8


def test_memory_is_counted() -> None:
    index = _index(*_FILLER)
    before = index.n_bytes
    for i in range(500):
        index.add(f"word{i} something else {i}")
    assert index.n_bytes > before > 0


_texts = st.lists(st.text(max_size=60), max_size=25)


@settings(max_examples=60)
@given(turns=_texts, asked=st.text(max_size=80), later=_texts, at_s=st.floats(-1e12, 1e12))
def test_any_text_has_a_probability(turns: list[str], asked: str, later: list[str], at_s: float) -> None:
    index, again = Index(), Index()
    for text in turns:
        assert index.add(text, speaker=text[:5], at_s=at_s) == again.add(text, speaker=text[:5], at_s=at_s)
    made = index.relevance(Query(asked, at_s=at_s))
    assert made.shape == (len(turns),)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert ((made >= 0) & (made <= 1)).all()
    assert np.array_equal(made, again.relevance(Query(asked, at_s=at_s)))
    for i, text in enumerate(later):
        assert index.add(text) == len(turns) + i
    assert len(index) == len(turns) + len(later)
    assert len(index.relevance(Query(asked))) == len(index)


@settings(max_examples=30)
@given(marked=st.sets(st.integers(0, 19)), rows=st.randoms(use_true_random=False))
def test_marks_in_any_order_make_one_index(marked: set[int], rows: object) -> None:
    rng = np.random.default_rng(len(marked))
    vectors = rng.normal(size=(20, 16)).astype(np.float32)
    one, other = Index(), Index()
    for i in range(20):
        mark = mark_of_query(vectors[i], None) if i in marked else b""
        one.add(f"turn {i} of some", mark=mark)
        other.add(f"turn {i} of some")
    for i in sorted(marked, reverse=True):
        other.set_mark(i, mark_of_query(vectors[i], None))
    query = Query("some turn", rng.normal(size=16).astype(np.float32))
    assert np.array_equal(one.relevance(query), other.relevance(query))
