"""startend:* - how an answer begins and ends."""

from __future__ import annotations

from stepwell.evals.scoring.ifeval.arguments import Arguments


def end_checker(answer: str, given: Arguments) -> bool:
    """The phrase is the end, whatever its case; quotes around the answer don't count."""
    return answer.strip().strip('"').lower().endswith(given.text("end_phrase").strip().lower())


def quotation(answer: str, given: Arguments) -> bool:
    """The whole answer stands in double quotes."""
    text = answer.strip()
    return len(text) > 1 and text.startswith('"') and text.endswith('"')
