"""What init proposes is a configuration that loads, whatever is found; it reads names of keys only."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config import Config
from stepwell.front.cli.init import DEFAULT_LOCAL, PROVIDERS, propose
from stepwell.front.cli.main import main

KEYS = [p.key_env for p in PROVIDERS]


@given(st.sets(st.sampled_from(KEYS)), st.sets(st.sampled_from([DEFAULT_LOCAL, "qwen", "other-1b"])))
def test_every_proposal_loads_and_holds_no_key(keys: set[str], local: set[str]) -> None:
    text = propose(dict.fromkeys(keys, "sk-hunter2"), sorted(local))
    assert "hunter2" not in text
    config = Config.make(yaml.safe_load(text))
    assert list(config.tiers) == ["premium", "standard", "local"]
    if keys:
        used = {config.tiers[t].deployments[0].api_key_env for t in ("premium", "standard")}
        assert used <= keys


def test_an_empty_key_is_no_key() -> None:
    assert "is not set" in propose({"OPENAI_API_KEY": ""}, [])


def test_the_models_are_known_to_the_price_map() -> None:
    litellm = find_spec("litellm")
    assert litellm is not None
    assert litellm.submodule_search_locations is not None
    prices = Path(litellm.submodule_search_locations[0]) / "model_prices_and_context_window_backup.json"
    known = json.loads(prices.read_text())
    models = [m for p in PROVIDERS for m in (p.premium, p.standard)]
    assert [m for m in models if m not in known and m.partition("/")[2] not in known] == []


def test_it_never_overwrites_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "stepwell.yaml"
    assert main(["init", "--path", str(path)]) == 0
    path.write_text("mine: true\n")
    assert main(["init", "--path", str(path)]) == 2
    assert path.read_text() == "mine: true\n"
    assert main(["init", "--path", str(path), "--force"]) == 0
    assert Config.from_yaml(path).tiers
    assert capsys.readouterr().out == ""
