"""detectable_content:* - placeholders and postscripts."""

from __future__ import annotations

import re

from stepwell.evals.scoring.ifeval.arguments import Arguments
from stepwell.evals.scoring.ifeval.patterns import pattern

_PLACEHOLDER = re.compile(r"\[[^\n]*?\]")
_POSTSCRIPTS = {"P.S.": re.compile(r"p\.\s?s\."), "P.P.S": re.compile(r"p\.\s?p\.\s?s")}


def number_placeholders(answer: str, given: Arguments) -> bool:
    """At least so many [placeholders]."""
    return sum(1 for _ in _PLACEHOLDER.finditer(answer)) >= given.count("num_placeholders")


def postscript(answer: str, given: Arguments) -> bool:
    """The marker of a postscript is there."""
    marker = given.text("postscript_marker").strip()
    return bool((_POSTSCRIPTS.get(marker) or pattern(marker.lower())).search(answer.lower()))
