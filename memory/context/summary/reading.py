"""How much a tier's model is shown in one call, so that the call fits its window."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stepwell.base.errors import ConfigError
from stepwell.base.tokens import is_exact_for
from stepwell.memory.context.summary.cut import SIZE_BY

N_PROMPT_TOKENS = 160  # what is asked, without the material
N_PROMPT_BYTES = 1000
_N_FRAME_TOKENS = 40  # of the message, and of a day's header or two that a cut line gets
_USED_SHARE = 0.95  # what a provider counts otherwise than we do is in the rest
_SUMMARY_SHARE = 0.3  # most of what is left for material that the summary so far takes of it
_LEAST_TURNS_TOKENS = 60  # less is a sentence or two: each would be read behind three times its length
# How many of the model's own tokens one of o200k_base may be: `base.tokens` counts bytes for local models, adds a
# margin for hosted ones; other vocabularies of OpenAI are a little longer.
_LOCAL, _FOREIGN, _OPENAI = 5.0, 1.35, 1.1


@dataclass(frozen=True, slots=True)
class Reading:
    """What goes into one call, in tokens as the model's are counted.

    Attributes:
        model: Whose vocabulary counts.
        turns_tokens: Of new turns.
        summary_tokens: Of the summary so far; what is longer is cut for the model, and for it alone.
        size: Of one token of o200k_base there, about.
    """

    model: str
    turns_tokens: int
    summary_tokens: int
    size: float = 1.0

    @property
    def portion_tokens(self) -> int:
        """New turns in one call by o200k_base, about."""
        return max(1, int(self.turns_tokens / self.size))


def reading(
    portion_tokens: int, max_tokens: int, *, window_tokens: int | None, model: str, reserve_tokens: int
) -> Reading:
    """As much as is wanted, or as fits the window beside prompt, summary and reply.

    Args:
        portion_tokens, max_tokens: Wanted of turns, and the longest summary, by o200k_base.
        window_tokens: None: it holds all that is wanted.
        reserve_tokens: For the reply.

    Raises:
        ConfigError: Hardly anything fits.
    """
    if window_tokens is None:
        return Reading(SIZE_BY, portion_tokens, max_tokens)
    size = _size(model)
    n_prompt = N_PROMPT_BYTES if size == _LOCAL else N_PROMPT_TOKENS * size
    room = window_tokens * _USED_SHARE - max(reserve_tokens, max_tokens) - n_prompt - _N_FRAME_TOKENS
    n_summary = min(max_tokens * size, room * _SUMMARY_SHARE)
    if room - n_summary < _LEAST_TURNS_TOKENS * size:
        least = _LEAST_TURNS_TOKENS * size / (1 - _SUMMARY_SHARE)
        needed = window_tokens + (least - room) / _USED_SHARE
        raise ConfigError(
            f"context.summary names a tier that takes {window_tokens} tokens with the reply (its window, or "
            f"context.max_prompt_tokens); a summary of {max_tokens} and a reserve of {reserve_tokens} "
            f"take about {math.ceil(needed)}"
        )
    return Reading(model, int(min(portion_tokens * size, room - n_summary)), int(n_summary), size)


def _size(model: str) -> float:
    if model.startswith("local/"):
        return _LOCAL
    return _OPENAI if is_exact_for(model) else _FOREIGN
