"""Read a judge's reply: JSON, or a last line that is a verdict and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

Verdict = float | None
_KEYS = ("correct", "grade", "score", "better", "verdict", "winner")
_WORDS: Mapping[str, float] = {
    **dict.fromkeys(("true", "correct", "right", "yes"), 1.0),
    **dict.fromkeys(("false", "incorrect", "wrong", "no"), 0.0),
}
_WINNERS: Mapping[str, float] = {
    **dict.fromkeys(("1", "answer 1", "first"), 1.0),
    **dict.fromkeys(("2", "answer 2", "second"), 0.0),
    **dict.fromkeys(("tie", "equal", "same", "neither", "both"), 0.5),
}
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.S | re.I)
_LABEL = re.compile(
    r"(?:the |my |final )*(?:verdict|grade|score|better|winner|answer|result|correct)(?: is)?\s*[:=]\s*", re.I
)
_AROUND = " \t\r\n*_`'\"#>.!()[]"
_GRADE = re.compile(r"(\d+(?:\.\d+)?)(?:\s*(?:/|out of)\s*(\d+))?")


def read_grade(text: str, *, highest: int) -> Verdict:
    """A grade as 0..1; None where there is none, more than one, or one off the scale.

    Args:
        highest: The best grade; 1: the answer is just right or wrong.
    """
    return _read(text, _as_bool if highest == 1 else lambda said: _as_grade(said, highest))


def read_better(text: str) -> Verdict:
    """1 where the first answer is called better, 0 where the second is, .5 for a tie; None where neither is said."""
    return _read(text, _as_winner)


def _read(text: str, value: Callable[[object], Verdict]) -> Verdict:
    text = _THOUGHT.sub("", text).strip()
    found = _from_json(text, value)
    if found:
        # a judge that contradicts itself, or quotes a verdict from an answer, has not said what it thinks
        return found[0] if len(set(found)) == 1 else None
    return _from_last_line(text, value)


def _from_json(text: str, value: Callable[[object], Verdict]) -> list[Verdict]:
    """The verdict of every JSON object in the text that has one."""
    decoder, found, at = json.JSONDecoder(), list[Verdict](), text.find("{")
    while at >= 0:
        try:
            item, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            found += [value(item[key]) for key in _KEYS if key in item][:1]
        at = text.find("{", end)
    return found


def _from_last_line(text: str, value: Callable[[object], Verdict]) -> Verdict:
    """Only a line that is all verdict counts: "not correct" and "it is correct that ..." end in the wrong word."""
    last = text.rpartition("\n")[2].strip(_AROUND)
    return value(_LABEL.sub("", last, count=1).strip(_AROUND))


def _as_bool(said: object) -> Verdict:
    if isinstance(said, str):
        return _WORDS.get(said.strip(_AROUND).lower())
    return float(said) if isinstance(said, bool | int | float) and said in (0, 1) else None


def _as_grade(said: object, highest: int) -> Verdict:
    if isinstance(said, str):
        match = _GRADE.fullmatch(said.strip(_AROUND))
        if match is None or int(match[2] or highest) != highest:
            return None
        said = float(match[1])
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    if not is_number or not 1 <= float(str(said)) <= highest:
        return None
    return (float(str(said)) - 1) / (highest - 1)


def _as_winner(said: object) -> Verdict:
    is_number = isinstance(said, int) and not isinstance(said, bool)
    return _WINNERS.get(str(said).strip(_AROUND).lower()) if is_number or isinstance(said, str) else None
