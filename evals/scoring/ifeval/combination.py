"""combination:* - the request repeated, two responses."""

from __future__ import annotations

from stepwell.evals.scoring.ifeval.arguments import Arguments


def two_responses(answer: str, given: Arguments) -> bool:
    """Two responses that differ, divided by ******; an empty part is allowed first and last only."""
    parts = [part.strip() for part in answer.split("******")]
    full = [part for part in parts if part]
    return all(parts[1:-1]) and len(full) == 2 and full[0] != full[1]


def repeat_prompt(answer: str, given: Arguments) -> bool:
    """The answer begins with the request, whatever its case."""
    return answer.strip().lower().startswith(given.text("prompt_to_repeat").strip().lower())
