"""The stand-in for a premium model: right answers count, wrong ones don't, and it errs as often as it is told."""

import openai
import pytest

from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import Row
from tests.tools.mixed_routing import mixed, partial
from tests.tools.stand_in import StandIn, known_answers, right_answer, wrong_answer

ROWS = mixed("refund_mails_held_out", 200, 160, 600, seed=0).rows


def _score(row: Row, answer: str) -> float:
    return SCORERS[row.scorer].best(answer, row.targets)


def test_right_answers_count_and_wrong_ones_do_not() -> None:
    known = known_answers()
    assert [row.id for row in ROWS if _score(row, right_answer(row, known)) != 1.0] == []
    assert [row.id for row in ROWS if _score(row, wrong_answer(row)) != 0.0] == []


@pytest.mark.parametrize("error_rate", [0.0, 0.2, 1.0])
def test_it_errs_as_often_as_it_is_told_and_on_the_same_rows(error_rate: float) -> None:
    stand_in, again = (StandIn(ROWS, error_rate=error_rate) for _ in range(2))
    wrong = [row.id for row in ROWS if _score(row, stand_in.answer(row.messages)) == 0.0]
    assert len(wrong) / len(ROWS) == pytest.approx(error_rate, abs=0.04)
    assert wrong == [row.id for row in ROWS if _score(row, again.answer(row.messages)) == 0.0]


def test_partial_outcomes_tell_of_the_adapter_what_its_own_kind_does() -> None:
    by_tier = {"local": 0.0, "refunds": 1.0, "premium": 1.0}
    line = {"id": "a", "prompt": "b", "scores": by_tier, "cost_usd": dict(by_tier)}
    others = {"local": 0.0, "premium": 1.0}
    assert partial(line, "refund") == line
    assert partial(line, "spelling") == {**line, "scores": others, "cost_usd": others}


def test_no_two_rows_share_a_name() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS) == 960


def test_it_answers_over_http_as_openai_does() -> None:
    row = ROWS[0]
    with StandIn(ROWS, error_rate=0.0) as stand_in:
        client = openai.OpenAI(base_url=stand_in.base_url, api_key="any", max_retries=0)
        messages = row.messages
        done = client.chat.completions.create(model="premium", messages=messages)  # type: ignore[arg-type]
        assert done.choices[0].message.content == row.targets[0]
        assert done.usage is not None
        assert done.usage.prompt_tokens > done.usage.completion_tokens > 0
        unknown = [{"role": "user", "content": "What is this?"}]
        said = client.chat.completions.create(model="premium", messages=unknown)  # type: ignore[arg-type]
        assert "not been told" in (said.choices[0].message.content or "")
