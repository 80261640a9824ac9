"""Whether answers to a request can be compared, and whether they say the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, get_args

from stepwell.base.request import ChatRequest
from stepwell.router.cascade.read import json_in, letter_in, number_in, output_in, short_in
from stepwell.router.features import Ask
from stepwell.router.tasks import read_task
from stepwell.router.words import has_any

Kind = Literal["number", "choice", "json", "code_output", "short"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_READERS: dict[Kind, Callable[[str], str | None]] = {
    "number": number_in,
    "choice": letter_in,
    "json": json_in,
    "code_output": output_in,
    "short": short_in,
}
_OPTION = re.compile(r"^[ \t(]*([A-J])[.):][ \t]*\S|\\textbf\{\(([A-J])\)", re.M)
_OUTPUT = re.compile(
    r"\b(?:what (?:is|will be|would be) (?:the )?(?:output|printed)|what (?:does|will|would) .{0,60}\b(?:print|output|"
    r"return)|predict the output|output of (?:the|this) (?:following )?(?:code|program|function|snippet))",
    re.S,
)
_QUANTITY = re.compile(
    r"\b(?:how (?:many|much|far|fast|old|tall|long|heavy|large)|(?:what|which) (?:percentage|fraction|integer|number|"
    r"value)|find|compute|calculate|evaluate|estimate|determine|solve|simplify|express)\b"
    r"|\bwhat(?:'s| is| are| was| would be)\b"
)
# a question after one of these is after a number, whatever else it is about
_NUMERIC = re.compile(
    r"\b(?:how many|number of|sum of|product of|value of|(?:what's|what is) the (?:\w+ ){0,3}"
    r"(?:number|sum|product|value|area|volume|perimeter|radius|distance|length|probability|remainder|ratio|percentage|average|mean|median))\b"
)
_SHORT = (
    "one word",
    "single word",
    "yes or no",
    "true or false",
    "positive or negative",
    "only the name",
    "just the name",
    "only the label",
    "only the answer",
)
_OPEN = (
    "explain",
    "prove",
    "proof",
    "show that",
    "why ",
    "describe",
    "write ",
    "justify",
    "step by step and explain",
)


def kind_of(request: ChatRequest, ask: Ask) -> Kind | None:
    """How answers to a request compare; None where they don't: open text, tools, several choices.

    Args:
        ask: Its last human ask (router.features.read_ask).
    """
    wire = request.wire
    if wire.tools or (wire.n or 1) > 1:
        return None
    form = wire.response_format
    if form is not None and form.type != "text":
        return "json"
    return kind_of_ask(ask)


def kind_of_ask(ask: Ask) -> Kind | None:
    """The same from the ask alone."""
    if _has_options(ask.text):
        return "choice"
    if has_any(ask.lower, _SHORT):
        return "short"
    if _OUTPUT.search(ask.lower) is not None:
        return "code_output"
    task = read_task(ask).kind
    if task == "sentiment":
        return "short"
    return "number" if _is_quantity(ask, task) else None


def normalise(text: str, kind: Kind | str) -> str | None:
    """What an answer settles on, written one way; None where that can't be read, which counts as disagreement.

    Raises:
        KeyError: There is no such kind.
    """
    return _READERS[kind](text)  # type: ignore[index]


def agree(answers: Sequence[str], kind: Kind | str) -> bool:
    """Whether two or more answers (texts, normalised or not) can all be read and say the same."""
    said = [normalise(a, kind) for a in answers]
    return len(said) > 1 and said[0] is not None and said.count(said[0]) == len(said)


def _is_quantity(ask: Ask, task: str) -> bool:
    if has_any(ask.lower, _OPEN):
        return False
    if task in ("maths", "arithmetic"):
        return _QUANTITY.search(ask.lower) is not None
    return task in ("factual", "ordinary", "analysis") and _NUMERIC.search(ask.lower) is not None


def _has_options(text: str) -> bool:
    """An A. and right after it a B."""
    letters = [a or b for a, b in _OPTION.findall(text)]
    return ("A", "B") in pairwise(letters)
