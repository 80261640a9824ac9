"""How much of a prompt's beginning stands as it stood in the last one: what a provider's prompt cache may serve."""

from __future__ import annotations

from stepwell.memory.context.packing.packed import Packed
from stepwell.memory.context.thread.thread import Thread


def n_same_tokens(thread: Thread, before: Packed | None, now: Packed) -> int:
    """Tokens, about, of the messages that both prompts begin with; 0 where the note before them differs.

    Args:
        before: What was last sent of the thread; None: nothing.
    """
    if before is None or (before.summary, before.dates) != (now.summary, now.dates):
        return 0
    about, n = thread.counts.about, 0
    for one, other in zip(before.kept, now.kept, strict=False):
        if one != other or one >= len(thread):
            break
        n += int(about[one])
    return n
