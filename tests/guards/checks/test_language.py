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


HONEST = {
    "chat": "lol yeah same haha ok brb",
    "log": "2026-11-20 10:12:01,133 INFO [pool-1-thread-3] id=882 took 1200 ns\n127.0.0.1 GET /a HTTP/1.1 200 5123",
    "places": "48.858370, 2.294481; 40°26'46\"N 79°58'56\"W; 90210 Beverly Hills; postal 10115 Berlin",
    "formula": r"\begin{align} \sum_{i=1}^{n} i^2 &= \frac{n(n+1)(2n+1)}{6} \\ \int_0^\infty e^{-x^2}\,dx \end{align}",
    "spaced": "T I T L E   O F   T H E   P O E M\n\nR o s e s are red",
    "versions": "nginx/1.25.3.1 on kernel 6.1.0-18-amd64, Chrome 119.0.6045.105, build 10.0.19045.3693, on 10.1.2.3",
    "scores": "Final 6-4 3-6 7-6 (7-5); marathon 2:00:35; bet 10 20 30 40 50 60; lottery 4 8 15 16 23 42",
    "genes": "ACGTACGTTAGCCGATCGATCGATTAGCGCGATATCGCGCTAGCTAGCTAGGCTAGCTAGCGATCGATCGTAG",
    "laughter": "ha" * 120 + " that was funny " + "!" * 60,
    "code": "getUserName(); setUserAge(n); clientSocketFactory.makeNewConnection(hostAddress, portNumber);",
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_what_is_no_prose_says_nothing(text: str) -> None:
    assert score(text) < 0.8


@pytest.mark.parametrize(
    "text",
    [
        f"id=8821 {GERMAN} --port=8080 10.0.0.1",
        f"{JAPANESE} 2026-11-25 10:00",
        "Zimmer 12: Heizung kalt! Bitte morgen kommen (vor 9:00), danke schön.",
        "暖房について短い手紙を書いてください。",
        "Напишите письмо соседке.",
        "ช่วยเขียนอีเมลถึงลูกค้าเพื่อแจ้งเลื่อนการประชุม",
        "می‌خواهم نامه‌ای بنویسم",
        "कृपया मेरे मकान मालिक को पत्र लिखें",
        # numbers around a long text don't hide it
        " ".join(f"{word} {n}x{n} {n}" for n, word in enumerate((GERMAN * 6).split())),
    ],
)
def test_prose_among_numbers_is_told(text: str) -> None:
    assert score(text) > 0.9


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
