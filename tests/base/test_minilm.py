from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.errors import ConfigError
from stepwell.base.minilm import MiniLM, _installed

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
    assert cosines.min() >= 0.995
    assert cosines.mean() >= 0.999


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
