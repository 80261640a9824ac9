"""Join overlapping findings into spans to cut out, and write placeholders in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepwell.base.decisions import Finding

_QUOTES = re.compile(r'\\.|"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters start..end go; `[kind]` comes."""

    start: int
    end: int
    kind: str


def join(findings: Iterable[Finding]) -> list[Span]:
    """Merge overlapping findings; the first by start, then the longest, names the span."""
    spans: list[Span] = []
    for f in sorted(findings, key=lambda f: (f.start, -f.end, f.kind)):
        if spans and f.start < spans[-1].end:
            if f.end > spans[-1].end:
                spans[-1] = Span(spans[-1].start, f.end, spans[-1].kind)
        else:
            spans.append(Span(f.start, f.end, f.kind))
    return spans


class Writer:
    """Writes a text piece by piece with spans replaced, and keeps JSON text valid.

    JSON (a tool call's arguments, or a text that begins with a brace): a placeholder outside a string gets quotes,
    and an escape that a span begins within is written whole.
    """

    def __init__(self, *, is_json: bool | None = None) -> None:
        self._is_json = is_json
        self._in_string = False
        self._escape = ""

    def keep(self, text: str) -> str:
        """Pass text on."""
        if self._is_json is None and (begun := text.lstrip()):
            self._is_json = begun[0] == "{"
        if self._is_json:
            self._follow(text)
        return text

    def replace(self, span: Span, raw: str) -> str:
        """Return what stands for `raw`."""
        if self._is_json is None:
            self._is_json = False
        if not self._is_json:
            return f"[{span.kind}]"
        if not self._in_string:
            return f'"[{span.kind}]"'
        rest = ""
        if self._escape:
            rest = raw[: 5 if raw[0] == "u" else 1]
            self._escape = ""
        return f"{rest}[{span.kind}]"

    def _follow(self, text: str) -> None:
        text = self._escape + text
        self._escape = ""
        for m in _QUOTES.finditer(text):
            if m[0] == '"':
                self._in_string = not self._in_string
        if (len(text) - len(text.rstrip("\\"))) % 2:
            self._escape = "\\"


def cut_out(text: str, spans: Sequence[Span], writer: Writer) -> str:
    """Return `text` with every span replaced."""
    out: list[str] = []
    at = 0
    for span in spans:
        out += [writer.keep(text[at : span.start]), writer.replace(span, text[span.start : span.end])]
        at = span.end
    out.append(writer.keep(text[at:]))
    return "".join(out)
