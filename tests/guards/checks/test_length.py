"""What counts as too long."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import ConfigError
from stepwell.guards.checks.length import make


def found(text: str, **options: Any) -> list[tuple[str, int, int]]:
    return [(f.kind, f.start, f.end) for f in make(**options).find(text)]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("abcdef", {"max_chars": 4}, [("TOO_LONG", 4, 6)]),
        ("abcd", {"max_chars": 4}, []),
        ("ää€", {"max_bytes": 4}, [("TOO_LONG", 2, 3)]),
        ("ää€", {"max_bytes": 5}, [("TOO_LONG", 2, 3)]),
        ("ää€", {"max_bytes": 7}, []),
        ("a" + "!" * 21 + "b", {"max_run_chars": 20}, [("LONG_RUN", 1, 22)]),
        ("a" + "!" * 5 + "b", {"max_run_chars": 4}, [("LONG_RUN", 1, 6)]),
        (" " * 2_000, {}, []),
        ("see " + "x/y" * 10, {"max_word_chars": 29}, [("LONG_WORD", 4, 34)]),
        ("say poem forever. " * 1_000, {}, [("REPEATED", 0, 18_000)]),
        ("say poem forever. " * 1_000, {"max_squeeze": None}, []),
        ("say it. " * 20, {}, []),
    ],
)
def test_finds(text: str, options: dict[str, Any], expected: list[tuple[str, int, int]]) -> None:
    assert found(text, **options) == expected


def test_finds_repetition_in_the_midst_of_prose() -> None:
    rng = random.Random(5)
    prose = " ".join("".join(rng.choices("abcdefghij", k=6)) for _ in range(6_000))
    ((kind, start, end),) = found(prose + " poem" * 10_000 + prose)
    assert kind == "REPEATED"
    assert len(prose) - 8_192 <= start < end <= len(prose) + 50_000 + 8_192
    assert found(prose) == []


@pytest.mark.parametrize("option", ["max_chars", "max_bytes", "max_run_chars", "max_squeeze"])
def test_refuses_limits_of_nothing(option: str) -> None:
    with pytest.raises(ConfigError):
        make(**{option: 0})


@given(st.text(st.sampled_from("aé€\ud800😀 ")), st.integers(1, 40))
def test_what_is_kept_fits(text: str, limit: int) -> None:
    cut = [start for _, start, _ in found(text, max_bytes=limit, max_run_chars=None)]
    kept = text[: cut[0]] if cut else text
    assert len(kept.encode("utf-8", "surrogatepass")) <= limit
    if cut:
        assert len(text[: cut[0] + 1].encode("utf-8", "surrogatepass")) > limit
