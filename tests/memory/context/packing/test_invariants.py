"""What packing promises, on random histories with tools, images, many scripts and odd orders.

STEPWELL_HISTORIES=10000 runs that many; a few hundred are run otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.base.errors import ContextTooLong
from stepwell.base.laden import Laden
from stepwell.base.messages import FunctionCall, Message, Part, ToolCall
from stepwell.base.tokens import count_messages
from stepwell.base.vocabulary import encoding_for
from stepwell.memory.context.log.log import Summary
from stepwell.memory.context.packing.pack import pack
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.packing.preface import preface
from stepwell.memory.context.recall.query import Query
from stepwell.memory.context.thread.thread import Thread

MODEL = "openai/gpt-4.1"
FIXED = ("system", "developer")
RESULTS = ("tool", "function")
N_HISTORIES = int(os.environ.get("STEPWELL_HISTORIES", "200"))

phrases = st.sampled_from(
    [
        "Where is the well? ",
        "Die Stufen führen hinab. ",
        "Ступени ведут вниз, к воде. ",
        "台阶通向水边。",
        "階段は水へ下りていく。",
        "💧\n\n",
        "def step(): pass\n",
        "{}",
    ]
)
texts = st.builds(lambda phrase, n: phrase * n, phrases, st.integers(0, 40))
ids = st.sampled_from(["a", "b", "c", ""])
calls = st.lists(st.builds(ToolCall, id=ids, function=st.builds(FunctionCall, phrases, texts)), max_size=3)
contents = st.none() | texts | st.lists(st.builds(Part, st.just("text"), texts), max_size=2)
images = st.just([Part("text", "look"), Part("image_url")])
results = st.builds(Message, role=st.just("tool"), content=texts, tool_call_id=ids | st.none())
names = st.sampled_from(["find", "tell"])
wishes = st.builds(FunctionCall, names, texts)
messages = st.one_of(
    st.builds(
        Laden, role=st.just("assistant"), content=contents, more=texts, n_more_tokens=st.sampled_from([0, 40])
    ),
    st.builds(Message, role=st.just("assistant"), content=contents, function_call=wishes),
    st.builds(Message, role=st.just("function"), content=texts, name=names | st.none()),
    st.builds(Message, role=st.just("user"), content=contents),
    st.builds(Message, role=st.just("assistant"), content=contents, tool_calls=st.none() | calls),
    results,
    st.builds(Message, role=st.sampled_from(FIXED), content=phrases),
)
pictures = st.builds(Message, role=st.just("user"), content=images)
times = st.integers(0, 40).map(lambda n: 1.7e9 + 40_000 * n)
call_and_results = st.builds(
    lambda call_id, wish, result: [
        Message("assistant", tool_calls=[ToolCall(call_id, "function", FunctionCall("find", wish))]),
        Message("tool", result, tool_call_id=call_id),
    ],
    ids,
    phrases,
    texts,
)
function_and_result = st.builds(
    lambda name, wish, result: [
        Message("assistant", function_call=FunctionCall(name, wish)),
        Message("function", result, name=name),
    ],
    names,
    phrases,
    texts,
)
some = messages.map(lambda m: [m]) | call_and_results | function_and_result
parts = st.integers(0, 19).flatmap(lambda n: pictures.map(lambda m: [m]) if n == 0 else some)
sizes = st.lists(parts, min_size=1, max_size=8) | st.lists(parts, min_size=12, max_size=40)
histories = sizes.map(lambda found: [m for part in found for m in part])


def tiktokens(sent: Sequence[Message]) -> int:
    """The published rule, 4 a message and 3 for the reply; names and arguments of calls; images apart."""
    n, encode = 3, encoding_for(MODEL).encode_ordinary
    for m in sent:
        n += 4 + len(encode(m.text))
        called = [c.function for c in m.tool_calls or ()] + ([m.function_call] if m.function_call else [])
        n += sum(len(encode(f.name)) + len(encode(f.arguments)) for f in called)
        n += len(encode(m.more)) + m.n_more_tokens if isinstance(m, Laden) else 0
    return n


def asked_by(message: Message) -> set[tuple[str, str | None]]:
    """What an assistant's message calls for; functions by their names, as it was before there were tools."""
    ids: set[tuple[str, str | None]] = {("tool", c.id) for c in message.tool_calls or ()}
    return ids | ({("function", message.function_call.name)} if message.function_call else set())


def answered_by(message: Message) -> tuple[str, str | None]:
    return message.role, message.tool_call_id if message.role == "tool" else message.name


def callers(history: Sequence[Message], places: Sequence[int]) -> dict[int, int | None]:
    """For each result among `places` the one among them that called for it last before, or None."""
    asked: dict[tuple[str, str | None], int] = {}
    found: dict[int, int | None] = {}
    for i in places:
        message = history[i]
        if message.role in RESULTS:
            found[i] = asked.get(answered_by(message))
        if message.role == "assistant":
            asked |= dict.fromkeys(asked_by(message), i)
    return found


def tail_of(history: Sequence[Message]) -> int:
    users = [i for i, m in enumerate(history) if m.role == "user"]
    spoken = [i for i, m in enumerate(history) if m.role not in (*FIXED, *RESULTS)]
    return (users or spoken or [0])[-1]


def must_of(history: Sequence[Message]) -> set[int]:
    """System messages, the last turn, and the groups that its results belong to."""
    whole, tail = callers(history, range(len(history))), tail_of(history)
    askers = {c for i, c in whole.items() if i >= tail and c is not None}
    grouped = askers | {i for i, c in whole.items() if c in askers}
    return grouped | {i for i, m in enumerate(history) if m.role in FIXED or i >= tail}


def check(history: list[Message], room: Room, made: Packed | ContextTooLong, pins: Sequence[str]) -> None:
    must = must_of(history)
    if isinstance(made, ContextTooLong):
        facts = [preface(pins, "", "")] if pins else []
        least = [*(f for f in facts if f is not None), *(history[i] for i in sorted(must))]
        n = count_messages(least, model=room.model) + room.n_fixed_tokens
        assert n > room.n_tokens
        assert made.n_tokens == n
        return
    said = [preface(pins, "", ""), preface((), made.summary, made.dates)]
    sent = [*(note for note in said if note is not None), *(history[i] for i in made.kept)]
    n_sent = count_messages(sent, model=room.model) + room.n_fixed_tokens
    assert n_sent <= made.n_tokens <= room.n_tokens
    assert made.n_tokens == n_sent or not made.is_exact
    assert tiktokens(sent) + room.n_fixed_tokens <= room.n_tokens or room.model != MODEL
    assert list(made.kept) == sorted(set(made.kept)), "reordered"
    assert must <= set(made.kept), "what must stay is gone"
    if len(made.kept) == len(history):
        return
    whole, left = callers(history, range(len(history))), callers(history, made.kept)
    assert all(left[i] == whole[i] for i in left), "a result lost its call"
    assert all(i in left for i, caller in whole.items() if caller in made.kept), "a call lost a result"
    assert all(c is not None or i in must for i, c in left.items()), "a result nobody called for"
    assert 0 <= made.expected_recall <= 1 + 1e-6
    check_turns(history, set(made.kept), must)


def check_turns(history: Sequence[Message], kept: set[int], must: set[int]) -> None:
    """Who answers is kept behind whom they answer, and who was answered not without an answer."""
    whole, asked = callers(history, range(len(history))), -1
    answers: dict[int, set[int]] = {}
    for i, message in enumerate(history):
        asked = i if message.role == "user" else asked
        ids = asked_by(message)
        answered = {answered_by(history[r]) for r, c in whole.items() if c == i}
        if (
            message.role == "assistant"
            and ids <= answered
            and i not in must
            and asked >= 0
            and asked not in must
        ):
            answers.setdefault(asked, set()).add(i)
    spoken = [i for i, m in enumerate(history) if m.role not in FIXED]
    first = next((i for i in spoken if i in kept), None)
    if first is not None and first not in must and history[spoken[0]].role == "user":
        assert history[first].role == "user", "an answer begins what is kept"
    for user, group in answers.items():
        assert (user in kept) == bool(group & kept), "users and assistants no longer take turns"


slow = settings(max_examples=N_HISTORIES, suppress_health_check=list(HealthCheck))


@slow
@given(
    histories,
    st.integers(300, 2400),
    st.integers(0, 60),
    st.lists(phrases, max_size=2),
    st.none() | texts,
    st.lists(times, max_size=4),
    st.floats(0, 1),
    st.sampled_from([MODEL, "local/tiny", "vendor/unknown"]),
)
def test_what_packing_promises(
    history: list[Message],
    n_tokens: int,
    n_fixed: int,
    pins: list[str],
    gist: str | None,
    at_s: list[float],
    cut: float,
    model: str,
) -> None:
    thread, n_held = Thread(), round(cut * len(history))
    for i, message in enumerate(history[:n_held]):
        thread.add(message, at_s=at_s[i % len(at_s)] if at_s else 0.0)
    summary = None if gist is None else Summary(gist, len(history) // 2, "extract")
    query, sent = Query(history[-1].text, at_s=1.71e9), history[n_held:]
    rooms = [Room(n_tokens, model, n_fixed), Room(4 * n_tokens, MODEL)]
    made = pack(thread, query, rooms, sent=sent, pins=pins, summary=summary)
    for room, found in zip(rooms, made, strict=True):
        check(history, room, found, pins)
    again = pack(thread, query, rooms, sent=sent, pins=pins, summary=summary)
    assert list(map(str, made)) == list(map(str, again)), "by chance"


@slow
@given(histories, histories, st.integers(300, 2400), st.sampled_from([0.0, 0.1]))
def test_the_same_where_the_last_choice_is_known(
    begun: list[Message], added: list[Message], n_tokens: int, slack_share: float
) -> None:
    thread, history, room = Thread(), [*begun, *added], Room(n_tokens, MODEL)
    for message in begun:
        thread.add(message)
    (before,) = pack(thread, Query(begun[-1].text), [room], slack_share=slack_share)
    for message in added:
        thread.add(message)
    last = before if isinstance(before, Packed) else None
    (made,) = pack(thread, Query(history[-1].text), [room], before=last, slack_share=slack_share)
    check(history, room, made, ())
