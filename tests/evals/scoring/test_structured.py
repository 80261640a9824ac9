"""JSON Schema and pydantic: the shape of an answer, and what it holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from stepwell.evals.scored import Scored
from stepwell.evals.scoring.structured import ModelScorer, SchemaScorer
from stepwell.evals.suite import Row, Suite, SuiteError

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "n": {"$ref": "#/$defs/count"}},
    "required": ["city"],
    "$defs": {"count": {"type": "integer", "minimum": 1}},
}


class Order(BaseModel):
    city: str
    n: int = Field(default=1, ge=1)

    @field_validator("city")
    @classmethod
    def known(cls, city: str) -> str:
        if city == "Atlantis":
            raise ZeroDivisionError("never shown")
        return city


def row(scorer: dict[str, object], target: object = None) -> Row:
    line = {"id": "a", "prompt": "x", "scorer": scorer} | ({} if target is None else {"target": target})
    return Suite.parse([json.dumps(line)], name="s").rows[0]


def schema_row(target: object = None) -> Row:
    return row({"name": "json_schema", "schema": SCHEMA}, target)


def model_row(target: object = None, model: str = "tests.support.models:Order") -> Row:
    return row({"name": "pydantic", "model": model}, target)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """This file's model under a name that any module could have."""
    import sys
    import types

    module = types.ModuleType("tests.support.models")
    vars(module).update(Order=Order, a_number=3)
    monkeypatch.setitem(sys.modules, "tests.support.models", module)


ANSWERS = [
    ('{"city": "Rome", "n": 2}', 1.0, "", ""),
    ('Here you are:\n```json\n{"city": "Rome"}\n```\nAnything else?', 1.0, "", ""),
    ('{"n": 2}', 0.0, "required", "missing"),
    ('{"city": 5}', 0.0, "type", "string_type"),
    ('{"city": "Rome", "n": 0}', 0.0, "minimum", "greater_than_equal"),
    ('["Rome"]', 0.0, "type", "model_type"),
    ('{"city": "Ro', 0.0, "no_json", "no_json"),
    ("I can't.", 0.0, "no_json", "no_json"),
    ("[" * 100_000, 0.0, "no_json", "no_json"),
]


@pytest.mark.parametrize(("answer", "score", "keyword", "error"), ANSWERS)
async def test_an_answer_has_the_shape_or_what_it_breaks_is_named(
    answer: str, score: float, keyword: str, error: str
) -> None:
    assert await SchemaScorer().score(schema_row(), [answer]) == Scored(score, why=keyword)
    assert await ModelScorer().score(model_row(), ["an earlier turn", answer]) == Scored(score, why=error)


async def test_a_target_must_be_held_too() -> None:
    answer = '{"city": "Rome", "n": 2}'
    for target, score in ({"city": "Rome"}, 1.0), ({"n": 2.0}, 1.0), ({"city": "Oslo"}, 0.0):
        assert (await SchemaScorer().score(schema_row(target), [answer])).score == score
        assert (await ModelScorer().score(model_row(target), [answer])).score == score


@pytest.mark.parametrize(
    ("model", "answer", "error"),
    [
        ("tests.support.models:Nothing", "{}", "config_error"),
        ("no.such.module:Order", "{}", "config_error"),
        ("tests.support.models:a_number", "{}", "scorer_failed"),
        ("tests.support.models:Order", '{"city": "Atlantis"}', "scorer_failed"),
    ],
)
async def test_a_model_that_fails_gives_an_error_and_no_score(model: str, answer: str, error: str) -> None:
    scored = await ModelScorer().score(model_row(model=model), [answer])
    assert (scored.score, scored.error) == (None, error)
    assert "never shown" not in scored.why


@pytest.mark.parametrize(
    "scorer",
    [
        {"name": "json_schema"},
        {"name": "json_schema", "schema": "never shown"},
        {"name": "json_schema", "schema": {"type": "never shown"}},
        {"name": "json_schema", "schema": {"$ref": "https://example.com/never shown"}},
        {"name": "json_schema", "schema": {"$ref": "#/$defs/none"}},
        {"name": "json_schema", "schema": {"patternProperties": {"^a": {}}}},
        {"name": "json_schema", "schema": {}, "strict": True},
        {"name": "pydantic", "model": "never shown"},
        {"name": "pydantic", "model": "os.system"},
        {"name": "pydantic", "model": 5},
    ],
)
def test_options_that_cannot_be_checked_are_refused(scorer: dict[str, object]) -> None:
    with pytest.raises(SuiteError) as caught:
        row(scorer)
    assert caught.value.field == "scorer"
    assert "never shown" not in str(caught.value)


@given(
    st.text(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["city", "n"]), inner, max_size=2)
        ),
    ).map(json.dumps)
)
async def test_both_scorers_agree_on_any_answer_of_plain_values(answer: str) -> None:
    by_schema = await SchemaScorer().score(schema_row(), [answer])
    by_model = await ModelScorer().score(model_row(), [answer])
    assert by_schema.score in (0.0, 1.0)
    # pydantic takes what can be read as a number, the schema does not
    if by_schema.score == 1.0:
        assert by_model.score == 1.0
