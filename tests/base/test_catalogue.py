from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from stepwell.base import catalogue
from stepwell.base.catalogue import CATALOGUE_DATE, PROVIDERS, ModelCard, apply, card
from stepwell.base.config import DeploymentConfig
from stepwell.base.pricemap import litellm_fact
from stepwell.base.providers import api_key_env

SHIPPED = sorted(catalogue._cards)
NAMES = {"tools", "json_schema", "images", "logprobs"}


def known(model: str) -> ModelCard:
    found = card(model)
    assert found is not None
    return found


def test_the_catalogue_is_dated_and_names_each_model_once() -> None:
    assert date.fromisoformat(CATALOGUE_DATE) <= date.today()
    assert len(catalogue._shipped.models) == len(SHIPPED) >= 60


@pytest.mark.parametrize("model", SHIPPED)
def test_a_shipped_card_has_no_gaps(model: str) -> None:
    c = known(model)
    assert c.usd_per_1m_input is not None
    assert 0 < c.usd_per_1m_input <= 1000
    assert c.usd_per_1m_output is not None
    assert 0 < c.usd_per_1m_output <= 1000
    assert c.usd_per_1m_cached_input is None or 0 < c.usd_per_1m_cached_input <= c.usd_per_1m_input
    assert c.window_tokens is not None
    assert c.window_tokens >= 8192
    assert c.quality is not None
    assert 0 < c.quality < 1
    assert c.capabilities <= NAMES
    assert c.price_holds_to_tokens is None or 0 < c.price_holds_to_tokens < c.window_tokens


def test_the_shipped_facts_are_those_of_the_map_they_name() -> None:
    fact = litellm_fact("openai/gpt-4.1")
    assert fact is not None
    c = known("openai/gpt-4.1")
    if fact.source == c.source:
        assert fact.input_cost_per_token == pytest.approx(2e-6)
    assert (c.usd_per_1m_input, c.usd_per_1m_cached_input, c.usd_per_1m_output) == (2.0, 0.5, 8.0)
    assert c.window_tokens == 1_047_576
    assert c.capabilities == NAMES


def test_quality_orders_the_default_tiers() -> None:
    names = ["local/smollm2-135m-instruct", "openai/gpt-4.1-nano", "openai/gpt-4.1-mini", "openai/gpt-4.1"]
    assert [known(n).quality for n in names] == [0.12, 0.6, 0.75, 0.9]


def test_a_model_that_does_not_ship_comes_from_litellms_map() -> None:
    for model in ("anthropic/claude-opus-4-5-20251101", "openai/gpt-5-2025-08-07", "azure/gpt-4.1"):
        assert model not in SHIPPED
        c = known(model)
        assert c.model == model
        assert c.usd_per_1m_output is not None
        assert c.usd_per_1m_output > 0
        assert c.quality is None
        assert c.source.startswith("litellm")


@pytest.mark.parametrize(
    "model",
    [
        "nobody/never-heard-of-it",
        "openai/never-heard-of-it",
        "anthropic/gpt-4.1",  # another provider's model
        "openai/text-embedding-3-small",  # no chat model
        "sample_spec",
        "",
    ],
)
def test_an_unknown_model_has_no_card(model: str) -> None:
    assert card(model) is None


def test_a_price_that_nobody_filled_in_stays_unknown() -> None:
    c = known("cohere/command-a-plus-05-2026")  # 0 and 0 in the map
    assert c.usd_per_1m_input is None
    assert c.usd_per_1m_output is None


@pytest.mark.parametrize("model", ["local/smollm2-135m-instruct", "local//some/folder/any.gguf"])
def test_a_local_model_is_free_and_small(model: str) -> None:
    c = known(model)
    assert (c.usd_per_1m_input, c.usd_per_1m_cached_input, c.usd_per_1m_output) == (0.0, 0.0, 0.0)
    assert c.window_tokens == 2048
    assert c.quality == 0.12
    assert "tools" not in c.capabilities


def test_what_a_deployment_sets_wins() -> None:
    plain = known("openai/gpt-4.1")
    assert apply(plain, DeploymentConfig(model="openai/gpt-4.1")) == plain
    changed = apply(
        plain,
        DeploymentConfig(
            model="openai/gpt-4.1",
            usd_per_1m_input=1.5,
            usd_per_1m_output=6,
            window_tokens=1000,
            max_output_tokens=100,
            capabilities=["tools"],
        ),
    )
    assert changed.usd_per_1m_input == 1.5
    assert changed.usd_per_1m_cached_input is None
    assert changed.usd_per_1m_output == 6
    assert (changed.window_tokens, changed.max_output_tokens) == (1000, 100)
    assert changed.capabilities == {"tools"}
    assert changed.quality == plain.quality


def test_a_deployment_may_set_a_price_of_nothing_and_no_capabilities() -> None:
    free = DeploymentConfig(model="openai/gpt-4.1", usd_per_1m_cached_input=0, capabilities=[])
    changed = apply(known("openai/gpt-4.1"), free)
    assert (changed.usd_per_1m_input, changed.usd_per_1m_cached_input) == (2.0, 0)
    assert changed.capabilities == frozenset()


def test_a_deployment_of_an_unknown_model_has_what_it_sets_and_no_more() -> None:
    made = apply(None, DeploymentConfig(model="mine/model", usd_per_1m_input=1, window_tokens=4096))
    assert made == ModelCard("mine/model", usd_per_1m_input=1, window_tokens=4096)
    assert made.usd_per_1m_output is None


def test_every_provider_has_a_safe_address_and_a_key_variable() -> None:
    for name, provider in PROVIDERS.items():
        assert provider.base_url.startswith("https://")
        assert not provider.base_url.endswith("/")
        assert provider.api_key_env.endswith("_API_KEY")
        assert api_key_env(f"{name}/some-model") == provider.api_key_env
    assert api_key_env("anthropic/claude-opus-5") == "ANTHROPIC_API_KEY"
    assert api_key_env("local/smollm2-135m-instruct") is None


def test_neither_litellm_nor_its_map_is_touched_for_a_shipped_model() -> None:
    code = """
import sys
from stepwell.base import catalogue, pricemap
def refuse(): raise AssertionError("the map was read")
pricemap._path = refuse
assert catalogue.card("openai/gpt-4.1").usd_per_1m_input == 2.0
assert "litellm" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_litellm_other_models_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert litellm_fact("azure/gpt-4.1") is None
