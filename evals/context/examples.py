"""Questions as recall sees them: what its weights are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.minilm import MiniLM
from stepwell.evals.context.glued import glued
from stepwell.evals.context.talk import Question, Talk
from stepwell.memory.context.recall.marks import mark_of_query
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.recall.search import Search
from stepwell.memory.context.recall.traits import ROLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.base.token_vectors import TokenVectors

    Floats = NDArray[np.float32]
    Embedded = list[tuple[NDArray[np.float32], TokenVectors]]

_N_GLUED = 3


@dataclass(frozen=True, slots=True)
class Example:
    """A question, with what recall saw of each turn.

    Attributes:
        words, vectors: FIRST of all turns, without and with vectors, shape (k, n).
        has_vector: Shape (n,).
    """

    talk: str
    index: Search
    query: Query
    evidence: NDArray[np.int64]
    words: Floats
    vectors: Floats
    has_vector: NDArray[np.bool_]


def lines_of(talk: Talk) -> list[str]:
    """What is embedded of each turn: its line; where speakers are no names, the text alone."""
    return [turn.said if turn.speaker in ROLES else turn.line for turn in talk.turns]


def embed(embedder: MiniLM, texts: Sequence[str]) -> Embedded:
    """Vector and word pieces of each text."""
    vectors, _, tokens = embedder.embed_tokens(texts)
    return list(zip(vectors, tokens, strict=True))


def examples_of(talk: Talk, embedder: MiniLM) -> list[Example]:
    """One for each question that has evidence."""
    index = Search()
    for turn, (vector, tokens) in zip(talk.turns, embed(embedder, lines_of(talk)), strict=True):
        index.add(turn.said, turn.speaker, turn.at_s, mark_of_query(vector, tokens))
    asked = [q for q in talk.questions if q.is_scored]
    return [
        _example(talk, index, q, Query(q.text, vector, tokens, _asked_at_s(talk)))
        for q, (vector, tokens) in zip(asked, embed(embedder, [q.text for q in asked]), strict=True)
    ]


def _asked_at_s(talk: Talk) -> float:
    return talk.turns[-1].at_s


def _example(talk: Talk, index: Search, question: Question, query: Query) -> Example:
    words, _ = index.first(Query(query.text, None, None, query.at_s))
    vectors, has_vector = index.first(query)
    return Example(talk.id, index, query, np.array(question.evidence), words, vectors, has_vector)


def with_glued(talks: Sequence[Talk]) -> list[Talk]:
    """All of them, and those of named speakers again, three in one."""
    named = [talk for talk in talks if ROLES.isdisjoint(turn.speaker for turn in talk.turns)]
    threes = [named[i : i + _N_GLUED] for i in range(0, len(named), _N_GLUED)]
    return [*talks, *(glued(three) for three in threes if len(three) > 1)]
