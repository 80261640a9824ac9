"""The eight readings of an answer that the loose score allows."""

from __future__ import annotations


def readings(answer: str) -> list[str]:
    """The answer, and it without its first line, its last, both, each also without asterisks; no doubles.

    So that "Sure, here it is:" and Markdown count as no miss (Zhou et al. 2023, section 3.2).
    """
    lines = answer.split("\n")
    cut = [
        answer,
        *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])),
    ]
    found = [reading for text in cut for reading in (text, text.replace("*", ""))]
    return [reading for reading in dict.fromkeys(found) if reading.strip()]
