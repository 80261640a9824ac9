"""change_case:* and language:* - followed and missed."""

from __future__ import annotations

import pytest

from stepwell.evals.scoring.ifeval import language
from stepwell.evals.scoring.ifeval.score import follows

ENGLISH = "The small harbour was quiet in the morning and people carried bread to the market."
GERMAN = "Der kleine Hafen war am Morgen still und die Leute trugen Brot zum Markt."
HINDI = "सुबह छोटा बंदरगाह शांत था और लोग बाज़ार की ओर रोटी ले जा रहे थे।"


@pytest.mark.parametrize("relation", ["at least", "less than"])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_capital_word_frequency(n: int, relation: str) -> None:
    given = {"capital_frequency": 3, "capital_relation": relation}
    answer = "Some BREAD, " * n + "and more."
    is_followed = follows("change_case:capital_word_frequency", given, "", answer)
    assert is_followed is ((n >= 3) is (relation == "at least"))


def test_case_is_looked_at_before_the_language() -> None:
    assert not follows("change_case:english_capital", {}, "", ENGLISH)
    assert not follows("change_case:english_lowercase", {}, "", ENGLISH)


@pytest.fixture
def detector() -> None:
    pytest.importorskip("langdetect")


@pytest.mark.usefixtures("detector")
class TestLanguages:
    def test_english_capital(self) -> None:
        assert follows("change_case:english_capital", {}, "", f"{ENGLISH} {ENGLISH}".upper())
        assert not follows("change_case:english_capital", {}, "", ENGLISH.upper() + "x")
        assert not follows("change_case:english_capital", {}, "", HINDI + " A")

    def test_english_lowercase(self) -> None:
        assert follows("change_case:english_lowercase", {}, "", ENGLISH.lower())
        assert not follows("change_case:english_lowercase", {}, "", ENGLISH.lower() + "X")
        assert not follows("change_case:english_lowercase", {}, "", GERMAN.lower())

    @pytest.mark.parametrize(("code", "text"), [("en", ENGLISH), ("de", GERMAN), ("hi", HINDI)])
    def test_response_language(self, code: str, text: str) -> None:
        for asked in ("en", "de", "hi"):
            is_followed = follows("language:response_language", {"language": asked}, "", text)
            assert is_followed is (asked == code)

    def test_a_text_without_letters_is_in_any_language(self) -> None:
        assert language.language("12 + 3") is None
        assert follows("language:response_language", {"language": "de"}, "", "12 + 3")

    def test_the_same_text_is_always_in_the_same_language(self) -> None:
        found = []
        for _ in range(10):
            language.language.cache_clear()
            found.append(language.language("taxi hotel radio pizza"))
        assert len(set(found)) == 1
