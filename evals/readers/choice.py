"""Questions with options: MMLU (CSV and Hugging Face), ARC, LogiQA, HellaSwag and others of their shape."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stepwell.evals.readers.fields import Foreign, first_of, id_of, tags_of, text, texts
from stepwell.evals.suite import SuiteError

_QUESTIONS = ("question", "query", "question_stem", "input", "ctx", "prompt")
_CONTEXTS = ("context", "passage", "article", "text", "support")
_OPTIONS = ("choices", "options", "endings")
_GOLDS = ("answerKey", "answer", "label", "correct_option", "answer_idx", "answer_index", "target", "gold")
_LETTERS = string.ascii_uppercase
_MARK = re.compile(r"\s*(?:\(([A-Z])\)|([A-Z])[).:])\s*")
_HOW = "Reply with the letter of the right option alone."


def fits(row: Foreign) -> bool:
    """Whether a row has a question, options and which is right."""
    if first_of(row, _GOLDS) is None or first_of(row, _QUESTIONS) is None:
        return False
    asked = row.get("question")
    if isinstance(asked, Mapping):
        return "stem" in asked and "choices" in asked
    options = first_of(row, _OPTIONS)
    return isinstance(row[options], list | Mapping) if options else _columns(row) != []


def lines(rows: Iterable[Foreign]) -> Iterator[dict[str, object]]:
    """Rows as lines of a suite; the letter that an answer settles on is scored.

    Raises:
        SuiteError: A field is missing or wrong.
    """
    for n, row in enumerate(rows, start=1):
        question, options, labels = _asked(row)
        if not 2 <= len(options) <= len(_LETTERS):
            raise SuiteError(f"2 to {len(_LETTERS)} options expected", field=first_of(row, _OPTIONS))
        listed = "\n".join(f"{letter}) {o}" for letter, o in zip(_LETTERS, _bare(options), strict=False))
        context = next((text(row, c) for c in _CONTEXTS if isinstance(row.get(c), str) and row[c]), "")
        told = "\n\n".join(part.strip() for part in (context, question, listed, _HOW) if part.strip())
        yield {
            "id": id_of(row, n, "choice"),
            "prompt": told,
            "target": _LETTERS[_right(row, options, labels)],
            "scorer": "choice",
            "tags": tags_of(row, "subject", "category"),
        }


def _bare(options: Sequence[str]) -> list[str]:
    """Options without letters of their own: "(A) oak" is oak, where all of them have theirs."""
    marks = [_MARK.match(option) for option in options]
    letters = "".join((m[1] or m[2]) if m else " " for m in marks)
    has_letters = letters == _LETTERS[: len(options)]
    return [(o[m.end() :] if has_letters and m else o).strip() for o, m in zip(options, marks, strict=True)]


def _asked(row: Foreign) -> tuple[str, list[str], list[str]]:
    """Question, options, and the labels that the source gives them (none: their letters)."""
    asked = row.get("question")
    if isinstance(asked, Mapping):  # ARC as its authors publish it
        return text(asked, "stem"), *_labelled(asked.get("choices"))
    name = first_of(row, _QUESTIONS)
    if name is None:
        raise SuiteError("no question", field="question")
    field = first_of(row, _OPTIONS)
    if field is None:
        columns = _columns(row)
        return text(row, name), [text(row, c) for c in columns], columns
    given = row[field]
    if isinstance(given, list) and given and isinstance(given[0], str):
        return text(row, name), texts(row, field), []
    return text(row, name), *_labelled(given)


def _labelled(choices: object) -> tuple[list[str], list[str]]:
    """Options as {text: [...], label: [...]}, as {A: ..., B: ...}, or as a list of {text, label}."""
    if isinstance(choices, Mapping) and "text" not in choices:
        letters = [letter for letter in _LETTERS if choices.get(letter) is not None]
        return [text(choices, letter) for letter in letters], letters
    if isinstance(choices, Mapping):
        return texts(choices, "text"), texts(choices, "label") if choices.get("label") else []
    if isinstance(choices, list) and choices and all(isinstance(c, Mapping) for c in choices):
        return [text(c, "text") for c in choices], [text(c, "label") for c in choices]
    raise SuiteError("a list of options expected", field="choices")


def _columns(row: Foreign) -> list[str]:
    """A, B, C, ... as columns of their own."""
    found = [letter for letter in _LETTERS if isinstance(row.get(letter), str)]
    return found if len(found) >= 2 and found == list(_LETTERS[: len(found)]) else []


def _right(row: Foreign, options: Sequence[str], labels: Sequence[str]) -> int:
    """Which option is right, from 0: given by place, label, letter or text."""
    field = first_of(row, _GOLDS)
    gold = row[field] if field else None
    places: list[int] = []
    if isinstance(gold, int) and not isinstance(gold, bool):
        places = [gold]
    elif isinstance(gold, str):
        said = gold.strip()
        places = [i for i, label in enumerate(labels) if label == said] or _unlabelled(said, options)
    if len(places) != 1 or not 0 <= places[0] < len(options):
        raise SuiteError("this names none of the options", field=field or "answer")
    return places[0]


def _unlabelled(said: str, options: Sequence[str]) -> list[int]:
    if len(said) == 1 and said.upper() in _LETTERS:
        return [_LETTERS.index(said.upper())]
    if said.isascii() and said.isdigit() and len(said) < 3:  # HellaSwag: its place, from 0, as text
        return [int(said)]
    return [i for i, option in enumerate(options) if option.strip() == said]
