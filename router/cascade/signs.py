"""What several opinions show, as numbers that a learned accept score reads beside the ask's traits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from stepwell.router.features import Ask

if TYPE_CHECKING:
    from stepwell.router.cascade.accept import Opinion

_MAX_MAGNITUDE = 1e9
_SMALL = 10


def signs_of(opinions: Sequence[Opinion], ask: Ask) -> list[float]:
    """One row of features; its width depends on the number of opinions alone.

    In order: whether each can be read, which pairs agree, how the first stands among them, lengths, and what kind of
    answer the first two are.
    """
    said = [o.answer for o in opinions]
    lengths = [math.log1p(o.n_chars) for o in opinions]
    mean = sum(lengths) / len(lengths)
    spread = math.sqrt(sum((x - mean) ** 2 for x in lengths) / len(lengths))
    asked = math.log1p(len(ask.text))
    pairs = [float(a is not None and a == b) for i, a in enumerate(said) for b in said[i + 1 :]]
    row = [float(a is None) for a in said] + pairs + _standing(said)
    row += [*lengths, lengths[0] - lengths[-1], mean, spread, asked, lengths[0] - asked]
    values = [_value(a) for a in said]
    for answer, value in zip(said[:2], values[:2], strict=True):
        row += _kind(answer, value, ask.text)
    row.append(_distance(values[0], values[1]))
    return row


def _standing(said: Sequence[str | None]) -> list[float]:
    """Different answers, size of the largest group, and where the first one stands in it."""
    groups = Counter(a for a in said if a is not None)
    top = max(groups.values(), default=0)
    own = groups[said[0]] if said[0] is not None else 0
    return [
        float(len(groups)),
        float(top),
        float(own == top > 1),
        float(own < top > 1),
        float(top == len(said)),
    ]


def _kind(answer: str | None, value: Fraction | None, asked: str) -> list[float]:
    is_letter = answer is not None and len(answer) == 1 and answer.isalpha()
    return [
        -1.0 if value is None else math.log1p(min(float(abs(value)), _MAX_MAGNITUDE)),
        float(value is not None and value.denominator > 1),
        float(value is not None and value < 0),
        float(value is not None and value.denominator == 1 and abs(value) <= _SMALL),
        float(answer is not None and value is None and not is_letter),
        float(value is not None and answer is not None and answer in asked),
        float(ord(answer.upper()[0]) - ord("A")) if answer is not None and is_letter else -1.0,
    ]


def _distance(a: Fraction | None, b: Fraction | None) -> float:
    return -1.0 if a is None or b is None else math.log1p(min(float(abs(a - b)), _MAX_MAGNITUDE))


def _value(answer: str | None) -> Fraction | None:
    """The number that a normalised answer is; it has few digits (`read.number_in`)."""
    if answer is None or not answer.lstrip("-")[:1].isdigit():
        return None
    try:
        return Fraction(answer)
    except (ValueError, ZeroDivisionError):
        return None
