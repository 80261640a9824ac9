"""What of traffic, suites and runs becomes an example."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepwell.evals.entries import Entry, Header
from stepwell.evals.finetune.data.collect import collect_traffic
from stepwell.evals.finetune.data.collect_suite import apart, collect_run, collect_suite
from stepwell.evals.finetune.data.consent import Consent
from stepwell.evals.finetune.data.example import Example, FinetuneError, read_examples
from stepwell.evals.finetune.data.where import Where
from stepwell.evals.folder import RunFolder
from stepwell.evals.suite import Suite
from stepwell.evals.traffic.rows import read_log
from stepwell.evals.traffic.suite_of import SuiteOptions, suite_of
from stepwell.front.cli.main import main
from stepwell.router.outcome_notes import tenant_digest
from stepwell.traffic_line import Logged, Needs

ALL = Consent.of(["*"])
ACME = tenant_digest("acme").hex()


def line(n: int, **more: Any) -> Logged:
    plain: dict[str, Any] = {
        "served": "dear",
        "cost_usd": 0.01,
        "is_whole": True,
        "tenant": ACME,
        "messages": ({"role": "user", "content": f"Where is parcel {n}?"},),
        "answer": f"Parcel {n} is in Lund.",
        "out_tokens": 9,
    }
    return Logged(f"id-{n}", **{**plain, **more})


TEXT = {"type": "text", "text": "What is this?"}


def of(content: object) -> tuple[dict[str, object], ...]:
    return ({"role": "user", "content": content},)


def test_nobody_has_consented_by_default() -> None:
    with pytest.raises(FinetuneError, match=r"finetune\.consented_tenants"):
        collect_traffic([line(1)], consented=Consent())


def test_only_who_consented() -> None:
    rows = [line(1), line(2, tenant=tenant_digest("other").hex()), line(3, tenant="")]
    for names, ids in (
        (["acme"], ["id-1"]),
        ([""], ["id-3"]),
        (["acme", ""], ["id-1", "id-3"]),
        (["*"], [1, 2, 3]),
    ):
        found = collect_traffic(rows, consented=Consent.of(names))
        assert [e.id for e in found.examples] == [i if isinstance(i, str) else f"id-{i}" for i in ids]
    told = collect_traffic(rows, consented=Consent.of(["acme"])).told
    assert told.left_out == {"whose tenant has not consented": 2}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"status": 502, "served": ""}, "failed"),
        ({"cache": "hit"}, "from the cache"),
        ({"cache": "semantic_hit"}, "from the cache"),
        ({"served": "cheap"}, "of another tier"),
        ({"is_whole": False}, "of more than one try"),
        ({"answer": None}, "whose answer has no text (a call of a tool, or empty)"),
        ({"answer": ""}, "whose answer has no text (a call of a tool, or empty)"),
        ({"messages": ()}, "without text (traffic.keep: masked keeps it)"),
        ({"needs": Needs(max_tokens=9)}, "cut off at its max_tokens"),
        ({"needs": Needs(has_images=True)}, "with parts that are no text"),
        ({"messages": of({"type": "image_url"})}, "with parts that are no text"),
        ({"messages": of([TEXT, {"type": "file", "file": {}}])}, "with parts that are no text"),
        ({"messages": of([TEXT, {"type": "text", "text": "[FILE]"}])}, "with parts that are no text"),
        ({"messages": of([TEXT, {"type": "text", "text": "[AUDIO]"}])}, "with parts that are no text"),
        ({"messages": ({"role": "assistant", "content": "Hm"},)}, "not asked by a user"),
    ],
)
def test_what_is_left_out(more: dict[str, Any], reason: str) -> None:
    found = collect_traffic([line(1), line(2, **more)], consented=ALL)
    assert [e.id for e in found.examples] == ["id-1"]
    assert found.told.left_out == {reason: 1}


def test_the_dearest_tier_teaches_unless_another_is_named() -> None:
    rows = [line(1, served="cheap", cost_usd=0.001), line(2), line(3, served="cheap", cost_usd=0.002)]
    assert [e.tier for e in collect_traffic(rows, consented=ALL).examples] == ["dear"]
    assert [e.id for e in collect_traffic(rows, consented=ALL, tier="cheap").examples] == ["id-1", "id-3"]
    with pytest.raises(FinetuneError, match="--tier"):
        collect_traffic([line(1, cost_usd=None)], consented=ALL)


def test_the_dearest_tier_is_told_by_tokens_of_those_who_agreed_and_by_some_calls() -> None:
    long = [line(n, served="cheap", cost_usd=0.02, in_tokens=100_000) for n in range(6)]
    dear = [line(10 + n, cost_usd=0.005, in_tokens=300) for n in range(6)]
    tried = line(20, served="tried", cost_usd=1.0)
    others = [line(30 + n, served="other", cost_usd=9.0, tenant="") for n in range(6)]
    found = collect_traffic([*long, *dear, tried, *others], consented=Consent.of(["acme"]))
    assert found.told.tier == "dear"


def test_answers_after_another_try_can_be_taken() -> None:
    rows = [line(1), line(2, is_whole=False)]
    assert len(collect_traffic(rows, consented=ALL, needs_one_try=False).examples) == 2


def test_text_is_masked_again_whatever_the_line_says() -> None:
    said = ({"role": "user", "content": [{"type": "text", "text": "Mail kim@lund.example now"}]},)
    row = line(1, messages=said, answer="Sent to kim@lund.example", is_masked=True)
    (found,) = collect_traffic([row], consented=ALL).examples
    assert found.messages == ({"role": "user", "content": "Mail [EMAIL] now"},)
    assert found.answer == "Sent to [EMAIL]"
    assert (found.tenant, found.source, found.tier) == (ACME, "traffic", "dear")


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        (Where(rule="refunds"), ["id-2"]),
        (Where(response_format="json_schema"), ["id-3"]),
        (Where(response_format="text"), ["id-1", "id-2", "id-4"]),
        (Where(like="parcel 4"), ["id-4"]),
        (Where(like="^You extract"), ["id-1"]),
        (Where(since_s=50), ["id-4"]),
        (Where(until_s=50), ["id-1", "id-2", "id-3"]),
    ],
)
def test_a_narrow_skill_is_a_part_of_the_traffic(where: Where, ids: list[str]) -> None:
    system = {"role": "system", "content": "You extract."}
    rows = [
        line(1, messages=(system, {"role": "user", "content": "Parcel?"})),
        line(2, rules=("refunds",)),
        line(3, needs=Needs(response_format="json_schema")),
        line(4, at_s=100.0),
    ]
    assert [e.id for e in collect_traffic(rows, consented=ALL, where=where).examples] == ids


def test_a_pattern_that_is_none_is_said() -> None:
    with pytest.raises(FinetuneError, match="--like"):
        collect_traffic([line(1)], consented=ALL, where=Where(like="("))


def test_scores_of_the_tier_that_answered_and_groups_by_conversation() -> None:
    first = {"role": "user", "content": "Hi, a question"}
    more = ({"role": "assistant", "content": "Go on"}, {"role": "user", "content": "When?"})
    rows = [
        line(1, scores={"dear": 0.25, "cheap": 1.0}, conversation="c" * 32),
        line(2, messages=(first,), answer="Go on"),
        line(3, messages=(first, *more)),
        line(4),
    ]
    found = collect_traffic(rows, consented=ALL).examples
    assert [e.score for e in found] == [0.25, None, None, None]
    assert found[0].group == "c" * 32
    assert found[1].group == found[2].group != found[3].group


def suite(folder: Path, *lines: dict[str, Any]) -> Suite:
    path = folder / "s.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, lines)))
    return Suite.load(path)


def test_a_suites_targets_are_answers_where_they_are_some(tmp_path: Path) -> None:
    made = suite(
        tmp_path,
        {"id": "a", "prompt": "2 + 2", "target": "4", "scorer": "numeric", "cluster": "sums"},
        {"id": "b", "prompt": "?", "target": "^yes", "scorer": "regex"},
        {"id": "c", "prompt": "?", "target": "x", "turns": ["more"]},
    )
    found = collect_suite(made, licence="CC0-1.0")
    (example,) = found.examples
    assert (example.id, example.answer, example.group, example.tier) == ("a", "4", "sums", "")
    assert example.licence == "CC0-1.0"
    assert found.told.left_out == {"of several turns": 1, "whose target is no answer": 1}


def test_a_suite_with_parts_that_are_no_text_is_left_out(tmp_path: Path) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    asked = [{"role": "user", "content": [TEXT, image]}]
    made = suite(
        tmp_path, {"id": "a", "messages": asked, "target": "cat"}, {"id": "b", "prompt": "?", "target": "dog"}
    )
    found = collect_suite(made)
    assert [e.id for e in found.examples] == ["b"]
    assert found.told.left_out == {"with parts that are no text": 1}


def test_a_suite_drawn_from_traffic_is_no_way_round_consent(tmp_path: Path) -> None:
    rows = [line(n, tenant=tenant_digest("other").hex()) for n in range(4)]
    made = suite(tmp_path, *suite_of(rows, SuiteOptions()).lines)
    with pytest.raises(FinetuneError, match="collect from the traffic itself"):
        collect_suite(made)
    folder = RunFolder(tmp_path)
    folder.keep_suite(made)
    entries = [
        Header("s", made.sha256, 4, tiers=("dear",)),
        Entry("1" * 64, "0" * 64, "id-1", "dear", answer="x"),
    ]
    folder.journal.write_bytes(b"".join(msgspec.json.encode(e) + b"\n" for e in entries))
    with pytest.raises(FinetuneError, match="collect from the traffic itself"):
        collect_run(tmp_path, "dear", min_score=None)


def test_half_a_character_is_said(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_text(r'{"id":"1","messages":[{"role":"user","content":"a \ud83d b"}],"answer":"x"}' + "\n")
    with pytest.raises(FinetuneError, match="line 1: half a surrogate pair"):
        list(read_examples([path]))
    path.write_text('{"id":')
    with pytest.raises(FinetuneError, match="line 1: not JSON"):
        list(read_examples([path]))


def test_turns_of_imported_conversations_stay_together(tmp_path: Path) -> None:
    def call(n: int, *said: dict[str, Any], answer: str) -> dict[str, Any]:
        return {
            "id": f"c{n}",
            "call_type": "acompletion",
            "model": "m",
            "trace_id": f"t{n}",
            "messages": said,
            "response": {"choices": [{"message": {"role": "assistant", "content": answer}}]},
        }

    first, then = (
        {"role": "user", "content": "Plan a party"},
        {"role": "user", "content": "What of the tent?"},
    )
    said = {"role": "assistant", "content": "Book a tent."}
    path = tmp_path / "l.jsonl"
    calls = [call(1, first, answer="Book a tent."), call(2, first, said, then, answer="About 900.")]
    path.write_bytes(b"".join(msgspec.json.encode(c) + b"\n" for c in calls))
    one, two = collect_traffic(read_log(path).rows, consented=ALL, tier="m").examples
    assert one.group == two.group != ""


def test_a_runs_answers_with_their_scores(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    made = Suite.of("s", suite(tmp_path, *({"id": x, "prompt": x, "target": "t"} for x in "abcd")).rows)
    folder.keep_suite(made)
    key = "0" * 64
    entries = [
        Header("s", made.sha256, 4, tiers=("dear", "cheap")),
        Entry(f"{1:064}", key, "a", "dear", score=1.0, answer="good"),
        Entry(f"{2:064}", key, "b", "dear", score=0.5, answer="poor"),
        Entry(f"{3:064}", key, "c", "dear", error="timeout"),
        Entry(f"{4:064}", key, "d", "cheap", score=1.0, answer="other"),
    ]
    folder.journal.write_bytes(b"".join(msgspec.json.encode(e) + b"\n" for e in entries))
    found = collect_run(tmp_path, "dear")
    assert [(e.id, e.answer, e.score, e.tier, e.source) for e in found.examples] == [
        ("a", "good", 1.0, "dear", "run")
    ]
    assert found.told.left_out == {"scored below 0.75": 1, "failed": 1}
    assert len(collect_run(tmp_path, "dear", min_score=None).examples) == 2
    with pytest.raises(FinetuneError, match="there are cheap, dear"):
        collect_run(tmp_path, "premium")


def test_ids_of_several_sources_are_told_apart() -> None:
    def of(answer: str) -> Example:
        return Example("x", ({"role": "user", "content": "?"},), answer)

    found = apart([[of("a"), of("b")], [of("a")]])
    assert found[0].id == "x"
    assert len({e.id for e in found}) == 3
    assert [e.answer for e in found] == ["a", "b", "a"]


def test_the_command_reads_logs_and_suites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, config, out = tmp_path / "t.jsonl", tmp_path / "c.yaml", tmp_path / "e.jsonl"
    log.write_bytes(
        b"".join(msgspec.json.encode(line(n, at_s=float(n), answer="lost")) + b"\n" for n in (1, 2))
    )
    suite(tmp_path, {"id": "id-1", "prompt": "And this?", "target": "found"})
    words = ["local", "collect", str(log), "--suite", str(tmp_path / "s.jsonl"), "--out", str(out), "--json"]
    config.write_text("finetune: {}")
    assert main([*words, "--config", str(config)]) == 2
    assert not out.exists()
    config.write_text("finetune: {consented_tenants: [acme]}")
    assert main([*words, "--config", str(config), "--as-json", "state"]) == 0
    found = list(read_examples([out]))
    assert [e.answer for e in found] == ['{"state":"lost"}', '{"state":"lost"}', '{"state":"found"}']
    assert len({e.id for e in found}) == 3
    assert msgspec.json.decode(capsys.readouterr().out)["n_examples"] == 3
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_command_that_takes_nothing_writes_nothing(tmp_path: Path) -> None:
    log, config, out = tmp_path / "t.jsonl", tmp_path / "c.yaml", tmp_path / "e.jsonl"
    log.write_bytes(msgspec.json.encode(line(1, at_s=1.0)) + b"\n")
    config.write_text("finetune: {consented_tenants: [other]}")
    assert main(["local", "collect", str(log), "--out", str(out), "--config", str(config)]) == 1
    assert not out.exists()


def test_imports_keep_digests_of_user_and_conversation_and_no_name(tmp_path: Path) -> None:
    path = tmp_path / "lf.jsonl"
    generation = {
        "id": "g1",
        "type": "GENERATION",
        "model": "m",
        "userId": "kim",
        "sessionId": "talk-of-kim",
        "input": "Hi",
        "output": "Hello",
        "usageDetails": {"input": 1, "output": 1},
    }
    other = {**generation, "id": "g2", "userId": "ann", "sessionId": "talk-of-ann"}
    path.write_bytes(msgspec.json.encode(generation) + b"\n" + msgspec.json.encode(other))
    one, two = read_log(path).rows
    assert len({one.user, two.user, one.conversation, two.conversation, one.tenant, two.tenant}) == 6
    assert all(len(d) == 32 for d in (one.user, one.conversation))
    assert b"kim" not in msgspec.json.encode(one)
