"""What a text says, undisguised: folded, decoded and joined, each with a map back to the raw text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepwell.guards.normalise.decode import decode, encoded_alone
from stepwell.guards.normalise.fold import fold, is_worth
from stepwell.guards.normalise.joined import join
from stepwell.guards.normalise.leet import unleet
from stepwell.guards.normalise.lookalikes import unmark, unmask
from stepwell.guards.normalise.offsets import Folded, Offsets
from stepwell.guards.time_limit import in_time

MAX_LAYERS = 3
"""Encodings around encodings that are taken off."""
MAX_EXTRA_CHARS = 65_536
"""A view is no longer than the raw text and so many characters."""

Step = Callable[[str], Folded | None]


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text.

    Attributes:
        name: "raw"; "folded": characters as they look; "decoded": what was encoded, too; "hidden": only what
            was encoded; "plain": as decoded, with letters that were pulled apart or written as digits.
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


def views(text: str) -> tuple[View, ...]:
    """The raw text first, then each other reading that differs from those before; at most four.

    The order of the steps matters: letters for digits before decoding would break every base64 run.

    Raises:
        TimeoutError: As `in_time`.
    """
    max_chars = len(text) + MAX_EXTRA_CHARS
    raw = View("raw", text)
    folded = _folded(raw, "folded", max_chars)
    decoded = _decoded(folded, "decoded", MAX_LAYERS, max_chars)
    hidden = folded
    if decoded is not folded:
        hidden = _after(folded, "hidden", encoded_alone, max_chars)
        hidden = folded if hidden is folded else _decoded(hidden, "hidden", MAX_LAYERS - 1, max_chars)
        folded = raw  # what was decoded was folded before
    plain = _after(decoded, "plain", join, max_chars)
    if plain is not decoded:
        plain = _decoded(plain, "plain", 1, max_chars)
    plain = _after(plain, "plain", unleet, max_chars)
    found = (raw, folded, decoded, plain) if hidden.name != "hidden" else (raw, decoded, hidden, plain)
    distinct: dict[str, View] = {}
    for view in found:
        distinct.setdefault(view.text, view)
    return tuple(distinct.values())


def _decoded(view: View, name: str, n_layers: int, max_chars: int) -> View:
    for _ in range(n_layers):
        before, view = view, _after(view, name, decode, max_chars)
        if view is before:
            break
    return view


def _after(view: View, name: str, step: Step, max_chars: int) -> View:
    """The view after a step, folded; the same one where the step changes nothing."""
    changed = _step(view, name, step, max_chars)
    return view if changed is view else _folded(changed, name, max_chars)


def _folded(view: View, name: str, max_chars: int) -> View:
    for step in _FOLDING:
        view = _step(view, name, step, max_chars)
    return view


def _step(view: View, name: str, step: Step, max_chars: int) -> View:
    in_time()
    done = step(view.text)
    if done is None or done.text == view.text or len(done.text) > max_chars:
        return view
    return View(name, done.text, view.steps if done.offsets is None else (*view.steps, done.offsets))
