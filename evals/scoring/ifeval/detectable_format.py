"""detectable_format:* - lists, sections, titles, JSON."""

from __future__ import annotations

import json
import re

from stepwell.evals.scoring.ifeval.arguments import Arguments
from stepwell.evals.scoring.ifeval.patterns import numbered

_STAR_BULLET = re.compile(r"^\s*[*][^*].*$", re.MULTILINE)
_DASH_BULLET = re.compile(r"^\s*-.*$", re.MULTILINE)
_EMPHASISED = re.compile(r"[*][^\n*]*[*]")
_STRONG = re.compile(r"[*]{2}([^\n*]*)[*]{2}")
_TITLE = re.compile(r"<<[^\n]+>>")
_CHOICES = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_FENCES = ("```json", "```Json", "```JSON", "```")


def number_bullet_lists(answer: str, given: Arguments) -> bool:
    """Exactly so many lines that begin with one * or with -."""
    n = sum(1 for found in (_STAR_BULLET, _DASH_BULLET) for _ in found.finditer(answer))
    return n == given.count("num_bullets")


def constrained_response(answer: str, given: Arguments) -> bool:
    """One of the three answers allowed is there."""
    return any(choice in answer for choice in _CHOICES)


def number_highlighted_sections(answer: str, given: Arguments) -> bool:
    """At least so many *highlighted* or **highlighted** pieces of a line; empty ones don't count."""
    single = sum(1 for found in _EMPHASISED.finditer(answer) if found[0].strip("*").strip())
    double = sum(1 for found in _STRONG.finditer(answer) if found[1].strip())
    return single + double >= given.count("num_highlights")


def multiple_sections(answer: str, given: Arguments) -> bool:
    """At least so many marks like "Section 1"."""
    marks = numbered(given.text("section_spliter").strip()).finditer(answer)
    return sum(1 for _ in marks) >= given.count("num_sections")


def json_format(answer: str, given: Arguments) -> bool:
    """All of it is JSON, in a code fence or not."""
    text = answer.strip()
    for fence in _FENCES:
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def title(answer: str, given: Arguments) -> bool:
    """A <<title>> that isn't empty."""
    return any(found[0].lstrip("<").rstrip(">").strip() for found in _TITLE.finditer(answer))
