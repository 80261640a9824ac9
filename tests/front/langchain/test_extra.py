"""What stands on the package langchain says so where that is not installed."""

from __future__ import annotations

import sys

import pytest

import stepwell.front.langchain


def test_without_langchain_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("langchain", "langchain.agents", "langchain.agents.middleware"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "stepwell.front.langchain.middleware", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'stepwell\[langchain\]'"):
        _ = stepwell.front.langchain.StepwellContextMiddleware


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = stepwell.front.langchain.Nothing
