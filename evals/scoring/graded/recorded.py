"""Planted answers of one's own: from a file, with a judge's recorded votes or to be shown to one."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stepwell.base.errors import StepwellError
from stepwell.evals.entries import Planted
from stepwell.evals.scoring.graded.checks import Check, planted_row
from stepwell.evals.scoring.graded.forms import Form
from stepwell.evals.scoring.graded.planted import STYLES


class AnswersError(StepwellError):
    """A file of planted answers can't be read; names the line, shows no text."""

    code = "answers_error"


class Answer(msgspec.Struct, frozen=True):
    """One answer that is known to be wrong, or right.

    Attributes:
        style: "right" where it is right; else any name for a way of being wrong.
        judge_votes: What a judge said of it: true, it was accepted. Empty: to be asked.
        category: Kind of question, for figures by kind.
    """

    id: str | int
    style: str
    question: str
    gold: str | int | float | list[str] | None
    answer: str
    judge_votes: list[bool] = []
    category: str | int | None = None

    @property
    def case(self) -> str:
        return str(self.id)

    @property
    def reference(self) -> str:
        """What a judge is shown as the right answer; empty: none."""
        gold = self.gold if isinstance(self.gold, list) else [self.gold]
        return " or ".join(str(text) for text in gold if text is not None)


class _Case(msgspec.Struct, frozen=True):
    """A question with all its planted answers in one row, as the shipped ones are."""

    id: str | int
    question: str
    gold: str | int | float
    right: str | None = None
    specific: str | None = None
    vague: str | None = None
    kind: str | int | None = None


def read_answers(lines: Iterable[bytes]) -> list[Answer]:
    """Answers from JSON lines: {id, style, question, gold, answer, judge_votes?, category?}, or rows as shipped.

    Raises:
        AnswersError: A line is wrong, there is none, or only a part of them has votes.
    """
    found = [answer for n, line in enumerate(lines, start=1) if line.strip() for answer in _read(line, n)]
    if not found:
        raise AnswersError("there are no planted answers in it")
    n_voted = sum(bool(answer.judge_votes) for answer in found)
    if 0 < n_voted < len(found):
        raise AnswersError(f"{n_voted} of {len(found)} answers have judge_votes; want all or none")
    return found


def _read(line: bytes, n: int) -> list[Answer]:
    try:
        fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        if "answer" in fields:
            # votes may be written as 0 and 1
            return [msgspec.json.decode(line, type=Answer, strict=False)]
        case = msgspec.json.decode(line, type=_Case)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise AnswersError(f"line {n}: {_fault(e)}") from None
    texts = ((style, getattr(case, style)) for style in STYLES)
    found = [
        Answer(case.id, style, case.question, case.gold, text, [], case.kind) for style, text in texts if text
    ]
    if not found:
        raise AnswersError(f"line {n}: want answer, or one of {', '.join(STYLES)}")
    return found


def _fault(error: Exception) -> str:
    return str(error) if isinstance(error, msgspec.ValidationError) else "not valid JSON"


def has_votes(answers: Sequence[Answer]) -> bool:
    return bool(answers[0].judge_votes)


def kinds_in(answers: Iterable[Answer]) -> dict[str, str]:
    """Case -> its category."""
    return {answer.case: str(answer.category) for answer in answers if answer.category is not None}


def counted(answers: Iterable[Answer]) -> list[Planted]:
    """Recorded votes as the journal's lines: more than half of them accept."""
    return [
        Planted(
            key=f"{n}",
            case=answer.case,
            style=answer.style,
            is_accepted=2 * sum(answer.judge_votes) > len(answer.judge_votes),
            judge="recorded",
            form=f"majority of {len(answer.judge_votes)}",
        )
        for n, answer in enumerate(answers)
    ]


def checks_of(answers: Iterable[Answer], form: Form) -> Iterator[Check]:
    """The answers as checks of a judge that is to be asked."""
    for answer in answers:
        row = planted_row(answer.case, answer.question, answer.reference, form)
        yield Check(form, answer.case, row, answer.style, answer.answer)


def drawn_answers(answers: Sequence[Answer], n_cases: int, *, seed: int = 0) -> list[Answer]:
    """All answers of `n_cases` cases, drawn at random."""
    cases = list(dict.fromkeys(answer.case for answer in answers))
    picked = set(random.Random(seed).sample(cases, min(n_cases, len(cases))))
    return [answer for answer in answers if answer.case in picked]
