"""The person check reports what a spaCy model calls a person, and says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.base.errors import ConfigError
from stepwell.guards import spacy_models
from stepwell.guards.checks import make


def test_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spacy_models, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="pip install spacy"):
        make("person", {})


def test_says_which_model_is_missing() -> None:
    pytest.importorskip("spacy")
    with pytest.raises(ConfigError, match="no_such_model"):
        make("person", {"model": "no_such_model"})


def test_finds_what_the_model_calls_a_person(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    model = spacy.blank("en")
    model.to_disk(tmp_path / "bare")
    ruler = model.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Ann Lee"}, {"label": "ORG", "pattern": "Acme"}])
    model.to_disk(tmp_path / "ruled")
    text = "Acme paid Ann Lee. " * 20
    check = make("person", {"model": str(tmp_path / "ruled"), "max_chars": len(text) // 2})
    found = check.find(text)
    assert {text[f.start : f.end] for f in found} == {"Ann Lee"}
    assert len(found) == 20
    with pytest.raises(ConfigError, match="finds no names"):
        make("person", {"model": str(tmp_path / "bare")})
