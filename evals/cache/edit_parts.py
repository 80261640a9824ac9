"""What edits are made of: find a word, and put another in its place."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from stepwell.evals.cache import edit_values as values

WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")


NUMBER = re.compile(r"(?<![\w.,:/-])\d{1,3}(?:,\d{3})+(?!\w)|(?<![\w.,:/-])\d+(?:\.\d+)?(?![\w:/]|[.,-]\d)")


NOT_NAMES = {w.lower() for w in (*values.MONTHS, *values.WEEKDAYS)} | {"i"}


def replace(text: str, found: re.Match[str], by: str) -> str:
    was = found.group()
    if was.isupper() and len(was) > 1:
        by = by.upper()
    elif was[0].isupper():
        by = by[0].upper() + by[1:]
    return text[: found.start()] + by + text[found.end() :]


def another(
    text: str, rng: random.Random, lists: Iterable[Iterable[str]], *, exact: bool = False
) -> str | None:
    """Put another member of a list in the place of one."""
    spots = []
    for members in lists:
        by_name = {m if exact else m.lower(): m for m in members}
        for found in re.finditer(r"[$€£¥]|[A-Za-z]+", text):
            key = found.group() if exact else found.group().lower()
            if key in by_name:
                spots.append((found, [m for k, m in by_name.items() if k != key]))
    if not spots:
        return None
    found, others = rng.choice(spots)
    by = rng.choice(others)
    return text[: found.start()] + by + text[found.end() :] if exact else replace(text, found, by)


def by_table(text: str, rng: random.Random, table: Iterable[tuple[str, ...]]) -> str | None:
    by_word: dict[str, list[str]] = {}
    for a, b in table:
        by_word.setdefault(a.lower(), []).append(b)
    spots = [m for m in re.finditer(r"[A-Za-z]+|%", text) if m.group().lower() in by_word]
    if not spots:
        return None
    found = rng.choice(spots)
    by = rng.choice(by_word[found.group().lower()]).replace("-", " ")
    return None if re.search(rf"\b{re.escape(by)}\b", text, re.I) else replace(text, found, by)
