"""Scorers: an answer and a target in, a score 0..1 out. Pure functions, no model asked."""

from __future__ import annotations

import importlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from stepwell.evals.extract import first_json, last_number, option_letter
from stepwell.evals.scored import Scored

MAX_REGEX_INPUT_CHARS = 4096
MAX_REGEX_CHARS = 512
_EDGES = ",;:!?\"'()[]{}*_`“”‘’«»…"


def _no_fault(target: str) -> str | None:
    return None


def _no_options(options: Mapping[str, object]) -> str | None:
    return "this scorer has no options" if options else None


def _graded_fault(options: Mapping[str, object]) -> str | None:
    from stepwell.evals.scoring.graded.options import options_fault

    return options_fault(options)


def _code_fault(options: Mapping[str, object]) -> str | None:
    from stepwell.evals.scoring.code.options import options_fault

    return options_fault(options)


def elsewhere(answer: str, target: str) -> float:
    """Stands for a scorer that `scoring.open` makes."""
    raise TypeError("this scorer is opened by scoring.open")


@dataclass(frozen=True, slots=True)
class Scorer:
    """One way to judge.

    Attributes:
        version: Part of every sample's key: raise it when the same answer may score otherwise.
        score: (answer, target) -> 0..1.
        fault: What is wrong with a target, or None. Never shows it.
        options_fault: What is wrong with the options that a row gives, or None.
        takes_json: A target that is a list is one target, not several right answers.
        parts: As `score`, where there is more to tell than a number.
        is_async: `scoring.open` makes what judges; `score` here is never called.
    """

    name: str
    version: int
    score: Callable[[str, str], float]
    fault: Callable[[str], str | None] = _no_fault
    is_target_optional: bool = False
    options_fault: Callable[[Mapping[str, object]], str | None] = _no_options
    takes_json: bool = False
    is_async: bool = False
    parts: Callable[[str, str], Scored] | None = None

    def judge(self, answer: str, targets: tuple[str, ...]) -> Scored:
        """The verdict on an answer: the best one over several right answers."""
        if self.parts is None:
            return Scored(self.best(answer, targets))
        return max((self.parts(answer, t) for t in targets), key=lambda s: s.score or 0.0)

    def best(self, answer: str, targets: tuple[str, ...]) -> float:
        """The highest score over several right answers."""
        return max(self.score(answer, t) for t in targets)


def exact(answer: str, target: str) -> float:
    """Equal, but for white space around."""
    return float(answer.strip() == target.strip())


def starts_with(answer: str, target: str) -> float:
    """The answer begins with the target, letter by letter: the Match of openai/evals."""
    return float(answer.startswith(target))


@lru_cache(maxsize=1024)
def plain(text: str) -> str:
    """Case, compatibility forms, white space and the punctuation around words taken away."""
    words = unicodedata.normalize("NFKC", text).casefold().split()
    return " ".join(w for word in words if (w := word.strip(_EDGES).rstrip("." + _EDGES)))


def normalised(answer: str, target: str) -> float:
    """Equal as `plain` text."""
    return float(plain(answer) == plain(target))


def contains(answer: str, target: str) -> float:
    """The target's words stand in the answer, in a row and whole."""
    return float(f" {plain(target)} " in f" {plain(answer)} ")


def regex(answer: str, target: str) -> float:
    """The pattern is found in the first 4,096 characters of the answer."""
    return float(_compiled(target).search(answer[:MAX_REGEX_INPUT_CHARS]) is not None)


def numeric(answer: str, target: str) -> float:
    """The answer's last number equals the target's, as decimals."""
    found = last_number(answer)
    return float(found is not None and found == last_number(target))


def choice(answer: str, target: str) -> float:
    """The option letter that the answer settles on is the target's."""
    found = option_letter(answer)
    return float(found is not None and found == option_letter(target))


def json_subset(answer: str, target: str) -> float:
    """The answer's first JSON value holds all that the target holds; with no target, parsing is enough."""
    try:
        found = first_json(answer)
        return float(target == "" or _holds(found, json.loads(target)))
    except (ValueError, RecursionError):
        return 0.0


def _holds(found: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(k in found and _holds(found[k], v) for k, v in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return False
        return all(_holds(f, w) for f, w in zip(found, wanted, strict=True))
    # JSON has one number type, but true is not 1
    return isinstance(found, bool) == isinstance(wanted, bool) and found == wanted


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _regex_fault(pattern: str) -> str | None:
    if len(pattern) > MAX_REGEX_CHARS:
        return f"the pattern is longer than {MAX_REGEX_CHARS} characters"
    try:
        _compiled(pattern)
    except (re.error, RecursionError, OverflowError):
        return "not a regular expression"
    # re has no time limit, and a repeat within a repeat takes exponential time on 30 characters
    tree = importlib.import_module("re._parser").parse(pattern)
    return "a repeat within a repeat can take forever" if _nests_repeats(tree, inside=False) else None


def _nests_repeats(node: object, *, inside: bool) -> bool:
    if isinstance(node, tuple) and len(node) == 2 and str(node[0]) in ("MAX_REPEAT", "MIN_REPEAT"):
        low, high, body = node[1]
        is_open = int(high) - int(low) > 1
        return (inside and is_open) or _nests_repeats(body, inside=inside or is_open)
    if isinstance(node, tuple | list):
        return any(_nests_repeats(child, inside=inside) for child in node)
    children = getattr(node, "data", None)
    return children is not None and _nests_repeats(children, inside=inside)


def _number_fault(target: str) -> str | None:
    return None if last_number(target) is not None else "not a number"


def _choice_fault(target: str) -> str | None:
    return None if option_letter(target) is not None else "not an option letter"


def _no_text(target: str) -> str | None:
    return None if target.strip() else "nothing to compare with"


def _json_fault(target: str) -> str | None:
    try:
        json.loads(target or "null")
    except (ValueError, RecursionError):
        return "not JSON"
    return None


def _ifeval(answer: str, target: str) -> float:
    from stepwell.evals.scoring.ifeval.score import ifeval

    return ifeval(answer, target)


def _ifeval_scored(answer: str, target: str) -> Scored:
    from stepwell.evals.scoring.ifeval.score import ifeval_scored

    return ifeval_scored(answer, target)


def _ifeval_fault(target: str) -> str | None:
    from stepwell.evals.scoring.ifeval.score import ifeval_fault

    return ifeval_fault(target)


def _later(name: str) -> Callable[..., Any]:
    """A function of a suite's own checkers, loaded when it is first called."""
    module, _, function = name.partition(".")

    def call(*given: object) -> object:
        return getattr(importlib.import_module(f"stepwell.evals.scoring.{module}"), function)(*given)

    return call


_BBH = ("strict", "first", "whole", "fewshot")
SCORERS: Mapping[str, Scorer] = {
    s.name: s
    for s in (
        Scorer("exact", 1, exact),
        Scorer("normalised", 1, normalised),
        Scorer("contains", 1, contains, lambda t: None if plain(t) else "nothing left to look for"),
        Scorer("regex", 1, regex, _regex_fault),
        Scorer("numeric", 1, numeric, _number_fault),
        Scorer("choice", 1, choice, _choice_fault),
        Scorer("json", 1, json_subset, _json_fault, is_target_optional=True, takes_json=True),
        Scorer(
            "json_exact",
            1,
            _later("whole_json.json_exact"),
            lambda t: _json_fault(t) if t else "nothing to compare with",
            takes_json=True,
            parts=_later("whole_json.json_exact_scored"),
        ),
        Scorer("starts_with", 1, starts_with),
        Scorer("gsm8k", 1, _later("gsm8k.flexible"), _later("gsm8k.fault"), parts=_later("gsm8k.scored")),
        Scorer("gsm8k_strict", 1, _later("gsm8k.strict"), _later("gsm8k.fault")),
        Scorer("gsm8k_authors", 1, _later("gsm8k.authors"), _later("gsm8k.fault")),
        Scorer("bbh", 1, _later("bbh.flexible"), _later("bbh.fault"), parts=_later("bbh.scored")),
        *(Scorer(f"bbh_{name}", 1, _later(f"bbh.{name}"), _later("bbh.fault")) for name in _BBH),
        Scorer("ifeval", 1, _ifeval, _ifeval_fault, takes_json=True, parts=_ifeval_scored),
        Scorer("code", 1, elsewhere, is_target_optional=True, options_fault=_code_fault, is_async=True),
        Scorer(
            "similarity",
            1,
            elsewhere,
            _no_text,
            options_fault=_later("similarity.options_fault"),
            is_async=True,
        ),
        *(
            Scorer(
                name,
                1,
                elsewhere,
                _json_fault,
                is_target_optional=True,
                options_fault=_later(f"structured.{kind}_fault"),
                takes_json=True,
                is_async=True,
            )
            for name, kind in (("json_schema", "schema"), ("pydantic", "model"))
        ),
        Scorer("graded", 1, elsewhere, is_target_optional=True, options_fault=_graded_fault, is_async=True),
    )
}
