"""Equal as lm-eval's exact_match finds it: what is to be ignored is cut out of both sides, case aside.

The suites' published figures were made with it, so its corners are kept, too: numpy drops closing NULs, and
lower case letters that need more room than the capital one are cut off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

INVALID = "[invalid]"


def same(found: str, target: str, ignored: Sequence[re.Pattern[str]]) -> bool:
    """Whether both are equal once these patterns are cut out, one after the other, and case is dropped."""
    return _bare(found, ignored) == _bare(target, ignored)


def _bare(text: str, ignored: Sequence[re.Pattern[str]]) -> str:
    n_chars = len(text)
    for pattern in ignored:
        text = pattern.sub("", text)
        n_chars = len(text)
        text = text.rstrip("\0")
    return text.lower()[:n_chars].rstrip("\0")
