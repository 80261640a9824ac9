from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import FunctionCall, Message, ToolCall
from stepwell.base.tokens import count_message, count_messages, count_text, upper_bound
from stepwell.memory.context.log.log import Summary
from stepwell.memory.context.packing.pack import pack
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.packing.preface import preface
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.thread import Thread

MODEL = "openai/gpt-4.1"
DAY_S = 86_400.0
SYSTEM = Message("system", "You help in a harbour.")
SUBJECTS = (
    *("rope", "anchor", "sail", "mast", "deck", "hull", "keel", "tiller", "rudder", "oar", "buoy", "pier"),
    *("crane", "net", "trawl", "crew", "captain", "gull", "tide", "fog", "storm", "cargo", "barrel", "plank"),
    *(
        "tar",
        "canvas",
        "lantern",
        "compass",
        "chart",
        "pilot",
        "ferry",
        "dock",
        "quay",
        "winch",
        "chain",
        "bell",
    ),
)


def small_talk(n: int) -> list[Message]:
    """n exchanges, each on a subject of its own."""
    found = []
    for i in range(n):
        subject = SUBJECTS[i % len(SUBJECTS)]
        found.append(Message("user", f"Tell me about number {i}, the {subject}, and what one does with it."))
        found.append(Message("assistant", f"The {subject} is used every day, as any sailor knows. " * 2))
    return found


FACT = [Message("user", "My dentist is called Osei."), Message("assistant", "Noted, Osei it is.")]
ASK = Message("user", "What is the name of my dentist?")
TALK = [*small_talk(20), *FACT, *small_talk(20), ASK]


def thread_of(messages: list[Message], *, days: int = 0) -> Thread:
    thread = Thread()
    for i, message in enumerate(messages):
        thread.add(message, at_s=1.7e9 + DAY_S * (i * days // len(messages)) if days else 0.0)
    return thread


def packed(messages: list[Message], n_tokens: int, **options: object) -> Packed:
    (made,) = pack(
        thread_of(messages),
        Query(messages[-1].text),
        [Room(n_tokens, MODEL)],
        **options,  # type: ignore[arg-type]
    )
    if isinstance(made, ContextTooLong):
        raise made
    return made


def n_sent(messages: list[Message], made: Packed) -> int:
    note = preface((), made.summary, made.dates)
    return count_messages([*([note] if note else []), *(messages[i] for i in made.kept)], model=MODEL)


# ---- what is kept


def test_what_fits_is_kept_uncounted_and_unsearched() -> None:
    code = """
import sys
from stepwell.base.messages import Message
from stepwell.memory.context.packing.pack import pack
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.thread import Thread
thread = Thread()
thread.add(Message("user", "word " * 120))
thread.index.relevance = None
(made,) = pack(thread, Query("word"), [Room(700, "openai/gpt-4.1", 20)])
assert (made.kept, made.n_tokens, made.is_exact, made.expected_recall) == ((0,), 632, False, 1.0), made
assert not {"tiktoken", "litellm"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_fits_only_when_counted_is_kept_whole() -> None:
    n = count_messages(TALK, model=MODEL)
    assert n < upper_bound(TALK)
    made = packed(TALK, n)
    assert (made.kept, made.n_tokens, made.is_exact) == (tuple(range(len(TALK))), n, True)
    assert (made.expected_recall, made.n_recalled) == (1, 0)
    assert len(packed(TALK, n - 1).kept) < len(TALK)


def test_an_old_fact_is_found_again() -> None:
    made = packed(TALK, 400)
    assert {40, 41} <= set(made.kept), "the fact"
    assert {80, 81, 82} <= set(made.kept), "the last exchange, and what is asked"
    assert made.n_recalled >= 2
    assert 0.3 < made.expected_recall < 1
    assert made.n_tokens == n_sent(TALK, made) <= 400


def test_more_room_promises_more() -> None:
    rooms = [Room(n, MODEL) for n in (200, 400, 800, 1600)]
    made = pack(thread_of(TALK), Query(ASK.text), rooms)
    recalls = [fit.expected_recall for fit in made if isinstance(fit, Packed)]
    assert len(recalls) == 4
    assert recalls == sorted(recalls)
    assert recalls[0] < recalls[-1]


def test_all_rooms_share_one_search(monkeypatch: pytest.MonkeyPatch) -> None:
    thread, n_searched = thread_of(TALK), 0
    search = thread.index.relevance

    def counted(query: Query) -> object:
        nonlocal n_searched
        n_searched += 1
        return search(query)

    monkeypatch.setattr(thread.index, "relevance", counted)
    pack(thread, Query(ASK.text), [Room(10**6, MODEL)])
    assert n_searched == 0
    pack(thread, Query(ASK.text), [Room(400, MODEL), Room(800, "vendor/unknown"), Room(2000, "local/tiny")])
    assert n_searched == 1


def test_system_messages_stay_wherever_they_stand() -> None:
    history = [SYSTEM, *TALK[:30], Message("developer", "Be brief."), *TALK[30:]]
    made = packed(history, 300)
    assert {0, 31} <= set(made.kept)


def test_a_call_is_recalled_with_its_results() -> None:
    calls = [ToolCall(i, "function", FunctionCall("dentist", '{"of": "me"}')) for i in ("c1", "c2")]
    asked = [
        Message("user", "Look up my dentist, please."),
        Message("assistant", None, tool_calls=calls),
        Message("tool", "Osei, Harbour Street", tool_call_id="c1"),
        Message("tool", "open until five", tool_call_id="c2"),
    ]
    made = packed([*small_talk(20), *asked, *small_talk(20), ASK], 400)
    assert {40, 41, 42, 43} <= set(made.kept)


def test_what_no_provider_takes_is_left_out() -> None:
    call = ToolCall("c1", "function", FunctionCall("dentist", "{}"))
    torn = [
        Message("tool", "my dentist", tool_call_id="c9"),
        Message("assistant", None, tool_calls=[call]),
    ]
    made = packed([*torn, *TALK], count_messages(TALK, model=MODEL))
    assert made.kept == tuple(range(2, len(TALK) + 2))
    whole = [*torn, *TALK[:4]]
    assert packed(whole, 10**6).kept == tuple(range(6)), "what fits is not touched"


def test_a_result_sent_now_brings_its_call_and_the_other_results() -> None:
    calls = [ToolCall(i, "function", FunctionCall("find", "{}")) for i in ("c1", "c2")]
    begun = [
        *small_talk(20),
        Message("assistant", None, tool_calls=calls),
        Message("tool", "1", tool_call_id="c1"),
    ]
    sent = [Message("user", "And?"), Message("tool", "2", tool_call_id="c2")]
    (made,) = pack(thread_of(begun), Query("And?"), [Room(80, MODEL)], sent=sent)
    assert isinstance(made, Packed)
    assert {40, 41, 42, 43} <= set(made.kept)


def test_the_last_exchange_stays_where_it_is_larger_than_its_share() -> None:
    history = [*TALK[:-1], Message("user", "long " * 60), Message("assistant", "answer " * 60), ASK]
    assert {82, 83} <= set(packed(history, 500, recent_share=0.1).kept)
    tight = set(packed(history, 200, recent_share=0.1).kept)
    assert not {82, 83} <= tight, "but not at the price of all else"
    assert 40 in tight


def test_the_latest_exchanges_get_their_share() -> None:
    n = len(TALK)
    few, many = packed(TALK, 600, recent_share=0.0), packed(TALK, 600, recent_share=0.8)
    assert set(range(n - 13, n)) <= set(many.kept)
    assert not set(range(n - 13, n)) <= set(few.kept)


def test_what_was_sent_follows_the_thread() -> None:
    whole = packed(TALK, 400)
    (made,) = pack(thread_of(TALK[:-1]), Query(ASK.text), [Room(400, MODEL)], sent=[ASK])
    assert made == whole


# ---- what goes along


def test_pins_and_a_prompt_beside_the_thread_take_room() -> None:
    pins = ["Likes tea.", "Is called Noor."]
    made = packed(TALK, 400, pins=pins, system=[SYSTEM])
    facts = preface(pins, "", "")
    assert facts is not None
    assert (
        made.n_tokens
        == n_sent(TALK, made) + count_message(facts, MODEL) + count_message(SYSTEM, MODEL)
        <= 400
    )


def test_a_summary_stands_for_what_is_left_out() -> None:
    gist = "They spoke of ropes. They spoke of anchors. " * 10
    made = packed(TALK, 400, summary=Summary(gist, 30, "extract"))
    assert made.summary
    assert gist.startswith(made.summary)
    note = preface((), made.summary, "")
    assert note is not None
    assert count_message(note, MODEL) <= 40, "a tenth of the room"
    assert made.n_tokens == n_sent(TALK, made) <= 400
    assert packed(TALK, 400, summary=Summary(gist, 30, "extract"), summary_share=0.0).summary == ""


def test_no_summary_where_all_that_it_covers_is_there() -> None:
    gist = Summary("They spoke of ropes.", 40, "extract")
    assert packed(TALK, 10**6, summary=gist).summary == ""
    assert packed([SYSTEM, *TALK], 400, summary=Summary("Be kind.", 1, "extract")).summary == ""


def test_days_are_told_where_something_is_left_out() -> None:
    thread, room = thread_of(TALK, days=30), Room(500, MODEL)
    (made,) = pack(thread, Query(ASK.text), [room])
    assert isinstance(made, Packed)
    assert made.dates.startswith("Of the messages that follow, the first")
    assert count_text(made.dates, MODEL) < 100
    assert made.n_tokens == n_sent(TALK, made) <= 500
    (made,) = pack(thread, Query(ASK.text), [Room(10**6, MODEL)])
    assert isinstance(made, Packed)
    assert made.dates == ""


# ---- what can't be done


@pytest.mark.parametrize(
    ("history", "n_fixed", "pins", "part"),
    [
        ([Message("system", "rule " * 500), Message("user", "hi")], 10, [], "the system prompt"),
        ([Message("system", "rule"), Message("user", "secret " * 500)], 10, [], "the last turn"),
        ([Message("user", "hi")], 400, ["fact"], "the tools"),
        ([Message("user", "hi")], 10, ["fact " * 400], "the pinned facts"),
    ],
)
def test_says_what_is_too_large(history: list[Message], n_fixed: int, pins: list[str], part: str) -> None:
    rooms = [Room(300, MODEL, n_fixed), Room(100_000, MODEL, n_fixed)]
    tight, wide = pack(thread_of(history), Query("hi"), rooms, pins=pins)
    assert isinstance(wide, Packed)
    assert isinstance(tight, ContextTooLong)
    facts = preface(pins, "", "")
    n = n_fixed + count_messages([*([facts] if facts else []), *history], model=MODEL)
    assert (tight.n_tokens, tight.window_tokens) == (n, 300)
    assert f"{n - 300} more than the 300" in str(tight)
    assert f"The largest part is {part}" in str(tight)
    assert not {"secret", "rule", "fact "} & set(str(tight).split())


def test_what_must_stay_is_sent_where_just_that_fits() -> None:
    history = [SYSTEM, *TALK]
    least = count_messages([SYSTEM, ASK], model=MODEL)
    assert packed(history, least, summary=Summary("Gist.", 30, "extract")).kept == (0, len(history) - 1)
    with pytest.raises(ContextTooLong):
        packed(history, least - 1)


# ---- prompt caches


def harbour_talk(n: int) -> list[Message]:
    """n exchanges on one subject."""
    found = []
    for i in range(n):
        found.append(Message("user", f"How do I mend the sail, step {i}?"))
        found.append(
            Message("assistant", f"Step {i} of mending a sail: sew along the seam, then rest it. " * 3)
        )
    return found


def test_on_one_subject_the_beginning_stays_the_same() -> None:
    history, thread, room = [*small_talk(10), *harbour_talk(80)], Thread(), Room(2000, MODEL)
    before: Packed | None = None
    n_same = n_tight = 0
    for message in history:
        thread.add(message)
        if message.role != "user":
            continue
        (made,) = pack(thread, Query(message.text), [room], before=before, slack_share=0.2)
        assert isinstance(made, Packed)
        if len(made.kept) < len(thread):
            n_tight += 1
            n_same += before is not None and made.kept[: len(before.kept)] == before.kept
        before = made
    assert n_tight > 40
    assert n_same > n_tight / 2


def test_a_new_subject_is_worth_a_new_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_last_word(thread: Thread, query: Query, n: int) -> object:
        word, said = query.text.split()[-1], [m.text for m in thread.messages(range(len(thread)))]
        return np.array([0.5 * (word in text) for text in said], dtype=np.float32)

    monkeypatch.setattr(Thread, "relevance", by_last_word)
    history = [*FACT, *harbour_talk(40), Message("user", "More of the sail")]
    first = packed(history, 900, slack_share=0.2)
    assert not {0, 1} & set(first.kept)
    answer = Message("assistant", "Sew along the seam.")
    same = packed(
        [*history, answer, Message("user", "And more of the seam")], 900, before=first, slack_share=0.2
    )
    assert same.kept == (*first.kept, 83, 84)
    other = [*history, answer, Message("user", "Which of them is Osei")]
    assert {0, 1} <= set(packed(other, 900, before=first, slack_share=0.2).kept)


def test_a_choice_for_a_narrow_room_does_not_bind_a_wide_one() -> None:
    narrow = packed(TALK, 300)
    assert len(packed(TALK, 900, before=narrow).kept) > 1.5 * len(narrow.kept)
    assert packed(TALK, 200, before=packed(TALK, 600)).n_tokens <= 200


def test_a_fresh_choice_leaves_the_room_asked_for() -> None:
    assert 450 < packed(TALK, 600, slack_share=0.2).n_tokens <= 480
    assert 560 < packed(TALK, 600).n_tokens <= 600
