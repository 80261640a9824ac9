"""Would the answer to one prompt do for another? A small model that has both texts' words and word pieces.

numpy and the weights load with the first verifier, not with this file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.base.errors import ConfigError

if TYPE_CHECKING:
    from stepwell.base.token_vectors import TokenVectors
    from stepwell.memory.cache.verifier.model import Model

EMBEDDER = "minilm-8199be6f-1"
_SHIPPED = Path(__file__).with_name("weights.npz")
_SKETCHES = 2  # another number where sketches or features are made in another way


def verifier_name(path: str | None) -> str:
    """Tells scores and sketches of different weights or features apart; None: the shipped weights.

    Raises:
        ConfigError: The file can't be read.
    """
    try:
        digest = hashlib.sha256(weights_file(path).read_bytes()).hexdigest()
    except OSError as e:
        raise ConfigError(f"The weights of the cache's verifier can't be read: {e.strerror}") from e
    return f"pairs{_SKETCHES}-{digest[:8]}"


def weights_file(path: str | None) -> Path:
    """Where the weights lie; None: the shipped ones. A folder is one that `stepwell cache tune` wrote."""
    if path is None:
        return _SHIPPED
    return Path(path) / _SHIPPED.name if Path(path).is_dir() else Path(path)


class Verifier:
    """Calibrated log-odds that a cached answer would do.

    Attributes:
        name: As `verifier_name` has it.
        embedder: Name of the embedder whose word pieces it knows; of any other pass none.
    """

    embedder = EMBEDDER

    def __init__(self, model: Model, name: str) -> None:
        from stepwell.memory.cache.verifier import scoring

        self._model = model
        self._scoring = scoring
        self.name = name

    @classmethod
    def load(cls, path: str | None = None) -> Verifier:
        """Read weights; the shipped ones by default.

        Raises:
            ConfigError: They can't be used.
        """
        from stepwell.memory.cache.verifier.model import read_model

        return cls(read_model(weights_file(path)), verifier_name(path))

    def sketch(self, text: str, tokens: TokenVectors | None) -> bytes:
        """All that a comparison needs of a text: under 16 kB, 1-3 kB for a short question. Holds words of it."""
        return self._scoring.make_sketch(text, tokens, self._model.basis)

    def log_odds(self, query: bytes, cached: Sequence[bytes], similarities: Sequence[float]) -> list[float]:
        """Log-odds that each cached answer would do for the query, -12..12.

        -12 where a sketch can't be read, and where texts differ in what no feature shows: after their first 96 words,
        in emoji and other signs, in letters of other alphabets, or in case where that means something (mW and MW, US
        and us, -r and -R). The model is English: a text that is mostly in another alphabet is -12 unless equal.

        Args:
            similarities: Cosine of the query with each cached prompt.
        """
        return self._scoring.log_odds(self._model, query, cached, similarities)
