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
    def keys(self) -> tuple[bytes, ...]:
        """Names of the ask, of its traits and words, then of its traits alone.

        Asks that differ in case, courtesies and white space alone have the same ones.
        """
        traits, words = self.inputs.traits[0], self.inputs.words[0]
        return (ask_key(traits, words), ask_key(traits)) if self.has_words else (ask_key(traits),)


def ask_key(traits: NDArray[np.float32], words: NDArray[np.intp] | None = None) -> bytes:
    """Names an ask: short ones of one form may have the same traits, and their words tell them apart."""
    named = np.round(traits, 4).astype("<f4").tobytes()
    return named if words is None else named + np.sort(words).astype("<u2").tobytes()


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
        inputs: Of these rows, where they are known.
    """

    def __init__(self, ids: Iterable[str], inputs: Inputs | None = None) -> None:
        self._ids = frozenset(ids)
        rows = () if inputs is None else tuple(zip(inputs.traits, inputs.words, strict=True))
        self._asks = frozenset(ask_key(traits, words) for traits, words in rows)
        self._traits = frozenset(ask_key(traits) for traits, _ in rows)
        # of these nothing but the traits is known
        self._wordless = frozenset(ask_key(traits) for traits, words in rows if not len(words))

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
        return cls(lesson.outcomes.ids, lesson.inputs)

    def has(self, features: Features | None, row_id: str | None = None) -> bool:
        """Whether it learnt from this ask, or may have: of an ask without words only the traits are compared.

        Args:
            row_id: Where ids name requests and not rows of some suite.
        """
        return (row_id or "") in self._ids or (features is not None and self._knows(features))

    def _knows(self, features: Features) -> bool:
        *of_words, of_traits = features.keys
        if not of_words:
            return of_traits in self._traits
        return of_words[0] in self._asks or of_traits in self._wordless
