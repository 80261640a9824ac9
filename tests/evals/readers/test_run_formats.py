"""Files of others, from the reader through a run to the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stepwell.base.decisions import Trace
from stepwell.base.messages import Answer, Choice, Message, Usage, encode_json
from stepwell.base.reply import Reply
from stepwell.evals.run import run_suite
from stepwell.evals.scoring.open import Means, open_judging
from stepwell.evals.suite import Suite

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


async def test_gsm8k_is_asked_and_scored(tmp_path: Path, make_well: Any) -> None:
    rows = [{"question": f"{i} + {i}?", "answer": f"Add.\n#### {2 * i:,}"} for i in range(600, 620)]
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    suite = Suite.load(tmp_path / "test.jsonl")
    report = await run_suite(make_well(), suite, tiers=["weak", "strong"], journal_path=tmp_path / "j")
    assert {t.tier: t.quality for t in report.tiers} == {"strong": 1.0, "weak": 0.8}


@pytest.mark.parametrize(
    ("scorer", "target", "quality"),
    [
        ({"name": "json_schema", "schema": SCHEMA}, {"n": 3}, 1.0),
        ({"name": "json_schema", "schema": SCHEMA}, {"n": 4}, 0.0),
        ({"name": "pydantic", "model": "stepwell.base.config.context:EmbeddingConfig"}, {}, 0.0),
        ({"name": "similarity", "min_similarity": 0.9}, 'Here: {"n": 3}', 1.0),
        ({"name": "similarity", "min_similarity": 0.9}, "Otters eat fish.", 0.0),
    ],
)
async def test_scorers_that_wait_are_opened_and_scored(
    tmp_path: Path, make_well: Any, scorer: Mapping[str, object], target: object, quality: float
) -> None:
    class Says(make_well):  # type: ignore[misc]
        async def achat(self, messages: object, **params: object) -> Reply:
            body = encode_json(Answer([Choice(Message("assistant", 'Here: {"n": 3}'))]))
            return Reply(body, "strong", "test/adder", 0.0, Usage(7, 3, 10), Trace("t"))

    suite = Suite.parse(
        [json.dumps({"id": "a", "prompt": "x", "scorer": scorer, "target": target})], name="s"
    )
    well = Says()
    judging = open_judging({row.scorer for row in suite.rows}, Means(well))
    try:
        report = await run_suite(well, suite, tiers=["strong"], journal_path=tmp_path / "j", judging=judging)
    finally:
        await judging.close()
    assert [(t.quality, dict(t.errors)) for t in report.tiers] == [(quality, {})]
