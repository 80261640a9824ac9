"""punctuation:* - signs that must not be there."""

from __future__ import annotations

from stepwell.evals.scoring.ifeval.arguments import Arguments


def no_comma(answer: str, given: Arguments) -> bool:
    """No comma."""
    return "," not in answer
