"""What an import or a suite of traffic keeps: no address, number or key, wherever another tool put it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config.traffic import MASKED
from stepwell.base.messages import encode_json
from stepwell.evals.traffic.masked import masked_rows, without_text
from stepwell.evals.traffic.suite_of import SuiteOptions, suite_of
from stepwell.traffic_line import Logged, Needs

SECRET = "quagga.roe@example.com"
MADE = ["chatcmpl-9fAbC2", "obs-1", "r7", "550e8400-e29b-41d4-a716-446655440000", "a3" * 16, "REQ_2024-x1"]
FOUND = [SECRET, "0170-1234567", "123-45-6789", "4111111111111111", "quagga-roe", "+49 170 1234567", "a1\n"]


def row(**more: Any) -> Logged:
    values: dict[str, Any] = {
        "id": "r1",
        "tier": "small",
        "served": "small",
        "messages": ({"role": "user", "content": f"Mail {SECRET}, please."},),
        "answer": f"Mailed {SECRET}.",
    }
    return Logged(**(values | more))


FIELDS: dict[str, Any] = {
    "id": SECRET,
    "body_id": SECRET,
    "tenant": SECRET,
    "model": SECRET,
    "tier": SECRET,
    "own": SECRET,
    "served": SECRET,
    "policy": SECRET,
    "source": SECRET,
    "cache": SECRET,
    "error": SECRET,
    "embedder": SECRET,
    "traits_hash": SECRET,
    "rules": (SECRET,),
    "states": {SECRET: SECRET},
    "p_ok": {SECRET: 0.5},
    "expected_usd": {SECRET: 0.5},
    "propensity": {SECRET: 0.5},
    "scores": {SECRET: 0.5},
    "needs": Needs(response_format=SECRET),
    "is_masked": True,
    "messages": (),
}


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_of_an_import_leaks(field: str) -> None:
    given_row = row(**{field: FIELDS[field]})
    for made in (*masked_rows([given_row], MASKED), *without_text([given_row], MASKED)):
        assert b"quagga" not in encode_json(made)


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_of_a_suite_leaks(field: str) -> None:
    made = suite_of([row(**{field: FIELDS[field]})], SuiteOptions(by=("tier",)))
    assert b"quagga" not in encode_json([made.lines, made.told, made.told.said])


def test_ids_that_a_tool_made_stay_and_others_are_hashed_the_same_way_each_time() -> None:
    (*kept,) = masked_rows([row(id=i) for i in MADE], MASKED)
    assert [r.id for r in kept] == MADE
    first, again = ([r.id for r in masked_rows([row(id=i) for i in FOUND], MASKED)] for _ in range(2))
    assert first == again
    assert len(set(first)) == len(FOUND)
    assert all(i.startswith("id-") for i in first)


def test_names_of_models_and_what_was_masked_stay() -> None:
    said = row(model="openai/gpt-4.1-mini", tier="premium", served="claude-3-5@20240620")
    (once,) = masked_rows([said], MASKED)
    assert (once.model, once.tier, once.served) == ("openai/gpt-4.1-mini", "premium", "claude-3-5@20240620")
    assert list(masked_rows([once], MASKED)) == [once]
    assert "[EMAIL]" in str(once.messages)


@given(st.text())
def test_any_id_becomes_one_that_stays(name: str) -> None:
    (once,) = masked_rows([row(id=name)], MASKED)
    assert next(masked_rows([once], MASKED)).id == once.id
