"""Judges look at a stream while it flows, and stop it; what must see the whole makes it wait."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from stepwell.base.config.guards import GuardAction
from stepwell.base.decisions import Finding
from stepwell.base.errors import GuardBlocked
from stepwell.base.messages import Event, decode_chunk, encode_json
from stepwell.guards.checks import make
from stepwell.guards.context import Context
from stepwell.guards.plan import Judging, make_plan
from stepwell.guards.rules import Rule
from stepwell.guards.stream import GuardStream
from stepwell.guards.stream_judges import LOOK_EVERY_CHARS, WINDOW_CHARS
from stepwell.guards.tally import Tally


@dataclass
class BadWord:
    """A judge: as sure as often as the word stands there, up to ten times."""

    name: str = "bad_word"
    kinds: tuple[str, ...] = ("BAD",)
    max_len: int = 0
    floor: float = 0.0
    reads_vector: bool = False
    seen: list[str] = field(default_factory=list)

    def find(self, text: str) -> list[Finding]:
        return self.find_in(text, Context())

    def find_in(self, text: str, context: Context) -> list[Finding]:
        self.seen.append(text)
        n = text.count("bad")
        return [Finding("BAD", 0, len(text), min(1.0, n / 10), self.name)] if n else []

    def default_threshold(self, false_blocks: float) -> float:
        return 0.5


class Ends:
    """A check that only the whole text can satisfy."""

    name, kinds, max_len = "ends", ("NO_END",), 0

    def find(self, text: str) -> list[Finding]:
        return [] if text.endswith("end") else [Finding("NO_END", 0, len(text))]


def event(text: str, index: int = 0, finish: str | None = None) -> Event:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
    payload = encode_json({"id": "c1", "model": "m", "choices": [choice]})
    return Event(payload, decode_chunk(payload))


def shown(events: list[Event]) -> str:
    return "".join(c.delta.content or "" for e in events for c in e.chunk.choices)


def stream(
    *rules: Rule, judges: Judging = "stop", tally: Tally | None = None, **contexts: Context
) -> GuardStream:
    plan = make_plan(rules, hold_back_chars=64, judges=judges)
    return GuardStream(plan, tally=tally, contexts=contexts)  # type: ignore[arg-type]


def feed_each(guarded: GuardStream, parts: list[str], out: list[Event]) -> None:
    for part in parts:
        out += guarded.feed([event(part)])


@pytest.mark.parametrize("action", ["block", "review", "reask", "escalate"])
def test_text_flows_until_a_judge_stops_it(action: GuardAction) -> None:
    guarded = stream(Rule(BadWord(), action, threshold=0.3))
    out = [e for _ in range(20) for e in guarded.feed([event("so far so good! ")])]
    assert shown(out) == "so far so good! " * 20
    with pytest.raises(GuardBlocked):
        feed_each(guarded, ["bad "] * (LOOK_EVERY_CHARS // 4 + 1), out)
    assert shown(out).count("bad") <= LOOK_EVERY_CHARS // 4
    assert guarded.verdict.action == "block"


def test_a_judge_looks_at_the_end_however_short_the_text() -> None:
    guarded = stream(Rule(BadWord(), "block", threshold=0.3))
    assert shown(guarded.feed([event("bad bad bad ")])) == "bad bad bad "
    guarded.feed([event("", finish="stop")])
    with pytest.raises(GuardBlocked):
        guarded.finish()


def test_a_score_under_the_threshold_passes() -> None:
    guarded = stream(Rule(BadWord(), "block", threshold=0.3))
    assert shown(guarded.feed([event("bad bad. ", finish="stop")])) == "bad bad. "
    assert guarded.verdict.n_findings == 0


def test_a_judge_sees_a_window_of_the_text_with_what_stood_before() -> None:
    judge = BadWord()
    guarded = stream(Rule(judge, "block", threshold=1.1))
    text = "".join(f"{n:07d} " for n in range(1500))
    for at in range(0, len(text), 50):
        guarded.feed([event(text[at : at + 50])])
    guarded.finish()
    assert all(len(s) <= WINDOW_CHARS for s in judge.seen)
    assert judge.seen[-1] == text[-WINDOW_CHARS:]
    assert len(judge.seen) <= len(text) / LOOK_EVERY_CHARS + 1
    assert all(any(f"{n:07d} " in s for s in judge.seen) for n in range(1500))


def test_one_long_piece_is_seen_whole_before_any_of_it_shows() -> None:
    judge = BadWord()
    guarded = stream(Rule(judge, "block", threshold=0.3))
    with pytest.raises(GuardBlocked):
        guarded.feed([event("good " * 900 + "bad bad bad bad " + "good " * 900)])
    assert all(len(s) <= WINDOW_CHARS for s in judge.seen)


def test_waiting_holds_all_until_the_judge_has_seen_the_whole() -> None:
    judge = BadWord()
    guarded = stream(Rule(judge, "block", threshold=0.3), judges="wait")
    assert guarded.feed([event("so far ") for _ in range(100)]) == []
    assert guarded.feed([event("so good", finish="stop")]) == []
    assert shown(guarded.finish()) == "so far " * 100 + "so good"
    assert judge.seen == ["so far " * 100 + "so good"]


def test_what_only_the_whole_can_tell_waits_whatever_judges_do() -> None:
    guarded = stream(Rule(Ends(), "block"))
    assert guarded.feed([event("so far ")]) == []
    assert guarded.feed([event("the end", finish="stop")]) == []
    assert shown(guarded.finish()) == "so far the end"


def test_a_check_says_itself_whether_it_slides() -> None:
    class Slides(Ends):
        slides = True

    class Waits(BadWord):
        slides = False

    assert shown(stream(Rule(Slides(), "block")).feed([event("so far ")])) == "so far "
    assert stream(Rule(Waits(), "block", threshold=0.3)).feed([event("so far ")]) == []


def test_values_are_cut_out_while_a_judge_looks() -> None:
    rules = (Rule(BadWord(), "block", threshold=0.3), Rule(make("email", {}), "redact"))
    guarded = stream(*rules)
    out = [e for part in ("ask ja", "ne@x", ".io ", "now ", "or ") for e in guarded.feed([event(part)])]
    assert shown(out).startswith("ask [EMAIL] ")


def test_a_judge_is_told_what_is_known_at_its_stage() -> None:
    class Knows(BadWord):
        def find_in(self, text: str, context: Context) -> list[Finding]:
            self.seen.append(context.system)
            return []

    judge = Knows()
    guarded = stream(Rule(judge, "block"), stream=Context("stream", system="be kind"))
    guarded.feed([event("hello", finish="stop")])
    guarded.finish()
    assert judge.seen == ["be kind"]


def test_only_a_feed_in_which_a_judge_looks_blocks() -> None:
    guarded = stream(Rule(BadWord(), "block", threshold=0.3))
    one = event("good ")
    n = 0
    while not guarded.blocks([one]):
        guarded.feed([one])
        n += 1
    assert 0 < n < LOOK_EVERY_CHARS
    assert guarded.is_blocking
    plain = stream(Rule(make("email", {}), "redact"))
    assert not plain.blocks([one])
    assert not plain.is_blocking


def test_each_choice_of_a_stopped_stream_ends_with_content_filter() -> None:
    guarded = stream(Rule(make("email", {}), "block"))
    guarded.feed([event("hm! ", 0), event("so! ", 1, finish="stop"), event("ah! ", 2)])
    with pytest.raises(GuardBlocked):
        guarded.feed([event("jane@x.io ", 0)])
    told = [json.loads(e.payload) for e in guarded.stopped()]
    assert [(t["choices"][0]["index"], t["choices"][0]["finish_reason"]) for t in told] == [
        (0, "content_filter"),
        (1, "content_filter"),
        (2, "content_filter"),
    ]
    assert all(t["id"] == "c1" and t["choices"][0]["delta"] == {} for t in told)


@pytest.mark.parametrize("cap", ["cut", "flush"])
def test_a_value_too_long_to_hold_is_cut_or_let_out_with_a_word(cap: str) -> None:
    plan = make_plan([Rule(make("secrets", {}), "redact")], hold_back_chars=64, cap=cap)  # type: ignore[arg-type]
    guarded = GuardStream(plan)
    out = [e for _ in range(700) for e in guarded.feed([event("bearer " if not _ else "a1" * 12)])]
    text = shown(out + guarded.feed([event(" end", finish="stop")]) + guarded.finish())
    if cap == "cut":
        assert text == "bearer [BEARER] end"
        assert guarded.verdict.errors == ()
    else:
        assert text == "bearer " + "a1" * 12 * 699 + " end"
        assert guarded.verdict.errors == ("held too long: let out",)


def test_masked_values_get_the_placeholder_that_is_given_for_the_whole_value() -> None:
    asked: list[tuple[str, str]] = []

    def masking(kind: str, value: str) -> str:
        asked.append((kind, value))
        return f"[{kind}_{len(asked)}]"

    plan = make_plan([Rule(make("email", {}), "mask")], hold_back_chars=64)
    guarded = GuardStream(plan, masking=masking)
    out = [e for part in "ask jane@x.io or bo@y.io, so. " for e in guarded.feed([event(part)])]
    assert shown(out + guarded.finish()) == "ask [EMAIL_1] or [EMAIL_2], so. "
    assert asked == [("EMAIL", "jane@x.io"), ("EMAIL", "bo@y.io")]
    assert guarded.verdict.action == "mask"
