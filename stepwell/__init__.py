"""Stepwell: LLM routing that goes down only as many tiers as the question needs, and keeps its promises."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepwell.base.config import Config as Config
    from stepwell.base.decisions import Decision as Decision
    from stepwell.base.errors import AllTiersFailed as AllTiersFailed
    from stepwell.base.errors import BadRequest as BadRequest
    from stepwell.base.errors import BudgetExceeded as BudgetExceeded
    from stepwell.base.errors import ConfigError as ConfigError
    from stepwell.base.errors import ContextTooLong as ContextTooLong
    from stepwell.base.errors import GuardBlocked as GuardBlocked
    from stepwell.base.errors import QualityFloorUnmet as QualityFloorUnmet
    from stepwell.base.errors import StepwellError as StepwellError
    from stepwell.base.errors import StreamBroken as StreamBroken
    from stepwell.base.errors import TierError as TierError
    from stepwell.base.reply import Reply as Reply
    from stepwell.conversation import Conversation as Conversation
    from stepwell.front.openai_client import openai_client as openai_client
    from stepwell.stream import ReplyStream as ReplyStream
    from stepwell.well import Stepwell as Stepwell

__version__ = "0.1.0"

_HOME = {
    "Config": "stepwell.base.config",
    "Conversation": "stepwell.conversation",
    "Decision": "stepwell.base.decisions",
    "Reply": "stepwell.base.reply",
    "ReplyStream": "stepwell.stream",
    "Stepwell": "stepwell.well",
    "openai_client": "stepwell.front.openai_client",
    **dict.fromkeys(
        (
            "AllTiersFailed",
            "BadRequest",
            "BudgetExceeded",
            "ConfigError",
            "ContextTooLong",
            "GuardBlocked",
            "QualityFloorUnmet",
            "StepwellError",
            "StreamBroken",
            "TierError",
        ),
        "stepwell.base.errors",
    ),
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'stepwell' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(home), name)
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
