"""Join overlapping findings into spans to cut out, and write placeholders in their place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from stepwell.base.decisions import Finding
from stepwell.guards.json_text import JsonText


@dataclass(frozen=True, slots=True)
class Span:
    """Characters start..end go; `[kind]` comes, or a placeholder whose value comes back in the answer.

    Attributes:
        kind: "" for what is left of a value that was cut before: nothing comes.
        raw: The value, where who writes may not have all of it at once; "" where they have.
    """

    start: int
    end: int
    kind: str
    is_masked: bool = False
    raw: str = ""


Masking = Callable[[str, str], str]
"""Takes a kind and a value, and gives the placeholder that stands for it (guards.masks)."""


def join(findings: Iterable[Finding], *, masked: Iterable[Finding] = ()) -> list[Span]:
    """Merge overlapping findings; the first by start, then the longest, names the span.

    Args:
        masked: More findings; a span is masked where all of its findings are among these.
    """
    spans: list[Span] = []
    marked = [(f, False) for f in findings] + [(f, True) for f in masked]
    for f, is_masked in sorted(marked, key=lambda m: (m[0].start, -m[0].end, m[0].kind)):
        if spans and f.start < spans[-1].end:
            last = spans[-1]
            if f.end > last.end or last.is_masked != is_masked:
                spans[-1] = Span(last.start, max(f.end, last.end), last.kind, last.is_masked and is_masked)
        else:
            spans.append(Span(f.start, f.end, f.kind, is_masked))
    return spans


class Writer:
    """Writes a text piece by piece with spans replaced, and keeps JSON text valid.

    JSON (a tool call's arguments, or a text that looks like it): a placeholder outside a string gets quotes, and an
    escape that a span begins within is written whole.
    """

    def __init__(self, *, is_json: bool | None = None, masking: Masking | None = None) -> None:
        self._masking = masking
        self._json = JsonText(is_json)

    def keep(self, text: str) -> str:
        """Pass text on."""
        return self._json.keep(text)

    def replace(self, span: Span, raw: str) -> str:
        """Return what stands for `raw`."""
        self._json.settle()
        raw = span.raw or raw
        if not self._json.is_json:
            return self._placeholder(span, raw)
        if not self._json.in_string:
            return f'"{self._placeholder(span, raw)}"'
        rest = ""
        if self._json.escape:
            rest = raw[: 5 if raw[0] == "u" else 1]
            self._json.escape = ""
        return f"{rest}{self._placeholder(span, _unescaped(raw[len(rest) :]))}"

    def _placeholder(self, span: Span, value: str) -> str:
        if not span.is_masked or self._masking is None:
            return f"[{span.kind}]"
        return self._masking(span.kind, value)


def cut_out(text: str, spans: Sequence[Span], writer: Writer) -> str:
    """Return `text` with every span replaced."""
    out: list[str] = []
    at = 0
    for span in spans:
        out += [writer.keep(text[at : span.start]), writer.replace(span, text[span.start : span.end])]
        at = span.end
    out.append(writer.keep(text[at:]))
    return "".join(out)


def _unescaped(raw: str) -> str:
    """What a piece of a JSON string says."""
    if "\\" not in raw:
        return raw
    try:
        return str(json.loads(f'"{raw}"', strict=False))
    except ValueError:  # the piece begins or ends within an escape
        return raw
