"""Of examples that say the same, one; and of asks with two answers, the better one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.data.near import Words, is_same_ask, near_pairs, words_of
from stepwell.evals.finetune.data.said import instructions, plain_words, said
from stepwell.evals.finetune.data.sieve import Sieve, worth

SAME, NEAR, OTHER_ANSWER = "duplicate", "near-duplicate", "the same ask with another answer"
_PART = re.compile(r"[^\W_]+")


def drop_duplicates(sieve: Sieve, *, has_system: bool) -> None:
    """Keep one of those with the same ask and answer.

    Args:
        has_system: The dataset brings its own system prompt, so that those of the examples don't tell them apart.
    """
    best: dict[tuple[str, str, str], Example] = {}
    for example in sieve.kept:
        key = (_system(example, has_system), said(example).strip(), example.answer.strip())
        if key not in best or worth(example) > worth(best[key]):
            best[key] = example
    chosen = {id(e) for e in best.values()}
    sieve.keep(SAME, [e for e in sieve.kept if id(e) in chosen])


def drop_near(sieve: Sieve, *, has_system: bool) -> None:
    """Keep the better of two near asks with one answer, and of two that are the same with different answers.

    Two near asks whose answers differ by words that the asks differ by are two examples: two orders, two items.
    """
    examples = sieve.kept
    words = [words_of(said(e)) for e in examples]
    near: dict[int, list[int]] = defaultdict(list)
    for one, other in pairs_within(examples, words):
        near[one].append(other)
        near[other].append(one)
    reasons: dict[int, str] = {}
    order = sorted(range(len(examples)), key=lambda i: worth(examples[i]), reverse=True)
    kept: set[int] = set()
    for at in order:
        found = {
            _reason(examples[at], examples[other], words[at], words[other], has_system)
            for other in near[at]
            if other in kept
        } - {None}
        if found:
            reasons[at] = OTHER_ANSWER if OTHER_ANSWER in found else NEAR
        else:
            kept.add(at)
    for reason in (OTHER_ANSWER, NEAR):
        out = {id(examples[at]) for at, why in reasons.items() if why == reason}
        sieve.drop(reason, lambda e, out=out: id(e) in out)  # type: ignore[misc]


def pairs_within(examples: Sequence[Example], words: Sequence[Words]) -> Iterator[tuple[int, int]]:
    """Places of near asks, and of each ask with the first that is the same; a pair may come twice."""
    first: dict[str, int] = {}
    for at, example in enumerate(examples):
        before = first.setdefault(" ".join(plain_words(said(example))), at)
        if before != at:
            yield before, at
    yield from near_pairs(words)


def _reason(a: Example, b: Example, words_a: Words, words_b: Words, has_system: bool) -> str | None:
    if _system(a, has_system) != _system(b, has_system):
        return None
    if a.answer.strip() == b.answer.strip():
        return NEAR
    return OTHER_ANSWER if is_same_ask(words_a, words_b) and not _is_explained(a, b) else None


def _is_explained(a: Example, b: Example) -> bool:
    """Whether the answers differ by a word that only one of the asks has."""
    said_a, said_b = _parts(said(a)), _parts(said(b))
    answer_a, answer_b = _parts(a.answer), _parts(b.answer)
    return bool((answer_a - answer_b) & (said_a - said_b) or (answer_b - answer_a) & (said_b - said_a))


def _parts(text: str) -> set[str]:
    return set(_PART.findall(text.casefold()))


def _system(example: Example, has_system: bool) -> str:
    return "" if has_system else instructions(example.messages)
