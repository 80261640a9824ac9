"""All that is known of a conversation's turns, and the search among them."""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING

import numpy as np

from stepwell.memory.context.recall import features
from stepwell.memory.context.recall.basis import basis
from stepwell.memory.context.recall.grown import Grown
from stepwell.memory.context.recall.marks import read_mark
from stepwell.memory.context.recall.model import first_shares, log_mass, log_shares, odds_of, shipped
from stepwell.memory.context.recall.one_thread import one_thread
from stepwell.memory.context.recall.pieces import Pieces
from stepwell.memory.context.recall.postings import Postings
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.recall.rows import Rows
from stepwell.memory.context.recall.traits import ASKS, ROLES, traits_of
from stepwell.memory.context.recall.words import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Places = NDArray[np.int64]

_ALL_UP_TO = 768  # so many turns are all looked at closely
_N_CLOSE = 256  # of more, so many of the best and those beside them
_MOST_TERMS = 48  # of a long question the rarest
_N_RUNS, _RUN = 24, 8  # what turns are like in general is seen from so many stretches of so many


class Search:
    """What `Index` stands for; its methods are described there."""

    def __init__(self) -> None:
        self._postings = Postings()
        self._rows = Rows()
        self._pieces = Pieces(basis().of_pieces.shape[1])
        self._traits = Grown(np.uint8)
        self._at_s = Grown(np.float64)
        self._speakers = Grown(np.int32)
        self._names: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._traits)

    @property
    def n_bytes(self) -> int:
        parts = (self._postings, self._rows, self._pieces, self._traits, self._at_s, self._speakers)
        return sum(part.n_bytes for part in parts)

    def add(self, text: str, speaker: str, at_s: float, mark: bytes) -> int:
        name = "" if speaker in ROLES else speaker
        self._postings.add(terms(f"{name} {text}"))
        self._at_s.extend(np.array([at_s]))
        self._speakers.extend(np.array([self._names.setdefault(name, len(self._names))]))
        place = self._traits.extend(np.array([traits_of(text, speaker)], dtype=np.uint8))
        if mark:
            self.set_mark(place, mark)
        return place

    def set_mark(self, place: int, mark: bytes) -> None:
        held = read_mark(mark)
        if held is None or not held.vector:
            return
        vector = np.frombuffer(held.vector, np.float16).astype(np.float32)
        if np.isfinite(vector).all():
            self._rows.set(place, basis().small_text(vector))
        if held.basis == basis().name:
            self._pieces.set(place, held.pieces)

    def relevance(self, query: Query) -> Floats:
        if not len(self):
            return np.zeros(0, dtype=np.float32)
        with one_thread():
            return self._relevance(query)

    def _relevance(self, query: Query) -> Floats:
        model = shipped()
        first, has_vector = self.first(query)
        shares, odds = first_shares(model, first, has_vector)
        thought = features.standardised(shares)
        places, more = self.second(query, thought)
        if len(places):
            scores = model.pieces @ np.concatenate([first[:, places], more])
            shares[places] = log_shares(scores, log_mass(shares[places]))
            odds[places] = odds_of(model, 2, shares[places])
        odds = np.clip(odds, -30, 30).astype(np.float32)
        made: Floats = np.reciprocal(1 + np.exp(-odds))
        return made

    def first(self, query: Query) -> tuple[Floats, NDArray[np.bool_]]:
        """FIRST of all turns, shape (len(FIRST), n), and which have a vector to compare, shape (n,)."""
        asked_terms = self._rarest(terms(query.text))
        n_named, by_named = self._named(asked_terms)
        cosines, has_vector = self._cosines(query)
        words = self._postings.scores(asked_terms)
        asked = features.Asked(query.text, query.at_s, words, cosines, has_vector, n_named, by_named)
        turns = features.Turns(self._postings.lengths, self._traits.rows, self._at_s.rows)
        return features.first_features(asked, turns), has_vector

    def second(self, query: Query, thought: Floats) -> tuple[Places, Floats]:
        """The turns worth a closer look, rising, and SECOND of them, shape (len(SECOND), len(places)).

        Args:
            thought: What is thought of each turn so far, standardised, shape (n,).
        """
        tokens = query.tokens
        nothing = np.zeros(0, dtype=np.int64), np.zeros((len(features.SECOND), 0), dtype=np.float32)
        if tokens is None or not len(tokens.ids) or tokens.vectors.shape[1] != basis().width:
            return nothing
        places = self._pieces.held(_close(thought))
        if not len(places):
            return nothing
        question, weights = basis().small_query(tokens)
        here = usual = features.met(self._pieces, places, question)
        if len(self) > _ALL_UP_TO and len(stretches := self._pieces.held(_stretches(len(self)))):
            usual = features.met(self._pieces, stretches, question)
        asks = (self._traits.rows[places] & ASKS) > 0
        return places, features.second_features(here, usual, weights, places, thought[places], asks)

    def _rarest(self, asked: list[str]) -> list[str]:
        unique = list(dict.fromkeys(asked))
        return unique if len(unique) <= _MOST_TERMS else nlargest(_MOST_TERMS, unique, key=self._postings.idf)

    def _named(self, asked: list[str]) -> tuple[int, NDArray[np.bool_]]:
        words = set(asked)
        named = [i for name, i in self._names.items() if name and not words.isdisjoint(terms(name))]
        return len(named), np.isin(self._speakers.rows, named)

    def _cosines(self, query: Query) -> tuple[Floats | None, NDArray[np.bool_]]:
        n = len(self)
        if query.vector is None:
            return None, np.zeros(n, dtype=np.bool_)
        small = basis().small_text(query.vector)
        cosines = self._rows.dots(small, n)
        return cosines, self._rows.has(n) & (cosines is not None)


def _close(thought: Floats) -> Places:
    n = len(thought)
    if n <= _ALL_UP_TO:
        return np.arange(n)
    best = np.argpartition(-thought, _N_CLOSE)[:_N_CLOSE]
    around = best[:, None] + np.arange(-2, 3)
    return np.unique(around[(around >= 0) & (around < n)])


def _stretches(n: int) -> Places:
    begins = np.linspace(0, n - _RUN, _N_RUNS).astype(np.int64)
    return np.unique(begins[:, None] + np.arange(_RUN))
