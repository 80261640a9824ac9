"""Several short talks as one long one of two people: more turns to tell apart, as months of talk have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby

import msgspec

from stepwell.evals.context.talk import Question, Talk, Utterance


def glued(talks: Sequence[Talk]) -> Talk:
    """Their sessions by date, in the names of the first talk's two speakers; the questions of all."""
    names = [list(dict.fromkeys(turn.speaker for turn in talk.turns)) for talk in talks]
    renames = [_renaming(dict(zip(of_one, names[0], strict=False))) for of_one in names]
    sessions = [
        (at_s, t, list(turns))
        for t, talk in enumerate(talks)
        for at_s, turns in groupby(enumerate(talk.turns), key=lambda turn: turn[1].at_s)
    ]
    made: list[Utterance] = []
    places: dict[tuple[int, int], int] = {}
    for _, t, turns in sorted(sessions, key=lambda session: session[:2]):
        for i, turn in turns:
            places[t, i] = len(made)
            rename = renames[t]
            made.append(
                Utterance(rename(turn.speaker), rename(turn.text), rename(turn.caption), turn.at_s, turn.day)
            )
    asked: list[Question] = []
    for t, talk in enumerate(talks):
        for q in talk.questions:
            evidence = tuple(sorted(places[t, i] for i in q.evidence))
            asked.append(msgspec.structs.replace(q, text=renames[t](q.text), evidence=evidence))
    return Talk("+".join(talk.id for talk in talks), tuple(made), tuple(asked))


def _renaming(names: dict[str, str]) -> Callable[[str], str]:
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b")
    return lambda text: pattern.sub(lambda found: names[found[1]], text)
