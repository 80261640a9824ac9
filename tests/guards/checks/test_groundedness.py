"""How many sentences count as borne out by their sources, with and without an embedder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.guards.check import Judge
from stepwell.guards.checks.groundedness import claims, make
from stepwell.guards.context import Context
from tests.tools.grounded_pairs import PAIRS

SOURCE, TRUE, FALSE = PAIRS[0]
CHECK = make()


def bags(texts: Sequence[str]) -> NDArray[np.float32]:
    """Stands in for an embedder: letters in threes, hashed the same in every run."""
    rows = np.zeros((len(texts), 512), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for i in range(len(text) - 2):
            row[sum(ord(c) * 31**k for k, c in enumerate(text[i : i + 3].lower())) % 512] += 1
    made: NDArray[np.float32] = rows / np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True))
    return made


@pytest.mark.parametrize("embed", [None, bags])
def test_own_pairs(embed: object) -> None:
    def n_loose(which: int) -> int:
        rows = [c for p in PAIRS for s in p[which] for c in claims(s, [p[0]], embed)]  # type: ignore[arg-type]
        assert len(rows) == 30
        return sum(c.support < 0.45 for c in rows)

    assert n_loose(1) <= 4
    assert n_loose(2) >= 26


def test_the_score_is_the_share_and_spans_are_the_sentences() -> None:
    text = f"{TRUE[1]} {FALSE[0]} {TRUE[2]} Do you want to know more about it?"
    found = CHECK.find_in(text, Context("output", sources=("Nothing of this.", SOURCE)))
    assert [text[f.start : f.end] for f in found] == [FALSE[0]]
    assert found[0].score == pytest.approx(1 / 3)


def test_numbers_and_names_must_stand_in_a_source() -> None:
    right, wrong = (
        claims(s, [SOURCE])[0].support
        for s in ("It carries 14,000 cars a day.", "It carries 15,000 cars a day.")
    )
    assert right - wrong > 0.3


@pytest.mark.parametrize(
    ("stage", "sources"), [("output", ()), ("tool_args", (SOURCE,)), ("input", (SOURCE,))]
)
def test_silent_without_sources_and_elsewhere(stage: object, sources: tuple[str, ...]) -> None:
    assert CHECK.find_in(FALSE[0], Context(stage, sources=sources)) == []  # type: ignore[arg-type]
    assert CHECK.find(FALSE[0]) == []


def test_a_stream_is_not_judged_by_its_first_sentence() -> None:
    context = Context("stream", sources=(SOURCE,))
    assert CHECK.find_in(" ".join(FALSE[:2]), context) == []
    assert len(CHECK.find_in(" ".join(FALSE), context)) == 3


def test_it_is_a_judge() -> None:
    assert isinstance(CHECK, Judge)
    assert CHECK.default_threshold(0.01) > CHECK.default_threshold(0.1) > CHECK.floor
    assert FALSE[0] not in CHECK.fault(FALSE[0], Context("output"))


def test_long_texts_end() -> None:
    source = "The harbour of Alm has 14 berths. " * 20_000
    assert len(claims("The harbour of Alm has 14 berths. " * 20_000, [source], bags)) == 100
    assert claims("." * 100_000 + "a.b" * 50_000, ["x"]) != []
