"""Reads answers.txt: cases that say the same, and cases that don't."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

from stepwell.memory.cache.judge.case import Case


@dataclass(slots=True)
class Group:
    """One question, two answers that say the same, and (question, answer) that differ in one point."""

    query: str
    answers: list[str] = field(default_factory=list)
    near: list[tuple[str, str]] = field(default_factory=list)

    def cases(self) -> list[tuple[Case, bool]]:
        """Each answer beside each other, with the verdict that a person would give."""
        same = [(Case(self.query, a, b), True) for a, b in permutations(self.answers, 2)]
        near = [(Case(q, b, a), False) for q, b in self.near for a in self.answers]
        back = [(Case(self.query, self.answers[0], b), False) for _, b in self.near]
        between = [(Case(q, b, c), False) for (q, b), (_, c) in permutations(self.near, 2)]
        return same + near + back + between


def groups() -> list[Group]:
    made: list[Group] = []
    text = Path(__file__).with_name("answers.txt").read_text("utf-8")
    for kind, line in (row.split(": ", 1) for row in text.splitlines() if row[1:3] == ": "):
        line = line.replace("\\n", "\n")
        if kind == "Q":
            made.append(Group(line))
        elif kind == "A":
            made[-1].answers.append(line)
        elif kind == "N":
            made[-1].near.append((line, ""))
        else:
            made[-1].near[-1] = (made[-1].near[-1][0], line)
    return made
