"""`stepwell cache tune`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.token_vectors import TokenVectors
from stepwell.front.cli.main import main
from stepwell.memory.cache.verifier import Verifier

Capture = pytest.CaptureFixture[str]
THINGS = ["pump", "rope", "bucket", "lid", "wall", "pipe", "valve", "crank", "filter", "tank"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stepwell.yaml").write_text(
        "embedding: {embedder: 'tests.front.cli.test_cache_tune:Words'}\n"
    )
    return tmp_path


class Words:
    """Stands in for MiniLM: a direction for each word, and a text is the sum of its words."""

    name = Verifier.embedder
    dim = 384

    def _pieces(self, text: str) -> TokenVectors:
        ids = np.array([crc32(word.encode()) for word in text.lower().split()], np.int64)
        rows = np.stack([np.random.default_rng(i).normal(size=self.dim) for i in ids])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return TokenVectors((ids % 30_000).astype(np.int32), rows.astype(np.float16), is_cut=False)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.stack([self._pieces(text).vectors.astype(np.float32).sum(axis=0) for text in texts])
        found: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return found

    def embed_middle(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.embed(texts)

    def embed_both(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.embed(texts), self.embed(texts)

    def embed_tokens(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], list[TokenVectors]]:
        last = self.embed(texts)
        return last, last, [self._pieces(text) for text in texts]


def pairs(path: Path, n: int) -> None:
    """Prices of numbered parts: another number is another answer."""
    chance = random.Random(3)
    with path.open("w") as file:
        for i in range(n):
            thing, number = chance.choice(THINGS), chance.randint(2, 90)
            other = number if i % 2 else number + chance.randint(1, 9)
            row = {
                "cached_query": f"What does {thing} number {number} cost?",
                "query": f"How much is {thing} number {other}?",
                "same": int(other == number),
            }
            file.write(json.dumps(row) + "\n")
        file.write("not a pair\n")


def test_it_writes_weights_that_the_verifier_loads(
    here: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stepwell.evals.cache.train.N_TREES", (0, 5))
    monkeypatch.setattr("stepwell.evals.cache.train.N_FOLDS", 2)
    pairs(here / "pairs.jsonl", 240)
    code = main(["cache", "tune", "pairs.jsonl", "--out", "mine", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["n_pairs"], told["n_same"], told["n_bad"]) == (240, 120, 1)
    assert code == (0 if told["log_loss"] < told["log_loss_before"] else 1)
    assert told["log_loss"] <= told["log_loss_before"]
    assert Verifier.load("mine/weights.npz").name != Verifier.load().name or code


def test_too_few_pairs_are_refused(here: Path, capsys: Capture) -> None:
    pairs(here / "pairs.jsonl", 20)
    assert main(["cache", "tune", "pairs.jsonl", "--out", "mine"]) == 2
    err = capsys.readouterr().err
    assert "20 pairs" in err
    assert err.count("\n") == 1
    assert not Path("mine").exists()


def test_a_missing_file_is_2(capsys: Capture) -> None:
    assert main(["cache", "tune", "nowhere.jsonl", "--out", "mine"]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
