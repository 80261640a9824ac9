"""LangChain's own standard suites, on a well in this process."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import (
    AsyncCacheTestSuite,
    ChatModelIntegrationTests,
    SyncCacheTestSuite,
)
from langchain_tests.unit_tests import ChatModelUnitTests

from stepwell import Stepwell
from stepwell.front.langchain import ChatStepwell, StepwellCache


class _OnAWell:
    """What both chat suites are told."""

    @pytest.fixture(autouse=True)
    def _with_well(self, well: Stepwell) -> None:
        self._well = well

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatStepwell

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"well": self._well, "model": "auto"}

    @property
    def supports_json_mode(self) -> bool:
        return True


class TestUnit(_OnAWell, ChatModelUnitTests):
    pass


class TestIntegration(_OnAWell, ChatModelIntegrationTests):
    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "talker"


class TestIntegrationByTools(_OnAWell, ChatModelIntegrationTests):
    """The same with structured output by tool calls."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "function_calling"}


class TestSyncCache(SyncCacheTestSuite):
    @pytest.fixture
    def cache(self) -> StepwellCache:
        return StepwellCache()


class TestAsyncCache(AsyncCacheTestSuite):
    @pytest.fixture
    async def cache(self) -> StepwellCache:
        return StepwellCache()
