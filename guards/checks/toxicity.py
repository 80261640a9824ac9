"""Insults, harassment, threats. By wording alone: who says it to whom, and irony, it does not understand."""

from __future__ import annotations

from stepwell.guards.learned.judge import HeadJudge


def make(floor: float = 0.02) -> HeadJudge:
    """Args: floor: Scores below it are not reported, 0..1."""
    return HeadJudge("toxicity", "TOXIC", floor, by_sentence=True)
