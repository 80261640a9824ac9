"""Asks for what would harm people: violence, weapons, fraud, abuse, self-harm. Looks, not rules: see its card."""

from __future__ import annotations

from stepwell.guards.learned.judge import HeadJudge


def make(floor: float = 0.02) -> HeadJudge:
    """Args: floor: Scores below it are not reported, 0..1."""
    return HeadJudge("harmful", "HARMFUL_REQUEST", floor)
