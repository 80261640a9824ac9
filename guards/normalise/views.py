"""What a text says, undisguised: decoded, folded and joined, each with a map back to the raw text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text.

    Attributes:
        name: "raw", or the disguises taken off: "base64", "folded", "leet", "spaced".
        text: What it says so.
    """

    name: str
    text: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Characters of the raw text that gave characters start..end of the view."""
        return start, end


def views(text: str) -> tuple[View, ...]:
    """The raw text first, then each other reading that differs from those before."""
    return (View("raw", text),)
