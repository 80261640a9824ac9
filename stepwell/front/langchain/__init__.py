"""Stepwell for LangChain: a chat model that routes, a cache for any chat model, a history that is kept, and agents
whose context never overflows and whose texts are guarded."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stepwell.front.langchain.cache import StepwellCache
from stepwell.front.langchain.chat import ChatStepwell
from stepwell.front.langchain.history import StepwellChatMessageHistory

if TYPE_CHECKING:
    from stepwell.front.langchain.guard import GuardMiddleware
    from stepwell.front.langchain.middleware import StepwellContextMiddleware

__all__ = [
    "ChatStepwell",
    "GuardMiddleware",
    "StepwellCache",
    "StepwellChatMessageHistory",
    "StepwellContextMiddleware",
]
_OF_AGENTS = {"GuardMiddleware": "guard", "StepwellContextMiddleware": "middleware"}


def __getattr__(name: str) -> Any:
    # agents are in the package langchain, which takes a second to import; all else needs langchain-core alone
    if name not in _OF_AGENTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(f"{__name__}.{_OF_AGENTS[name]}")
    except ModuleNotFoundError as e:
        if e.name is None or e.name.partition(".")[0] not in ("langchain", "langgraph"):
            raise
        raise ModuleNotFoundError(
            f"{name} needs langchain: pip install 'stepwell[langchain]'", name=e.name
        ) from e
    return getattr(module, name)
