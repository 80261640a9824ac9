"""A table of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(caption: str, head: Sequence[str | None], rows: Iterable[str]) -> str:
    """A table that scrolls sideways on a phone, by keyboard too; cells come ready made.

    Heads that begin with a capital stand over words, the others over numbers; None over a drawing.
    """
    columns = "".join(
        f'<th scope="col"{" class=text" if h[:1].isupper() else ""}>{h}</th>'
        if h is not None
        else '<td class="wide-only"></td>'
        for h in head
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
