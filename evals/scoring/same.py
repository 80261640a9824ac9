"""Equal as lm-eval's exact_match finds it: what is to be ignored is cut out of both sides, case aside.

The suites' published figures were made with it, so its corners are kept, too: numpy drops closing NULs, and
lower case letters that need more room than the capital one are cut off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

INVALID = "[invalid]"


Cut = Callable[[str], str]
_CLOSING_POINT = re.compile(r"\.$")


def without(part: str) -> Cut:
    """Cuts a text out wherever it stands."""
    return lambda text: text.replace(part, "")


def unpointed(text: str) -> str:
    """A text without its closing point, which may stand before a last line break."""
    return _CLOSING_POINT.sub("", text)


def same(found: str, target: str, cuts: Sequence[Cut]) -> bool:
    """Whether both are equal once these cuts are made, one after the other, and case is dropped."""
    return _bare(found, cuts) == _bare(target, cuts)


def _bare(text: str, cuts: Sequence[Cut]) -> str:
    n_chars = len(text)
    for cut in cuts:
        text = cut(text)
        n_chars = len(text)
        text = text.rstrip("\0")
    return text.lower()[:n_chars].rstrip("\0")
