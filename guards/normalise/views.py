"""What a text says, undisguised: folded, decoded and joined, each with a map back to the raw text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stepwell.guards.normalise.decode import decode
from stepwell.guards.normalise.fold import fold, is_worth
from stepwell.guards.normalise.joined import join
from stepwell.guards.normalise.leet import unleet
from stepwell.guards.normalise.lookalikes import unmark, unmask
from stepwell.guards.normalise.offsets import Folded, Offsets

MAX_LAYERS = 3
"""Encodings around encodings that are taken off."""
MAX_EXTRA_CHARS = 65_536
"""A view is no longer than the raw text and so many characters."""

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


def _fold(text: str) -> Folded | None:
    return fold(text) if is_worth(text) else None


_FOLDING: tuple[Step, ...] = (_fold, unmark, unmask)
_LAYER: tuple[Step, ...] = (decode, *_FOLDING)
_JOINING: tuple[Step, ...] = (join, *_FOLDING)


def views(text: str) -> tuple[View, ...]:
    """The raw text first, then each other reading that differs from those before; at most four.

    The order of the steps matters: letters for digits before decoding would break every base64 run.
    """
    raw = View("raw", text)
    folded = _after(raw, "folded", _FOLDING)
    decoded = folded
    for _ in range(MAX_LAYERS):
        before, decoded = decoded, _after(decoded, "decoded", _LAYER)
        if decoded is before:
            break
    plain = _after(decoded, "plain", _JOINING)
    if plain is not decoded:
        plain = _after(plain, "plain", _LAYER)
    plain = _after(plain, "plain", (unleet,))
    return tuple({id(v): v for v in (raw, folded, decoded, plain)}.values())


def _after(view: View, name: str, steps: Iterable[Step]) -> View:
    """The view after some steps; the same one where none changes it."""
    text, maps = view.text, view.steps
    for step in steps:
        done = step(text)
        if done is None or len(done.text) > len(text) + MAX_EXTRA_CHARS:
            continue
        text = done.text
        if done.offsets is not None:
            maps = (*maps, done.offsets)
    return view if text == view.text else View(name, text, maps)
