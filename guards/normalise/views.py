"""What a text says, undisguised: folded, decoded and joined, each with a map back to the raw text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stepwell.guards.normalise.fold import fold
from stepwell.guards.normalise.lookalikes import unmark, unmask
from stepwell.guards.normalise.offsets import Folded, Offsets

Step = Callable[[str], Folded | None]


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text.

    Attributes:
        name: "raw"; "folded": characters as they look; "decoded": what was encoded, too; "plain": letters that were
            pulled apart or written as digits, too.
        text: What it says so.
        steps: Where that came from, first step first.
    """

    name: str
    text: str
    steps: tuple[Offsets, ...] = ()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Characters of the raw text that gave characters start..end of the view."""
        for offsets in reversed(self.steps):
            start, end = offsets.span(start, end)
        return start, end


def views(text: str) -> tuple[View, ...]:
    """The raw text first, then each other reading that differs from those before; at most four."""
    raw = View("raw", text)
    if text.isascii():
        return (raw,)
    folded = _after(raw, "folded", (fold, unmark, unmask))
    return (raw,) if folded is raw else (raw, folded)


def _after(view: View, name: str, steps: Iterable[Step]) -> View:
    """The view after some steps; the same one where none changes it."""
    text, maps = view.text, view.steps
    for step in steps:
        if (done := step(text)) is not None:
            text = done.text
            if done.offsets is not None:
                maps = (*maps, done.offsets)
    return view if text == view.text else View(name, text, maps)
