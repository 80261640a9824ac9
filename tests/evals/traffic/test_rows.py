"""Logs of other tools as rows, from small files in each tool's form."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.config import Config
from stepwell.evals.traffic.plain import messages_of, seconds
from stepwell.evals.traffic.records import BadRecord, TrafficError
from stepwell.evals.traffic.rows import Log, read_log, renamed, tiers_by_model, with_scores
from stepwell.router.outcome_notes import tenant_digest, user_digest

ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Capital of Hungary?"}]
REPLY = {"choices": [{"message": {"role": "assistant", "content": "Budapest"}}]}
LITELLM: dict[str, Any] = {
    "id": "chatcmpl-1",
    "call_type": "acompletion",
    "status": "success",
    "response_cost": 0.0012,
    "prompt_tokens": 21,
    "completion_tokens": 3,
    "startTime": 1_780_000_000.5,
    "endTime": 1_780_000_001.25,
    "completionStartTime": 1_780_000_000.75,
    "model": "gpt-4.1-mini",
    "model_group": "openai/gpt-4.1-mini",
    "metadata": {"user_api_key_team_id": "quagga-team"},
    "cache_hit": False,
    "model_parameters": {"max_tokens": 64, "tools": [{"type": "function"}]},
    "messages": ASK,
    "response": REPLY,
}
SPEND: dict[str, Any] = {
    "request_id": "r-2",
    "spend": 0.5,
    "model": "gpt-4.1",
    "prompt_tokens": 7,
    "completion_tokens": 9,
    "startTime": "2026-06-01T10:00:00Z",
    "endTime": "2026-06-01T10:00:02Z",
    "messages": json.dumps(ASK),
    "response": json.dumps(REPLY),
    "end_user": "quagga",
}
LANGFUSE: dict[str, Any] = {
    "id": "obs-1",
    "type": "GENERATION",
    "model": "gpt-4.1",
    "startTime": "2026-06-01T10:00:00.000Z",
    "endTime": "2026-06-01T10:00:01.500Z",
    "input": ASK,
    "output": {"role": "assistant", "content": "Budapest"},
    "usageDetails": {"input": 11, "output": 2, "total": 13},
    "costDetails": {"total": 0.25},
    "modelParameters": {"max_tokens": "80"},
    "scores": [{"name": "helpful", "value": 1, "dataType": "BOOLEAN"}, {"name": "stars", "value": 4}],
}


def span(**attributes: Any) -> dict[str, Any]:
    pairs = [{"key": k.replace("__", "."), "value": v} for k, v in attributes.items()]
    return {
        "spanId": "ab12",
        "startTimeUnixNano": "1780000000000000000",
        "endTimeUnixNano": "1780000002000000000",
        "attributes": pairs,
    }


def otlp(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


GEN_AI = {
    "gen_ai__operation__name": {"stringValue": "chat"},
    "gen_ai__request__model": {"stringValue": "gpt-4.1"},
    "gen_ai__usage__input_tokens": {"intValue": "30"},
    "gen_ai__usage__output_tokens": {"intValue": "4"},
}
PARTS = {
    "gen_ai__system_instructions": {"stringValue": json.dumps([{"type": "text", "content": "Be brief."}])},
    "gen_ai__input__messages": {
        "stringValue": json.dumps(
            [{"role": "user", "parts": [{"type": "text", "content": ASK[1]["content"]}]}]
        )
    },
    "gen_ai__output__messages": {
        "stringValue": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Budapest"}]}])
    },
}


def read(folder: Path, *records: Any) -> Log:
    file = folder / "log.jsonl"
    file.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records))
    return read_log(file)


def test_litellms_payload(tmp_path: Path) -> None:
    log = read(tmp_path, LITELLM, {"standard_logging_object": {**LITELLM, "id": "chatcmpl-2"}})
    first, second = log.rows
    assert (log.format, log.bad, second.id) == ("litellm", [], "chatcmpl-2")
    assert (first.cost_usd, first.in_tokens, first.out_tokens) == (0.0012, 21, 3)
    assert [first.ms, first.ttft_ms] == pytest.approx([750, 250])
    assert (list(first.messages), first.answer) == (ASK, "Budapest")
    assert (first.needs.max_tokens, first.needs.has_tools) == (64, True)
    assert first.tenant
    assert "quagga" not in first.tenant


def test_litellms_tenant_is_the_team_and_its_user_the_end_user(tmp_path: Path) -> None:
    team = {"end_user": "kim", "metadata": {"user_api_key_team_id": "acme"}}
    one, spent, alone = read(
        tmp_path,
        {**LITELLM, **team},
        {**SPEND, "end_user": "kim", "team_id": "acme"},
        {**SPEND, "request_id": "r-3", "end_user": "kim", "team_id": ""},
    ).rows
    acme = tenant_digest("acme")
    assert one.tenant == spent.tenant == acme.hex()
    assert one.user == spent.user == user_digest(acme, "kim").hex()
    assert alone.tenant == tenant_digest("kim").hex()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({**LITELLM, "trace_id": "t-1"}, {**LITELLM, "id": "chatcmpl-2", "trace_id": "t-2"}),
        ({**LANGFUSE, "traceId": "t-1"}, {**LANGFUSE, "id": "obs-2", "traceId": "t-2"}),
        (
            otlp({**span(**GEN_AI, **PARTS), "traceId": "t-1"}),
            otlp({**span(**GEN_AI, **PARTS), "spanId": "cd34", "traceId": "t-2"}),
        ),
    ],
)
def test_a_trace_names_no_conversation(tmp_path: Path, first: Any, second: Any) -> None:
    assert [row.conversation for row in read(tmp_path, first, second).rows] == ["", ""]


def test_litellms_spend_logs(tmp_path: Path) -> None:
    (row,) = read(tmp_path, SPEND).rows
    assert (row.id, row.cost_usd, row.ms, row.answer) == ("r-2", 0.5, 2000, "Budapest")
    assert list(row.messages) == ASK


def test_texts_that_litellm_left_out_are_no_texts(tmp_path: Path) -> None:
    hidden = {**LITELLM, "messages": [{"role": "user", "content": "redacted-by-litellm"}]}
    (row,) = read(tmp_path, hidden).rows
    assert (row.messages, row.answer, row.in_tokens) == ((), None, 21)


def test_a_failed_call_of_litellm(tmp_path: Path) -> None:
    failed = {"error_class": "RateLimitError", "error_code": "429", "error_message": "secret words"}
    (row,) = read(tmp_path, {**LITELLM, "status": "failure", "error_information": failed}).rows
    assert (row.status, row.error, row.served) == (429, "RateLimitError", "")


def test_langfuses_observations_in_either_spelling_and_as_an_array(tmp_path: Path) -> None:
    blob = {
        "id": "obs-2",
        "type": "GENERATION",
        "provided_model_name": "gpt-4.1-mini",
        "start_time": "2026-06-01 10:00:00.000000",
        "end_time": "2026-06-01 10:00:01.000000",
        "input": json.dumps({"messages": ASK}),
        "output": "Budapest",
        "usage_details": {"input": 5, "output": 6},
        "total_cost": "0.125",
    }
    records = [LANGFUSE, {**LANGFUSE, "id": "s", "type": "SPAN"}, blob]
    (tmp_path / "export.json").write_text(json.dumps(records, indent=1))
    log = read_log(tmp_path / "export.json")
    first, second = log.rows
    assert (log.format, log.n_skipped) == ("langfuse", 1)
    assert (first.cost_usd, first.in_tokens, first.ms, first.needs.max_tokens) == (0.25, 11, 1500, 80)
    assert first.scores == {"gpt-4.1": 1.0}
    assert (second.cost_usd, second.in_tokens, second.out_tokens, second.ms) == (0.125, 5, 6, 1000)
    assert list(first.messages) == list(second.messages) == ASK


def test_langfuses_scores_join_their_observation(tmp_path: Path) -> None:
    plain = {k: v for k, v in LANGFUSE.items() if k != "scores"}
    scores = [
        {"id": "x", "observation_id": "obs-1", "name": "ok", "value": 0.5, "data_type": "NUMERIC"},
        {"id": "y", "observation_id": "obs-1", "name": "ok", "value": 1, "data_type": "BOOLEAN"},
        {"id": "z", "observation_id": "obs-1", "name": "kind", "value": 0, "data_type": "CATEGORICAL"},
        {"id": "w", "observation_id": "obs-1", "name": "stars", "value": 5, "data_type": "NUMERIC"},
    ]
    (row,) = read(tmp_path, plain, *scores).rows
    assert row.scores == {"gpt-4.1": 0.75}


def test_otlp_with_messages_as_attributes(tmp_path: Path) -> None:
    other = span(http__method={"stringValue": "GET"})
    log = read(tmp_path, otlp(span(**GEN_AI, **PARTS), other))
    (row,) = log.rows
    assert (log.format, log.n_skipped) == ("otel", 1)
    assert (row.id, row.model, row.in_tokens, row.out_tokens, row.ms) == ("ab12", "gpt-4.1", 30, 4, 2000)
    assert (list(row.messages), row.answer) == (ASK, "Budapest")


def test_otlp_with_messages_as_events_of_spans_or_logs(tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, Any]]] = [
        ("gen_ai.system.message", {"content": "Be brief."}),
        ("gen_ai.user.message", {"content": ASK[1]["content"]}),
        ("gen_ai.choice", {"message": {"role": "assistant", "content": "Budapest"}}),
        ("gen_ai.evaluation.result", {"gen_ai.evaluation.score.value": 0.5}),
    ]
    events = [
        {"name": n, "attributes": [{"key": k, "value": _any(v)} for k, v in of.items()]} for n, of in told
    ]
    (within,) = read(tmp_path, otlp({**span(**GEN_AI), "events": events})).rows
    records = [{"spanId": "ab12", "eventName": n, "body": _any(of)} for n, of in told]
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    (apart,) = read(tmp_path, logs, otlp(span(**GEN_AI))).rows
    for row in (within, apart):
        assert (list(row.messages), row.answer, row.scores) == (ASK, "Budapest", {"gpt-4.1": 0.5})


def _any(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": k, "value": _any(v)} for k, v in value.items()]}}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def test_otlp_with_numbered_attributes(tmp_path: Path) -> None:
    numbered = {
        "gen_ai__prompt__0__role": {"stringValue": "system"},
        "gen_ai__prompt__0__content": {"stringValue": "Be brief."},
        "gen_ai__prompt__1__role": {"stringValue": "user"},
        "gen_ai__prompt__1__content": {"stringValue": ASK[1]["content"]},
        "gen_ai__completion__0__content": {"stringValue": "Budapest"},
    }
    (row,) = read(tmp_path, otlp(span(**GEN_AI, **numbered))).rows
    assert (list(row.messages), row.answer) == (ASK, "Budapest")


def test_bad_records_are_named_by_line_and_never_shown(tmp_path: Path) -> None:
    odd = {**LITELLM, "messages": 17, "id": "quaggaquagga"}
    log = read(tmp_path, LITELLM, '{"secret quagga', "[1]", {**LITELLM, "model": None, "id": "b"}, odd)
    assert [b.line for b in log.bad] == [2, 3, 4, 5]
    assert len(log.rows) == 1
    assert "quagga" not in str(log.bad)


@pytest.mark.parametrize(
    "figures",
    [
        {"cost_usd": 1e308},
        {"cost_usd": -1},
        {"scores": {"quagga": 1.5}},
        {"scores": {"quagga": -0.5}},
        {"p_ok": {"quagga": 2}},
        {"propensity": {"quagga": -1}},
        {"expected_usd": {"quagga": 1e308}},
        {"in_tokens": -5},
        {"out_tokens": 10**15},
        {"ms": -1},
        {"at_s": 1e300},
        {"need": 7},
    ],
)
def test_a_row_with_a_figure_that_can_not_be_is_left_out(tmp_path: Path, figures: dict[str, Any]) -> None:
    good = {"id": "r1", "at_s": 1, "cost_usd": 0.5}
    log = read(tmp_path, good, {"id": "r2", "at_s": 1, **figures}, {**good, "id": "r3", "cost_usd": 10**400})
    assert [row.id for row in log.rows] == ["r1"]
    assert [bad.line for bad in log.bad] == [2, 3]
    assert "quagga" not in str(log.bad)
    assert next(iter(figures)) in log.bad[0].why


def test_costs_of_other_tools_that_can_not_be_are_left_out(tmp_path: Path) -> None:
    spent = {**LITELLM, "response_cost": 1e308}
    assert [bad.line for bad in read(tmp_path, LITELLM, {**spent, "id": "b"}).bad] == [2]
    observed = {**LANGFUSE, "id": "b", "costDetails": {"total": -1}}
    assert [bad.line for bad in read(tmp_path, LANGFUSE, observed).bad] == [2]
    cost = {"gen_ai__usage__cost": {"doubleValue": -1.0}}
    assert [bad.line for bad in read(tmp_path, otlp(span(**GEN_AI)), otlp(span(**GEN_AI, **cost))).bad] == [2]


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrafficError, match="no known format"):
        read(tmp_path, {"a": 1})
    with pytest.raises(TrafficError, match="nothing in it"):
        read(tmp_path)
    with pytest.raises(TrafficError, match="No such file"):
        read_log(tmp_path / "none.jsonl")
    (tmp_path / "torn.gz").write_bytes(gzip.compress(json.dumps(LITELLM).encode())[:-9])
    with pytest.raises(TrafficError, match="not a whole gzip file"):
        read_log(tmp_path / "torn.gz")


def test_what_was_moved_aside_comes_first(tmp_path: Path) -> None:
    for name, at in (("t.jsonl.2", 1), ("t.jsonl.1", 2), ("t.jsonl", 3)):
        (tmp_path / name).write_text(json.dumps({"id": f"r{at}", "at_s": at}) + "\n")
    assert [row.id for row in read_log(tmp_path / "t.jsonl").rows] == ["r1", "r2", "r3"]


def test_models_become_tiers_and_scores_join_by_either_id(tmp_path: Path) -> None:
    config = Config.make(
        {"tiers": {"big": {"model": "openai/gpt-4.1"}, "small": {"model": "openai/gpt-4.1-mini"}}}
    )
    rows = renamed(read(tmp_path, LITELLM).rows, tiers_by_model(config))
    (row,) = with_scores(rows, {"chatcmpl-1": {"small": 1.0}})
    assert (row.tier, row.served, row.scores) == ("small", "small", {"small": 1.0})


@given(
    st.recursive(
        st.none() | st.text() | st.integers() | st.booleans(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    with contextlib.suppress(BadRecord):
        assert all({"role", "content"} <= set(m) for m in messages_of(value))


@pytest.mark.parametrize(
    "value",
    [1_780_000_000, 1_780_000_000_000, "1780000000000000000", "2026-05-28T20:26:40Z", "2026-05-28 20:26:40"],
)
def test_times_of_every_unit(value: object) -> None:
    assert seconds(value) == pytest.approx(1_780_000_000)


def test_an_otel_part_that_is_no_text_is_told(tmp_path: Path) -> None:
    def asked(*parts: dict[str, str]) -> dict[str, Any]:
        said = {"stringValue": json.dumps([{"role": "user", "parts": parts}])}
        return {**PARTS, "gen_ai__input__messages": said}

    words, blob = {"type": "text", "content": "What is this?"}, {"type": "blob", "content": "AAAA"}
    for parts, has_images in (((words,), False), ((words, blob), True)):
        (row,) = read(tmp_path, otlp(span(**GEN_AI, **asked(*parts)))).rows
        assert row.needs.has_images is has_images
