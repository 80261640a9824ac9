"""Stepwell for LangChain: a chat model that routes, a cache for any chat model, a history that is kept, and agents
whose context never overflows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stepwell.front.langchain.cache import StepwellCache
from stepwell.front.langchain.chat import ChatStepwell
from stepwell.front.langchain.history import StepwellChatMessageHistory

if TYPE_CHECKING:
    from stepwell.front.langchain.middleware import StepwellContextMiddleware

__all__ = ["ChatStepwell", "StepwellCache", "StepwellChatMessageHistory", "StepwellContextMiddleware"]


def __getattr__(name: str) -> Any:
    # agents are in the package langchain, which takes a second to import; all else needs langchain-core alone
    if name != "StepwellContextMiddleware":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from stepwell.front.langchain.middleware import StepwellContextMiddleware
    except ModuleNotFoundError as e:
        if e.name is None or e.name.partition(".")[0] not in ("langchain", "langgraph"):
            raise
        raise ModuleNotFoundError(
            f"{name} needs langchain: pip install 'stepwell[langchain]'", name=e.name
        ) from e
    return StepwellContextMiddleware
