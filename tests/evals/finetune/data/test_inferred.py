"""The schema of answers: all of them keep to it, and it holds to the choices that were seen."""

import json

from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.json_schema import first_fault
from stepwell.evals.finetune.data.curate import CurateOptions, curate
from stepwell.evals.finetune.data.example import Example
from stepwell.evals.finetune.data.inferred import inferred_schema

VALUES = st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.floats(-9, 9), st.sampled_from("abcd"))


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=40))
def test_every_answer_keeps_to_its_own_schema(pairs: list[tuple[object, object]]) -> None:
    rows = [{"a": a, "b": b} for a, b in pairs]
    schema = inferred_schema([json.dumps(row) for row in rows])
    assert schema is not None
    assert all(first_fault(row, schema) is None for row in rows)


def test_few_values_that_come_often_are_choices_and_others_are_not() -> None:
    rows = [{"order": str(n), "amount": n / 2, "reason": ("late", "damaged")[n % 2]} for n in range(10)]
    schema = inferred_schema([json.dumps(row) for row in rows])
    assert schema is not None
    assert schema["properties"] == {
        "order": {"type": "string"},
        "amount": {"type": "number"},
        "reason": {"enum": ["damaged", "late"]},
    }
    assert first_fault({"order": "1", "amount": 2, "reason": "lost"}, schema) is not None
    assert first_fault({"order": "1", "amount": 2}, schema) is not None


def test_answers_of_other_shapes_have_none() -> None:
    assert inferred_schema([]) is None
    assert inferred_schema(["late"]) is None
    assert inferred_schema(['{"a": 1}', '{"b": 1}']) is None
    assert inferred_schema(['{"a": 1, "b": 2}', '{"b": 1, "a": 2}']) is None


def test_a_curated_dataset_carries_the_schema_and_loses_no_held_out_example_by_it() -> None:
    reasons = ("late", "damaged")
    train = [_example(n, reasons[n % 2]) for n in range(20)]
    apart = [_example(n, "never seen before") for n in range(20, 24)]
    made = curate(train, options=CurateOptions(infers_schema=True), held_out=apart)
    assert made.card.n_held_out == 4
    assert json.loads(made.card.schema_json or "")["properties"]["reason"] == {"enum": ["damaged", "late"]}
    assert curate(train, held_out=apart).card.schema_json is None


def _example(n: int, reason: str) -> Example:
    words = " ".join(f"{word}{n}" for word in ("lamp", "order", "paid", "box", "street", "plate"))
    answer = json.dumps({"order": str(n), "reason": reason})
    return Example(id=str(n), messages=({"role": "user", "content": f"{words} {reason}"},), answer=answer)
