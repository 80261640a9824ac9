"""A head on the disk reads texts as scikit-learn did when it was fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import ConfigError
from stepwell.router.tiers.head_file import Head

WORDS = ("alpha", "Beta", "x2", "I", "über", "foo_bar", "it's", "stop", "\x00", "日本")
texts = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


@pytest.fixture(scope="module")
def fitted() -> tuple[Head, object, object]:
    pytest.importorskip("sklearn")
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    rows = [" ".join(rng.choice(WORDS, 8)) for _ in range(60)]
    labels = rng.integers(0, 3, len(rows))
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=30, max_iter=500).fit(vectorizer.fit_transform(rows), labels)
    head = Head(
        ("one", "two", "three"),
        model.coef_.astype(np.float32),
        model.intercept_.astype(np.float32),
        tuple(vectorizer.get_feature_names_out()),
        vectorizer.idf_.astype(np.float32),
    )
    return head, vectorizer, model


@given(text=texts | st.text(max_size=40))
def test_it_answers_as_scikit_learn_does(fitted: tuple[Head, object, object], text: str) -> None:
    head, vectorizer, model = fitted
    wanted = model.predict_proba(vectorizer.transform([text]))[0]  # type: ignore[attr-defined]
    [(answer, p)] = head.predict([text])
    assert p == pytest.approx(wanted.max(), abs=1e-5)
    assert wanted[head.answers.index(answer)] == pytest.approx(wanted.max(), abs=1e-5)


names = st.lists(st.text(max_size=9), min_size=1, max_size=4, unique=True)


@given(answers=names, grams=names, seed=st.integers(0, 99), over_words=st.booleans())
def test_what_is_kept_is_read_back_and_the_same_head_is_the_same_file(
    tmp_path_factory: pytest.TempPathFactory,
    answers: list[str],
    grams: list[str],
    seed: int,
    over_words: bool,
) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((len(answers), len(grams))).astype(np.float32)
    bias = rng.standard_normal(len(answers)).astype(np.float32)
    idf = rng.random(len(grams)).astype(np.float32)
    head = Head(tuple(answers), weights, bias, *((tuple(grams), idf) if over_words else ()))
    one, two = (tmp_path_factory.mktemp("head") / f"{n}.npz" for n in range(2))
    head.save(one)
    read = Head.load(one)
    read.save(two)
    assert one.read_bytes() == two.read_bytes()
    assert (read.answers, read.vocabulary, read.kind) == (head.answers, head.vocabulary, head.kind)
    assert np.array_equal(read.weights, weights)
    given_ = [" ".join(grams)]
    vectors = None if over_words else np.ones((1, len(grams)), np.float32)
    assert read.predict(given_, vectors) == head.predict(given_, vectors)


def test_over_vectors_the_nearest_class_answers() -> None:
    head = Head(("a", "b"), 9 * np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    said = head.predict(["", ""], np.array([[1, 0], [0, 1]], np.float32))
    assert [answer for answer, _ in said] == ["a", "b"]
    assert all(0.99 < p <= 1 for _, p in said)


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="weights of shape"):
        Head(("a",), np.zeros((2, 2), np.float32), np.zeros(1, np.float32))
    with pytest.raises(ConfigError, match="bias of shape"):
        Head(("a",), np.zeros((1, 2), np.float32), np.zeros(2, np.float32))
    with pytest.raises(ConfigError, match="of 1 n-grams"):
        Head(("a",), np.zeros((1, 2), np.float32), np.zeros(1, np.float32), ("x",), np.ones(1, np.float32))
    with pytest.raises(ConfigError, match="no finite number"):
        Head(("a",), np.full((1, 2), np.nan, np.float32), np.zeros(1, np.float32))


def test_what_is_no_head_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    with pytest.raises(ConfigError, match="No such file"):
        Head.load(path)
    path.write_bytes(b"PK, but no zip")
    with pytest.raises(ConfigError, match="not the file of a classifier head"):
        Head.load(path)
    np.savez(path, answers=np.zeros(3))
    with pytest.raises(ConfigError, match="not the file of a classifier head"):
        Head.load(path)
    np.savez(path, answers=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ConfigError, match="not the file of a classifier head"):
        Head.load(path)


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path) -> None:
    head = Head(("a",), np.zeros((1, 1), np.float32), np.zeros(1, np.float32))
    with pytest.raises(ConfigError, match="can't be written"):
        head.save(tmp_path / "no folder" / "head.npz")
    assert list(tmp_path.iterdir()) == []
