"""BIG-Bench Hard's checkers, task by task, true to lm-eval 0.4.13 (Suzgun et al. 2022, arXiv:2210.09261).

- flexible: task bbh_cot_zeroshot, filter flexible-extract: the last thing in the answer that can be one.
- strict: bbh_cot_zeroshot, strict-match: what follows the first "The answer is", less its last character.
- first: bbh_zeroshot, flexible-extract: the first thing that can be one, for models told not to reason.
- whole: bbh_zeroshot, strict-match: the answer as it is.
- fewshot: bbh_cot_fewshot, get-answer: as strict, "the answer is" only, and nothing is forgiven.

A target is a JSON object: task, answer, and what the task's filter has to know: the options, or the words to sort.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec

from stepwell.evals.scored import Scored
from stepwell.evals.scoring.bbh_tasks import SAID, TASKS, WORDS, Kind, Target
from stepwell.evals.scoring.same import INVALID, same, unpointed, without
from stepwell.evals.scoring.spelled import number_of, spelled_numbers

_CUTS = (unpointed, without(","), without("\\"), without("\n"), without('"'))
_SAYS = re.compile(r"(?:[Tt]he answer is |The answer: |The final answer: )(?=.)(.*)")
_SAYS_LOW = re.compile(r"the answer is (?=.)(.*)")
_OPTION = re.compile(r"\([A-Z]\)")
_BRACKETS = re.compile(r'[][" (){}<>]+')
_NUMBER = re.compile(r"[-0-9]+")


def flexible(answer: str, target: str) -> float:
    """The last thing in the answer that can be one is the target's."""
    return _score(answer, _target(target), last=True)


def first(answer: str, target: str) -> float:
    """The first thing in the answer that can be one is the target's."""
    return _score(answer, _target(target), last=False)


def strict(answer: str, target: str) -> float:
    """What the answer says after the first "The answer is", up to the line's last character, is the target's."""
    said = _SAYS.search(answer)
    cut = said[1][:-1] if said else ""
    return float(same(cut.strip() if cut else INVALID, _target(target).answer, _CUTS))


def fewshot(answer: str, target: str) -> float:
    """As `strict`, for "the answer is" in small letters alone; the text must be equal."""
    said = _SAYS_LOW.search(answer)
    return float((said[1][:-1].strip() if said else INVALID).rstrip("\0") == _target(target).answer)


def whole(answer: str, target: str) -> float:
    """The whole answer is the target's, but for case, commas, quotes, line breaks and a closing point."""
    return float(same(answer, _target(target).answer, _CUTS))


def scored(answer: str, target: str) -> Scored:
    """`flexible`, with `strict` beside it, as lm-eval prints the two."""
    score = flexible(answer, target)
    return Scored(score, {"flexible": score, "strict": strict(answer, target)})


def fault(target: str) -> str | None:
    """What is wrong with a target, or None."""
    try:
        wanted = _target(target)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "an object with task and answer is wanted"
    kind = TASKS.get(wanted.task)
    if kind is None:
        return "not a task of BBH"
    return "the words to sort are missing" if kind == "sorted" and not wanted.words else None


@lru_cache(maxsize=4096)
def _target(target: str) -> Target:
    return msgspec.json.decode(target, type=Target)


def _score(answer: str, target: Target, *, last: bool) -> float:
    found = _PICKS[TASKS[target.task]](answer, target, -1 if last else 0)
    return float(same(INVALID if found is None else found, target.answer, _CUTS))


def _nth(found: Sequence[str], n: int) -> str | None:
    return found[n].strip() if found else None


def _word(answer: str, target: Target, n: int) -> str | None:
    return _nth(WORDS[target.task].findall(answer), n)


def _bracket(answer: str, target: Target, n: int) -> str | None:
    return _nth(_BRACKETS.findall(answer), n)


def _number(answer: str, target: Target, n: int) -> str | None:
    found = _nth(_NUMBER.findall(answer), n)
    if found is not None:
        return found
    words = _nth(spelled_numbers(answer), n)
    number = number_of(words) if words else None
    return None if number is None else str(number)


def _said(answer: str, target: Target, n: int) -> str | None:
    """Yes or no, whichever of its wordings comes last (or first)."""
    no, yes = SAID[target.task]
    found = _nth(re.findall(f"{no.pattern}|{yes.pattern}", answer.lower()), n)
    return None if found is None else "no" if no.search(found) else "yes"


def _sorted(answer: str, target: Target, n: int) -> str | None:
    """The words of the list in the order in which the answer names them; where it repeats one, the last time counts."""
    found = _any_of(target.words).findall(answer)
    return " ".join(reversed(dict.fromkeys(reversed(found))))


def _option(answer: str, target: Target, n: int) -> str | None:
    found = _nth(_OPTION.findall(answer), n)
    if found is not None or not target.choices:
        return found
    letters, named = _choices(target.choices)
    text = _nth(named.findall(_unpunctuated(answer)), n)
    if text:
        return letters.get(text, text)
    letter = _nth(_after_colon(len(target.choices)).findall(answer), n)
    return f"({letter})" if letter else None


_PICKS: Mapping[Kind, Callable[[str, Target, int], str | None]] = {
    "words": _word,
    "brackets": _bracket,
    "number": _number,
    "said": _said,
    "sorted": _sorted,
    "options": _option,
}


@lru_cache(maxsize=256)
def _choices(choices: tuple[str, ...]) -> tuple[Mapping[str, str], re.Pattern[str]]:
    """Option texts without punctuation -> their letters, and what finds them: the longest goes first."""
    bare = [_unpunctuated(choice) for choice in choices]
    letters = {text: f"({chr(ord('A') + i)})" for i, text in enumerate(bare)}
    escaped = sorted((re.escape(text) for text in bare), key=len, reverse=True)
    return letters, re.compile("|".join(escaped))


@lru_cache(maxsize=32)
def _after_colon(n_choices: int) -> re.Pattern[str]:
    return re.compile(rf":\s*([A-{chr(ord('A') + min(n_choices, 26) - 1)}])")


@lru_cache(maxsize=256)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{re.escape(word)}\b" for word in words))


def _unpunctuated(text: str) -> str:
    return "".join(c for c in text.lower() if not unicodedata.category(c).startswith("P"))
