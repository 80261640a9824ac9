"""A classifier head on the disk: linear over tf-idf or over an embedding, in numpy alone."""

from __future__ import annotations

import io
import itertools
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from stepwell.base.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

HeadKind = Literal["tfidf", "embedding"]
# scikit-learn's default token_pattern: the file must read texts as the fit did
_WORD = re.compile(r"(?u)\b\w\w+\b")


@dataclass(frozen=True, slots=True)
class Head:
    """A softmax over answers.

    Attributes:
        answers: What each class answers.
        weights: Shape (n_classes, n_features), float32. A binary fit with one row of coefficients `w` is written as
            two: zeros and `w`.
        bias: Shape (n_classes,), float32.
        vocabulary: The n-gram of each feature; empty for a head over embeddings.
        idf: Weight of each n-gram, shape (n_features,), float32.
    """

    answers: tuple[str, ...]
    weights: Matrix
    bias: Matrix
    vocabulary: tuple[str, ...] = ()
    idf: Matrix | None = None
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises:
        ConfigError: The parts don't fit together, or hold what is no number.
        """
        n_classes, n_features = len(self.answers), len(self.vocabulary)
        if not n_classes or self.weights.ndim != 2 or self.weights.shape[0] != n_classes:
            raise ConfigError(f"a head of {n_classes} answers has weights of shape {self.weights.shape}")
        if self.bias.shape != (n_classes,):
            raise ConfigError(f"a head of {n_classes} answers has a bias of shape {self.bias.shape}")
        if self.idf is not None and (self.idf.shape != (n_features,) or self.weights.shape[1] != n_features):
            raise ConfigError(f"a head of {n_features} n-grams has weights of shape {self.weights.shape}")
        for part in (self.weights, self.bias, *(() if self.idf is None else (self.idf,))):
            if not np.isfinite(part).all():
                raise ConfigError("a head's weights hold what is no finite number")
        object.__setattr__(self, "_places", {gram: i for i, gram in enumerate(self.vocabulary)})

    @property
    def kind(self) -> HeadKind:
        return "embedding" if self.idf is None else "tfidf"

    @property
    def n_features(self) -> int:
        return int(self.weights.shape[1])

    @classmethod
    def load(cls, path: Path) -> Head:
        """Read a file; nothing in it is run.

        Raises:
            ConfigError: It can't be read, or is no head.
        """
        try:
            with np.load(path, allow_pickle=False) as parts:
                return cls(
                    answers=_texts(parts["answers"], parts["answers_at"]),
                    weights=parts["weights"].astype(np.float32),
                    bias=parts["bias"].astype(np.float32),
                    vocabulary=_texts(parts["vocabulary"], parts["vocabulary_at"]) if "idf" in parts else (),
                    idf=parts["idf"].astype(np.float32) if "idf" in parts else None,
                )
        except OSError as e:
            raise ConfigError(f"{path}: {e.strerror or type(e).__name__}") from e
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile):
            raise ConfigError(f"{path}: not the file of a classifier head") from None

    def save(self, path: Path) -> None:
        """Write a file, whole or not at all; the same head gives the same bytes.

        Raises:
            ConfigError: It can't be written.
        """
        parts = {"weights": self.weights, "bias": self.bias, **_packed("answers", self.answers)}
        if self.idf is not None:
            parts |= {"idf": self.idf, **_packed("vocabulary", self.vocabulary)}
        made = io.BytesIO()
        np.savez_compressed(made, allow_pickle=False, **parts)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            fresh.write_bytes(made.getbuffer())
            fresh.replace(path)
        except OSError as e:
            raise ConfigError(f"{path} can't be written: {e.strerror or type(e).__name__}") from e
        finally:
            fresh.unlink(missing_ok=True)

    def predict(self, texts: Sequence[str], vectors: Matrix | None = None) -> list[tuple[str, float]]:
        """The answer to each text, and its softmax probability.

        Args:
            vectors: For a head over embeddings: of the texts, shape (n_texts, n_features).
        """
        if self.idf is not None:
            logits = np.stack([self._logits(text) for text in texts]) if texts else np.empty((0, 1))
        else:
            assert vectors is not None, "a head over embeddings needs vectors"
            logits = vectors.astype(np.float64) @ self.weights.astype(np.float64).T + self.bias
        return [self._best(row) for row in logits]

    def _best(self, logits: NDArray[np.float64]) -> tuple[str, float]:
        at = int(np.argmax(logits))
        return self.answers[at], float(1 / np.exp(logits - logits[at]).sum())

    def _logits(self, text: str) -> NDArray[np.float64]:
        assert self.idf is not None
        places = (self._places.get(gram) for gram in _grams(text))
        counts = Counter(place for place in places if place is not None)
        at = np.fromiter(counts, dtype=np.intp, count=len(counts))
        tf = 1 + np.log(np.fromiter(counts.values(), dtype=np.float64, count=len(counts)))
        row: NDArray[np.float64] = (tf * self.idf[at]).astype(np.float64)
        norm = float(np.linalg.norm(row))
        scores: NDArray[np.float64] = self.weights[:, at] @ (row / norm if norm else row) + self.bias
        return scores


def _grams(text: str) -> Iterable[str]:
    """Words of two letters or more, and pairs of neighbours."""
    words = _WORD.findall(text.lower())
    yield from words
    for a, b in itertools.pairwise(words):
        yield f"{a} {b}"


def _packed(name: str, texts: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """Texts as UTF-8 and where each begins; numpy's own text arrays lose what ends in NUL, and are as wide as
    the longest."""
    raw = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([0, *map(len, raw)], dtype=np.int64)
    return {name: np.frombuffer(b"".join(raw), dtype=np.uint8), f"{name}_at": ends}


def _texts(raw: NDArray[np.uint8], at: NDArray[np.int64]) -> tuple[str, ...]:
    whole, places = raw.tobytes(), at.tolist()
    return tuple(whole[a:b].decode("utf-8", "surrogatepass") for a, b in itertools.pairwise(places))
