"""Which languages pass."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.base.errors import ConfigError
from stepwell.guards.check import Judge
from stepwell.guards.checks.language import make

GERMAN = "Bitte schreibe mir einen kurzen Brief an meine Vermieterin wegen der Heizung."
ENGLISH = "Please write a short letter to my landlady about the heating."
JAPANESE = "暖房について大家さんに短い手紙を書いてください。よろしくお願いします。"


def score(text: str, **options: Any) -> float:
    pytest.importorskip("py3langid")
    return max((f.score for f in make(**options).find(text)), default=0.0)


@pytest.mark.parametrize(
    ("options", "passes", "is_found"),
    [
        ({}, ENGLISH, GERMAN),
        ({"allow": ["de", "en"]}, GERMAN, JAPANESE),
        ({"deny": ["ja"]}, GERMAN, JAPANESE),
        ({"allow": ["de", "en"], "deny": ["de"]}, ENGLISH, GERMAN),
    ],
)
def test_tells_languages_apart(options: dict[str, Any], passes: str, is_found: str) -> None:
    assert score(passes, **options) < 0.5
    assert score(is_found, **options) > 0.95


def test_the_finding_spans_the_text() -> None:
    pytest.importorskip("py3langid")
    (finding,) = make().find(GERMAN * 100)
    assert (finding.kind, finding.start, finding.end) == ("LANGUAGE", 0, 100 * len(GERMAN))


def test_short_texts_say_nothing() -> None:
    assert make().find("Danke schön! 123 456 789") == []


def test_an_unknown_code_is_an_error() -> None:
    pytest.importorskip("py3langid")
    with pytest.raises(ConfigError, match="qq"):
        make(allow=["qq"]).find(GERMAN)


@pytest.mark.parametrize("options", [{"allow": "en"}, {"allow": ["EN"]}, {"deny": ["german"]}, {"floor": 2}])
def test_refuses_what_is_no_list_of_codes(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="language"):
        make(**options)


def test_is_stricter_for_a_smaller_budget() -> None:
    judge = make()
    assert isinstance(judge, Judge)
    thresholds = [judge.default_threshold(budget) for budget in (0.05, 0.01, 0.003, 0.0001)]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] < thresholds[-1] <= 1
