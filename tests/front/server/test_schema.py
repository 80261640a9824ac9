"""The running server against its own OpenAPI description: every operation, right data and wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi import checks

from stepwell.front.server.openapi import description
from stepwell.testing import FakeTier
from tests.support.served import Served

TIER: dict[str, Any] = {
    "model": "fake/talker",
    "window_tokens": 1_000_000,
    "capabilities": ["tools", "json_schema", "images"],
    "usd_per_1m_input": 1.0,
    "usd_per_1m_output": 2.0,
    "quality": 0.95,
}
QUIET = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A server whose tier always answers: any 5xx is its own fault."""
    values = {
        "tiers": {"standard": TIER},
        "backends": {"standard": FakeTier("It is ok.")},
        "promises": {"min_p_ok": 0},
        "cache": {"semantic": "off"},
        "guards": {"input": [{"check": "iban", "action": "review"}]},
    }
    with Served(values) as served:
        yield f"http://127.0.0.1:{served.port}"


def described(mode: GenerationMode) -> Any:
    generation = GenerationConfig(modes=[mode], allow_extra_parameters=False)
    project = ProjectConfig(generation=generation)
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    return schemathesis.openapi.from_dict(dict(description()), config=config)


RIGHT, WRONG = described(GenerationMode.POSITIVE), described(GenerationMode.NEGATIVE)
CONFORM = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


def answer(case: Case[Any], base_url: str, *more: Any) -> Any:
    found = case.call(base_url=base_url, timeout=20)
    case.validate_response(found, checks=[*CONFORM, *more])
    assert found.status_code < 500 or "x-stepwell-timeout-s" in case.headers  # as short as it asked for
    assert b"Traceback" not in found.content
    assert b'File "' not in found.content
    return found


@RIGHT.parametrize()  # type: ignore[untyped-decorator]
@QUIET
def test_right_data_is_answered(case: Case[Any], base_url: str) -> None:
    answer(case, base_url)


@WRONG.include(method=["POST", "DELETE"]).parametrize()  # type: ignore[untyped-decorator]
@QUIET
def test_wrong_data_is_refused_in_our_shape(case: Case[Any], base_url: str) -> None:
    answer(case, base_url, checks.negative_data_rejection)


@WRONG.include(method="GET", path_regex="conversations|reviews").parametrize()  # type: ignore[untyped-decorator]
@QUIET
def test_a_wrong_query_is_refused_in_our_shape(case: Case[Any], base_url: str) -> None:
    answer(case, base_url, checks.negative_data_rejection)
