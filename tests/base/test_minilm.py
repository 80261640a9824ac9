from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.base.errors import ConfigError
from stepwell.base.minilm import MiniLM, _installed
from stepwell.base.minilm_residual import pack, unpack
from stepwell.base.onnx_weights import Int8Weights, int8_weights, rewrite, up_to

DATA = Path(__file__).parent / "data"
TEXTS: list[str] = json.loads((DATA / "embedding_texts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def reference() -> NDArray[np.float32]:
    """What sentence-transformers makes of TEXTS (tests/tools/make_embedding_reference.py)."""
    rows = np.load(DATA / "minilm_reference.npy").astype(np.float32)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def test_it_is_as_good_as_sentence_transformers(minilm: MiniLM) -> None:
    assert len(set(TEXTS)) == 200
    cosines = (minilm.embed(TEXTS) * reference()).sum(axis=1)
    assert cosines.min() >= 0.999


def test_a_text_has_one_vector_whatever_it_is_embedded_with(minilm: MiniLM) -> None:
    some = [*TEXTS[:8], TEXTS[-1], "", TEXTS[150]]
    together = minilm.embed(some)
    apart = np.vstack([minilm.embed([text]) for text in some])
    assert (together * apart).sum(axis=1).min() > 0.99999
    assert np.abs(np.linalg.norm(together, axis=1) - 1).max() < 1e-5


def test_no_texts_make_no_vectors(minilm: MiniLM) -> None:
    assert minilm.embed([]).shape == (0, 384)


def test_only_the_first_256_tokens_count(minilm: MiniLM) -> None:
    long = "water " * 254
    cut, uncut = minilm.embed([long + "fire " * 100, long])
    assert cut @ uncut > 0.99999
    shorter, other = minilm.embed(["water " * 253 + "fire", "water " * 254])
    assert shorter @ other < 0.99999


def test_other_weights_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.onnx"
    with pytest.raises(ConfigError, match="can't be read"):
        MiniLM(weights=weights)
    weights.write_bytes(_installed().read_bytes()[:-1] + b"\0")
    with pytest.raises(ConfigError, match="sha256"):
        MiniLM(weights=weights)


def test_without_the_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="not installed"):
        MiniLM()


@given(st.lists(st.floats(-0.5, 0.5, width=32), min_size=1, max_size=50), st.integers(1, 4))
def test_a_residual_is_found_again_to_half_a_level(residual: list[float], n_bits: int) -> None:
    found = unpack(pack(np.array(residual, dtype=np.float32), n_bits), len(residual))
    assert np.abs(found - np.array(residual)).max() <= 0.5 / 2**n_bits + 1e-6


def test_a_file_with_nothing_replaced_is_the_same_file() -> None:
    model = _installed().read_bytes()
    assert rewrite(model, lambda weights: None) == model


def test_only_the_replaced_matrix_changes() -> None:
    model = _installed().read_bytes()
    before = int8_weights(model)
    first = min(before, key=lambda m: len(m.raw))

    def twice(weights: Int8Weights) -> bytes | None:
        if weights.name != first.name:
            return None
        return (2 * np.frombuffer(weights.raw, dtype=np.int8).astype("<f4")).tobytes()

    changed = rewrite(model, twice)
    after = int8_weights(changed)
    assert [m.name for m in after] == [m.name for m in before if m.name != first.name]
    assert all(a.raw == b.raw for a in after for b in before if a.name == b.name)
    new = (2 * np.frombuffer(first.raw, dtype=np.int8).astype("<f4")).tobytes()
    assert changed.count(new) == 1
    assert len(changed) - len(model) - 3 * len(first.raw) < 16


def test_the_middle_layer_comes_alone_or_with_the_last(minilm: MiniLM) -> None:
    texts = ["What is 2 + 2?", "Prove that the square root of two is irrational, and say why it matters."]
    last, middle = minilm.embed_both(texts)
    assert np.allclose(last, minilm.embed(texts), atol=1e-6)
    assert np.allclose(middle, minilm.embed_middle(texts), atol=1e-6)
    assert np.allclose(np.linalg.norm(middle, axis=1), 1, atol=1e-5)
    assert abs(float(last[0] @ middle[0])) < 0.5  # another space
    assert float(middle[0] @ middle[1]) < 0.5  # without the mean texts differ


def test_a_cut_model_keeps_only_what_its_output_needs() -> None:
    model = _installed().read_bytes()
    cut = up_to(model, "layer_norm_8")
    names = {w.name for w in int8_weights(cut)}
    assert len(cut) < len(model)
    assert 0 < len(names) < len(int8_weights(model))
    assert not any("layer.5" in name for name in names)


def test_word_pieces_come_out_of_the_same_pass(minilm: MiniLM) -> None:
    texts = ["Wie geht es?", "the cat sat on the mat", "word " * 300, ""]
    last, middle, pieces = minilm.embed_tokens(texts)
    assert np.array_equal(last, minilm.embed(texts))
    assert np.array_equal(middle, minilm.embed_both(texts)[1])
    assert [len(p.ids) for p in pieces] == [6, 6, 254, 0]
    assert [p.is_cut for p in pieces] == [False, False, True, False]
    for p in pieces:
        assert p.vectors.shape == (len(p.ids), 384)
        assert np.allclose(np.linalg.norm(p.vectors.astype(np.float32), axis=1), 1, atol=2e-3)


def test_the_same_word_in_another_sentence_has_another_vector(minilm: MiniLM) -> None:
    _, _, (river, money) = minilm.embed_tokens(["bank of the river", "bank of england"])
    assert river.ids[0] == money.ids[0]
    assert float(river.vectors[0] @ money.vectors[0]) < 0.95
