"""Words that go into reasons: plain ASCII, one line, short."""

from __future__ import annotations

_MAX_CHARS = 120


def plain(words: str) -> str:
    """Printable ASCII of `words`, fit for a header; anything else is escaped, and a long one is cut."""
    if not (words.isascii() and words.isprintable()):
        words = words.encode("unicode_escape").decode("ascii")
    return words[:_MAX_CHARS]
