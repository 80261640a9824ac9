"""What others would do with a stream."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stepwell.base.errors import BadRequest
from stepwell.evals.cache.arrivals import Arrival
from stepwell.evals.cache.baselines import gptcache, per_entry, static_in_hindsight
from stepwell.evals.cache.embedded import EmbeddedTexts
from stepwell.evals.cache.stream_table import stream_table, table_rows


class Angles:
    """A text is an angle in degrees: cosines are known by heart."""

    name = "angles"
    dim = 2

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        angles = np.radians([float(text.split()[0]) for text in texts])
        return np.stack((np.cos(angles), np.sin(angles)), axis=1).astype(np.float32)


def texts() -> EmbeddedTexts:
    return EmbeddedTexts(Angles())


def circle(n: int, seed: int = 0) -> list[Arrival]:
    """Ten classes, 36 degrees apart, blurred by 5."""
    rng = random.Random(seed)
    return [
        Arrival(f"{36 * cls + rng.gauss(0, 5):.3f}", str(cls))
        for cls in (rng.randrange(10) for _ in range(n))
    ]


def test_gptcache_serves_from_cosine_six_tenths_on() -> None:
    arrivals = [Arrival("0", "a"), Arrival("53.2", "b"), Arrival("-53.1", "a"), Arrival("10", "b")]

    found = gptcache(arrivals, texts())
    assert (found.n_hits, found.n_wrong) == (2, 1)  # cos 53.2 < .6 < cos 53.1


def test_the_threshold_in_hindsight_keeps_the_budget_and_no_other_serves_more() -> None:
    arrivals = circle(400)
    best = static_in_hindsight(arrivals, texts(), max_error=0.05)

    assert best.cosine is not None
    assert best.summary.error is not None
    assert best.summary.error <= 0.05
    tight = static_in_hindsight(arrivals, texts(), max_error=0.005)
    assert tight.cosine is None or tight.cosine >= best.cosine
    assert tight.summary.n_hits <= best.summary.n_hits
    assert best.summary.n_hits <= gptcache(arrivals, texts()).n_hits


def test_where_no_threshold_keeps_the_budget_nothing_is_served() -> None:
    arrivals = [Arrival(f"{i / 1000:.3f}", str(i)) for i in range(50)]

    best = static_in_hindsight(arrivals, texts(), max_error=0.02)
    assert best.cosine is None
    assert best.summary.n_hits == 0


def test_a_learner_for_each_entry_waits_for_that_entry_s_verdicts() -> None:
    few = per_entry(circle(60), texts(), max_error=0.05)
    many = per_entry(circle(1500), texts(), max_error=0.05)

    assert few.n_hits == 0
    assert many.hit_rate > 0.2
    assert many.n_audits > 0


@pytest.mark.parametrize("zipped", [False, True])
def test_one_table_for_all_methods(tmp_path: Path, zipped: bool) -> None:
    rows = "\n".join(json.dumps({"query": a.text, "cls": a.cls}) for a in circle(150)) + "\n\n"
    file = tmp_path / ("ring.jsonl.gz" if zipped else "ring.jsonl")
    file.write_bytes(gzip.compress(rows.encode()) if zipped else rows.encode())

    lines = stream_table([file], [0.05], embedder=Angles(), verifier=None, n_orders=2)
    assert [line.method for line in lines] == [
        "best static cosine",
        "GPTCache",
        "per entry",
        "Stepwell serve",
        "Stepwell auto",
    ]
    assert {(line.stream, line.n, line.n_orders) for line in lines} == {("ring", 150, 2)}
    head, *cells = table_rows(lines)
    assert all(len(row) == len(head) for row in cells)


@pytest.mark.parametrize("line", ["[]", "{", '{"query": "3"}'])
def test_a_wrong_line_is_refused_without_its_text(tmp_path: Path, line: str) -> None:
    file = tmp_path / "ring.jsonl"
    file.write_text(line)

    with pytest.raises(BadRequest) as caught:
        stream_table([file], [0.05], embedder=Angles(), verifier=None)
    assert line not in str(caught.value)
