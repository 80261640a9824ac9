"""Questions that name a day or a month, made from questions that don't: people ask both ways."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from stepwell.evals.context.talk import Question, Talk

_EVERY = 4
_MOST_DAYS_BEFORE = 4  # what is told often happened some days before


def dated(talk: Talk) -> Talk:
    """The talk with a second form of every fourth question whose evidence is one turn: "... in May 2023?"."""
    asked = [q for q in talk.questions if len(q.evidence) == 1 and talk.turns[q.evidence[0]].at_s]
    more = [_dated(q, talk, i) for i, q in enumerate(asked[::_EVERY]) if not _asks_when(q.text)]
    return msgspec.structs.replace(talk, questions=(*talk.questions, *more))


def _dated(question: Question, talk: Talk, i: int) -> Question:
    said = datetime.fromtimestamp(talk.turns[question.evidence[0]].at_s, UTC)
    day = said - timedelta(days=i // 2 % _MOST_DAYS_BEFORE)
    when = f"on {day.day} {day:%B}, {day.year}" if i % 2 else f"in {day:%B} {day.year}"
    return msgspec.structs.replace(
        question, id=f"{question.id}-dated", text=f"{question.text.rstrip('? ')} {when}?"
    )


def _asks_when(text: str) -> bool:
    return "when" in text.lower() or "date" in text.lower()


def all_dated(talks: Sequence[Talk]) -> list[Talk]:
    return [dated(talk) for talk in talks]
