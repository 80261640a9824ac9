"""What a judge was shown, read as a careful judge reads it."""

from __future__ import annotations

import re

from stepwell.base.request import ChatRequest


def parts_of(system: str, user: str) -> dict[str, str]:
    """The parts of a judge's prompt by name: only lines with the mark that the rules name count."""
    named = re.search(r"part's name and (\w+);", system)
    assert named is not None
    pieces = re.split(rf"^=== (.+) {named[1]}$\n?", user, flags=re.M)
    return {name: text.removesuffix("\n") for name, text in zip(pieces[1::2], pieces[2::2], strict=True)}


def shown(request: ChatRequest) -> dict[str, str]:
    """As `parts_of`, of a request."""
    return parts_of(request.messages[0].text, request.messages[1].text)
