"""How much of a conversation is read at once, so that hardly more is read than was said."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stepwell.memory.context.log.log import Summary

_MAX_EXTRA_SHARE = 0.06  # of new tokens: what is read beside them, the summary so far above all
_PORTION_SHARE = 1.5  # of a batch: only a turn that is far too long is cut
_FIRST_SHARE = 1 / 8  # of a batch: the extract costs nothing, so a young conversation has one early


@dataclass(frozen=True, slots=True)
class Pace:
    """Sizes of what is read, in tokens.

    Where a model's window holds less than a portion, a batch gathers all the same and is read in more portions, each
    behind the prompt and the summary so far: a small window reads them again so much more often.

    Attributes:
        max_tokens: Longest summary; it is read again with each batch.
        batch_tokens: New turns that are read at once, or more where the summary's length asks for it.
        n_overhead_tokens: What a model reads with each batch beside turns and summary; 0: no model reads.
        most_portion_tokens: What its window holds of turns; None: whatever a portion takes.
    """

    max_tokens: int = 200
    batch_tokens: int = 4000
    n_overhead_tokens: int = 0
    most_portion_tokens: int | None = None

    def least_tokens(self, summary: Summary | None) -> int:
        """New tokens that gather before they are read."""
        again = self.n_overhead_tokens + (self.max_tokens if summary and summary.text else 0)
        first = self.batch_tokens if self.n_overhead_tokens else int(self.batch_tokens * _FIRST_SHARE)
        return max(first, math.ceil(again / _MAX_EXTRA_SHARE))

    @property
    def portion_tokens(self) -> int:
        """What a model reads in one call."""
        again = self.n_overhead_tokens + self.max_tokens
        wanted = math.ceil(_PORTION_SHARE * max(self.batch_tokens, again / _MAX_EXTRA_SHARE))
        return wanted if self.most_portion_tokens is None else min(wanted, self.most_portion_tokens)

    def n_portions(self, n_tokens: int) -> int:
        return max(1, math.ceil(n_tokens / self.portion_tokens))

    def n_again(self, n_tokens: int) -> int:
        """What a model reads beside `n_tokens` of turns and the summary that it begins with."""
        n_portions = self.n_portions(n_tokens)
        return self.n_overhead_tokens * n_portions + self.max_tokens * (n_portions - 1)
