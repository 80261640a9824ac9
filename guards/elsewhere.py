"""A value that a check found at one place of a request, found again wherever the same text stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from stepwell.base.decisions import Finding
from stepwell.guards.plan import CUTTING
from stepwell.guards.rules import Rule
from stepwell.guards.spans import join

Cut = tuple[Finding, bool]
"""What is to be cut out, and whether it is masked."""
MIN_CHARS = 6
"""Shorter values are too often something else."""
MIN_GLUED_CHARS = 12
"""What is so long and holds a digit is itself even in the middle of a word: IBANDE89…"""
MAX_VALUES = 256
MAX_PLACES = 100_000
"""No more are looked at in one text: nobody has to wait for a text made of nothing else."""
MAX_PASSED_OVER = 1000
"""A value that stands in so many longer words goes from all of them."""
_PAST_LATIN = "\u0250"

Values = dict[str, Finding]


def values_of(found: Iterable[tuple[str, Sequence[Cut]]]) -> Values:
    """The values of some texts, given with what is cut out of each: at most MAX_VALUES, the first ones."""
    values: Values = {}
    for text, cuts in found:
        for f, _ in cuts:
            value = text[f.start : f.end]
            if len(value) >= MIN_CHARS and len(values) < MAX_VALUES:
                values.setdefault(value, f)
    return values


def found_again(
    text: str, values: Values, cuts: Sequence[Cut], rules: Iterable[Rule]
) -> list[tuple[Rule, Finding]]:
    """Where else in a text values stand, each with the rule that would have cut it out.

    Args:
        cuts: What goes already.
        rules: Those of the text; a value that none of them looks for stays.
    """
    by_check: dict[str, Rule] = {}
    for rule in rules:
        if rule.action in CUTTING:
            by_check.setdefault(rule.check.name, rule)
    gone = join(f for f, _ in cuts)
    starts = [span.start for span in gone]
    found: list[tuple[Rule, Finding]] = []
    n_left = MAX_PLACES
    for value, f in values.items():
        if (cutting := by_check.get(f.check)) is None:
            continue
        for at in islice(_places(text, value), n_left):
            n_left -= 1
            end, i = at + len(value), bisect_right(starts, at) - 1
            if i < 0 or gone[i].end < end:
                found.append((cutting, Finding(f.kind, at, end, f.score, f.check)))
    return found


def _places(text: str, value: str) -> Iterator[int]:
    """Where it stands, but for places where a longer number or word goes on at its edges."""
    n_passed_over = 0
    is_glued = len(value) >= MIN_GLUED_CHARS and any(map(str.isdigit, value))
    at = text.find(value)
    while at >= 0:
        end = at + len(value)
        before, after = text[at - 1 : at], text[end : end + 1]
        goes_on = _goes_on(before, value[0], is_glued) or _goes_on(value[-1], after, is_glued)
        if goes_on and n_passed_over < MAX_PASSED_OVER:
            n_passed_over += 1
            end = at + 1
        else:
            yield at
        at = text.find(value, end)


def _goes_on(left: str, right: str, is_glued: bool) -> bool:
    """Whether two neighbours belong to one number, or to one word; Latin letters and others make none together."""
    if left.isalpha() and right.isalpha():
        return not is_glued and (left < _PAST_LATIN) == (right < _PAST_LATIN)
    return left.isdigit() and right.isdigit()
