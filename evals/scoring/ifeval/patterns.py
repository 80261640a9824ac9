"""Keywords as regular expressions, as IFEval reads them."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=1024)
def pattern(keyword: str, *, is_whole: bool = False) -> re.Pattern[str]:
    """Finds `keyword`, whatever its case; only as a whole word where `is_whole`.

    IFEval hands keywords to `re` unescaped, so "a.b" finds "axb". What is no pattern ("*x"), or may take
    exponential time, is looked for as it is written.
    """
    edge = r"\b" if is_whole else ""
    # a repeat within a repeat needs a group
    is_risky = "(" in keyword and any(sign in keyword for sign in "*+{")
    try:
        return re.compile(edge + (re.escape(keyword) if is_risky else keyword) + edge, re.IGNORECASE)
    except (re.error, OverflowError):
        return re.compile(edge + re.escape(keyword) + edge, re.IGNORECASE)


@lru_cache(maxsize=256)
def numbered(mark: str) -> re.Pattern[str]:
    """Finds `mark` with a number behind it, in the case given; a mark is read as `pattern` reads keywords."""
    return re.compile(f"(?:{pattern(mark).pattern})" + r"\s?\d+")


def n_found(keyword: str, answer: str) -> int:
    """How often `keyword` stands in `answer`, within words too."""
    return sum(1 for _ in pattern(keyword).finditer(answer))
