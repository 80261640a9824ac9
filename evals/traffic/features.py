"""What a policy reads of a logged ask, and whether it has learnt from that very ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import ConfigError
from stepwell.router.features import read_ask
from stepwell.router.learned.inputs import Inputs, read_inputs
from stepwell.router.traits import TRAITS, TRAITS_HASH
from stepwell.traffic_line import Logged

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Features:
    """One ask as arrays of one row.

    Attributes:
        embedder: Names what made its vector; "" where there is none.
        has_words: Its words are there, too, and not only traits.
    """

    inputs: Inputs
    embedder: str = ""
    has_words: bool = True

    @property
    def key(self) -> bytes:
        """Names the ask: asks that differ in case, courtesies and white space alone have one."""
        return traits_key(self.inputs.traits[0])


def traits_key(traits: NDArray[np.float32]) -> bytes:
    """Names an ask by its traits: of different asks of some length no two are alike."""
    return bytes(np.round(traits, 4).astype("<f4").tobytes())


def features_of(row: Logged, ask: str | None, vector: NDArray[np.float32] | None) -> Features | None:
    """Of the text, else of what was kept in its place; None where another version kept it.

    Args:
        vector: Of the text.
    """
    if ask is not None:
        return Features(read_inputs([read_ask(ask)], None if vector is None else vector[None, :]))
    if row.traits_hash != TRAITS_HASH or len(row.traits) != 4 * len(TRAITS):
        return None
    if len(row.vector) % 2 or len(row.words) % 2:
        return None
    traits = np.frombuffer(row.traits, "<f4").astype(np.float32)[None, :]
    made = np.frombuffer(row.vector, "<f2").astype(np.float32)[None, :] if row.vector else None
    words = np.frombuffer(row.words, "<u2").astype(np.intp)
    if not np.isfinite(traits).all() or (made is not None and not np.isfinite(made).all()):
        return None
    return Features(Inputs(traits, [words], made), row.embedder, has_words=bool(row.words))


class Learnt:
    """The asks that a policy has learnt from: outcomes of these say nothing about how good it is on others.

    Args:
        ids: As the outcome rows named them.
        keys: As `Features.key`.
    """

    def __init__(self, ids: Iterable[str], keys: Iterable[bytes]) -> None:
        self._ids = frozenset(ids)
        self._keys = frozenset(keys)

    @classmethod
    def of(cls, folder: str | Path) -> Learnt:
        """Of a tuned policy's folder.

        Raises:
            ConfigError: Its lesson is gone, so that nobody can tell.
        """
        from stepwell.evals.tune.lesson import load_lesson

        try:
            lesson = load_lesson(folder)
        except ConfigError as e:
            raise ConfigError(
                f"{folder}: the rows that it learnt from are not named there (lesson.npz), so an honest verdict can't "
                "be had: tune again, and keep the folder whole"
            ) from e
        return cls(lesson.outcomes.ids, (traits_key(row) for row in lesson.inputs.traits))

    def has(self, features: Features | None, row_id: str | None = None) -> bool:
        """Whether it learnt from this ask.

        Args:
            row_id: Where ids name requests and not rows of some suite.
        """
        return (features is not None and features.key in self._keys) or (row_id or "") in self._ids
