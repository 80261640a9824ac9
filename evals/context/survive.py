"""What of a conversation is still in a packed text: a score that needs no judge model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from stepwell.evals.context.talk import Question, Talk

MIN_SHARE = 0.8
MAX_ANSWER_TURNS = 5
_N_GRAM = 4
_WORD = re.compile(r"\w+")


class Kept(msgspec.Struct, frozen=True):
    """What a context kept for one question. All are 0 where it broke its budget.

    Attributes:
        recall: Share of its evidence turns that survive, 0..1.
        has_all: Every one of them does.
        has_answer: The answer string is in it; None where that can't be asked.
    """

    recall: float
    has_all: bool
    has_answer: bool | None


class Judge:
    """Scores texts against one conversation.

    A turn survives when at least 80 % of its word 4-grams are in the text, or all of it where it is shorter.
    The answer is asked for where it stands literally in the evidence and in at most five turns in all.
    """

    def __init__(self, talk: Talk) -> None:
        self._turns = [words(turn.text) or words(turn.caption) for turn in talk.turns]
        self._flat = [_flat(words(turn.said)) for turn in talk.turns]

    def kept(self, question: Question, text: str) -> Kept:
        """Its evidence must be known (`Question.is_scored`)."""
        told = _told(text)
        found = [told.has(self._turns[i]) for i in question.evidence]
        answer = _flat(words(question.answer)) if self._is_literal(question) else None
        return Kept(
            sum(found) / len(found),
            all(found),
            None if answer is None else answer in told.flat,
        )

    def none(self, question: Question) -> Kept:
        """As of an empty text."""
        return Kept(0.0, False, False if self._is_literal(question) else None)

    def _is_literal(self, question: Question) -> bool:
        answer = words(question.answer)
        if not answer:
            return False
        flat = _flat(answer)
        holders = [i for i, turn in enumerate(self._flat) if flat in turn]
        return 0 < len(holders) <= MAX_ANSWER_TURNS and any(i in question.evidence for i in holders)


class _Told:
    def __init__(self, text: str) -> None:
        found = words(text)
        self.flat = _flat(found)
        self._grams = set(_grams(found))

    def has(self, turn: Sequence[str]) -> bool:
        grams = _grams(turn)
        if not grams:
            return _flat(turn) in self.flat
        return sum(gram in self._grams for gram in grams) >= MIN_SHARE * len(grams)


@lru_cache(maxsize=8)
def _told(text: str) -> _Told:
    return _Told(text)


def words(text: str) -> list[str]:
    """Lower-cased, without signs."""
    return _WORD.findall(text.lower())


def _flat(found: Sequence[str]) -> str:
    return f" {' '.join(found)} "


def _grams(found: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(found[i : i + _N_GRAM]) for i in range(len(found) - _N_GRAM + 1)]
