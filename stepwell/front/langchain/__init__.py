"""Stepwell for LangChain: a chat model that routes, a cache for any chat model, and a history that is kept."""

from stepwell.front.langchain.cache import StepwellCache
from stepwell.front.langchain.chat import ChatStepwell
from stepwell.front.langchain.history import StepwellChatMessageHistory

__all__ = ["ChatStepwell", "StepwellCache", "StepwellChatMessageHistory"]
