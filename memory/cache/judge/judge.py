"""What judges whether a neighbour's answer would have done, as the config names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stepwell.base import plug
from stepwell.base.errors import ConfigError
from stepwell.memory.cache.judge.answers import AnswersJudge
from stepwell.memory.cache.judge.case import Case, Judge
from stepwell.memory.cache.judge.own import OwnJudge
from stepwell.memory.cache.judge.tier import AskTier, TierJudge

if TYPE_CHECKING:
    from stepwell.base.embedding import Embedder

__all__ = ["AnswersJudge", "Case", "Judge", "OwnJudge", "TierJudge", "make_judge"]

GROUP = "stepwell.judges"


def make_judge(
    spec: str,
    *,
    ask: AskTier | None = None,
    embedder: Callable[[], Embedder] | None = None,
) -> Judge | None:
    """Make what `cache.judge` names; None for "off".

    Args:
        spec: "answers", "off", "tier:NAME", or an entry point or 'module:function' of the user's: a function of
            (question, fresh, cached), or an object with the method of a Judge.
        ask: For "tier:NAME": sends a prompt to that tier and gives the reply's text.
        embedder: For "answers".

    Raises:
        ConfigError: Nothing has that name, or it can't judge.
    """
    if spec == "off":
        return None
    if spec == "answers":
        return AnswersJudge(embedder)
    kind, _, name = spec.partition(":")
    if kind == "tier":
        if not name or ask is None:
            raise ConfigError(f"cache.judge is {spec!r}: name a tier, as in 'tier:local'")
        return TierJudge(ask)
    return _own(spec, plug.load(spec, group=GROUP))


def _own(spec: str, found: Any) -> Judge:
    same = getattr(found, "same", None)
    if same is not None and not isinstance(found, type):
        return OwnJudge(lambda query, fresh, cached: same(Case(query, fresh, cached)))
    if not callable(found) or isinstance(found, type):
        raise ConfigError(f"cache.judge is {spec!r}: that is no function of (question, fresh, cached)")
    return OwnJudge(found)
