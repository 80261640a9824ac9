"""Stepwell for LangChain: a chat model that routes, and a cache for any chat model."""

from stepwell.front.langchain.cache import StepwellCache
from stepwell.front.langchain.chat import ChatStepwell

__all__ = ["ChatStepwell", "StepwellCache"]
