"""The last human ask, and what is read off it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.messages import Message, Part
from stepwell.router.features import last_ask, read_ask
from stepwell.router.tasks import read_task
from stepwell.router.words import LENGTH_KEYS, LONG_ANSWERS, SHORT_ANSWERS
from stepwell.router.wrappers import HEAD_CHARS, TAIL_CHARS, strip_wrappers


def user(text: str) -> Message:
    return Message(role="user", content=text)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Why is the sky blue?", "Why is the sky blue?"),
        ("<system-reminder>prove all\nlemmas</system-reminder>\nHi there", "Hi there"),
        ("Hi <system-reminder>a<system-reminder>b</system-reminder>c</system-reminder>there", "Hi  there"),
        ("<environment_details>x</environment_details><task>Rename it</task>", "Rename it"),
        ("<user_query>Why?</user_query> <attached_files>def f(): ...</attached_files>", "Why?"),
        ('<document index="1">long law text</document>Summarise it', "Summarise it"),
        ("<environment_context>\ncwd\n</environment_context>", ""),
        ("[workspace context]\nfiles", "[workspace context]\nfiles"),
        ("[context]open files[/context] What now?", "What now?"),
        ("[read_file for 'a.py'] Result:\ndef f(): ...", ""),
        ("Is 3 < 5 and <b>bold</b> fine?", "Is 3 < 5 and <b>bold</b> fine?"),
        ("What does <file> mean?", "What does <file> mean?"),
    ],
)
def test_wrappers_are_left_out(text: str, asked: str) -> None:
    assert strip_wrappers(text) == asked


def test_the_last_human_ask_is_found_behind_tool_traffic() -> None:
    messages = [
        Message(role="system", content="be kind"),
        user("Fix the login"),
        Message(role="assistant", content="reading"),
        Message(role="tool", content="def f(): ..."),
        user("<tool_result>def f(): ...</tool_result>"),
        user("<system-reminder>todo list is empty</system-reminder>"),
    ]
    assert last_ask(messages) == "Fix the login"


def test_parts_are_joined_and_nothing_but_wrappers_comes_back_as_it_is() -> None:
    parts = [
        Part(type="text", text="<file>x</file>"),
        Part(type="image_url"),
        Part(type="text", text="What?"),
    ]
    assert last_ask([Message(role="user", content=parts)]) == "What?"
    assert last_ask([user(" <file>x</file> ")]) == "<file>x</file>"
    assert last_ask([Message(role="system", content="x")]) == ""


def test_a_wrapper_cut_by_the_bound_is_left_out_too() -> None:
    wrapped = "<system-reminder>" + "prove it " * 5000 + "</system-reminder> Say hello"
    assert last_ask([user(wrapped)]) == "Say hello"
    closed_in_the_middle = "Say hello <file>" + "prove it " * 500 + "</file>" + " and be kind" * 500
    assert "prove" not in last_ask([user(closed_in_the_middle)])
    assert last_ask([user(closed_in_the_middle)]).startswith("Say hello ")


@given(st.text(alphabet="<>[]/ab \n" + "file", max_size=400))
def test_stripping_never_invents_text(text: str) -> None:
    assert set(strip_wrappers(text)) <= set(text) | {" "}


def test_time_is_bounded_by_the_ends_of_the_text() -> None:
    ask = read_ask("word " * 400_000)
    assert ask.n_chars == HEAD_CHARS + TAIL_CHARS + 1


def test_tags_that_never_close_are_plain_text() -> None:
    text = "<file>" * 20_000  # quadratic work would take minutes
    assert strip_wrappers(text) == text


EASY = [
    "Classify the sentiment as positive or negative. Answer with one word.\nReview: the plot was dull",
    "Rewrite this sentence in the past tense: I walk to school",
]
NOT_EASY = [
    "What is the capital of France?",
    "What is 17*23?",
    "What was the sentiment of the French public in 1789?",
    "Classify the Roman emperors as good or bad",
    "Rewrite: hi. Then prove Fermat's last theorem.",
    "Rephrase this and answer it: who was the first emperor?",
    "Write a haiku about rain",
    "Classify this contract clause: the tenant shall pay",
    "Refactor this: ```def f(): pass```",
    "Write an essay on sentiment: start with Hume",
    "Thanks, who won the war of 1812?",
    "",
]


@pytest.mark.parametrize("text", EASY)
def test_easy_kinds_are_seen(text: str) -> None:
    assert read_task(read_ask(text)).difficulty <= 0.02


@pytest.mark.parametrize("text", NOT_EASY)
def test_what_only_looks_easy_is_not(text: str) -> None:
    assert read_task(read_ask(text)).difficulty > 0.2


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Prove that sqrt(2) is irrational.", "proof"),
        (r"Find $x$ where $\frac{x}{2} = 3$", "maths"),
        ("Refactor this asyncio function: ```async def f(): pass```", "hard_code"),
        ("Write a python function that reverses a list", "code"),
        ("If I pay $5 for 2 apples, how much are 7?", "arithmetic"),
        ("She paid $5, he paid $10.", "ordinary"),
        ("Summarize: the meeting was long", "summary"),
        ("Warum ist der Himmel blau", "ordinary"),
    ],
)
def test_kinds(text: str, kind: str) -> None:
    assert read_task(read_ask(text)).kind == kind


@pytest.mark.parametrize(
    ("text", "n_tokens"),
    [
        ("Where is Rome?", 150),
        ("Where is Rome? Answer briefly.", 40),
        ("Where is Rome? Answer in 'one word'", 40),
        ("Where is Rome? In single words!", 40),
        ("Where is Rome? Say it thoroughly", 800),
        ("Where is Rome? In DETAIL", 800),
        ("Where is Rome?。briefly。", 40),
        ("Where is Rome? She is the only child", 150),
    ],
)
def test_the_ask_may_say_how_long_its_answer_is(text: str, n_tokens: int) -> None:
    assert read_task(read_ask(text)).n_output_tokens == n_tokens


@pytest.mark.parametrize("phrase", [*SHORT_ANSWERS, *LONG_ANSWERS])
def test_no_phrase_on_length_is_missed(phrase: str) -> None:
    assert not LENGTH_KEYS.isdisjoint(read_ask(f"Say it {phrase}, please").vocabulary)


@pytest.mark.parametrize(("text", "is_long"), [("- must a\n- b", False), ("x\n- a\n* b\n- c", True)])
def test_three_constraints_make_an_ask_harder(text: str, is_long: bool) -> None:
    assert ("many constraints" in read_task(read_ask(text)).reasons) == is_long


@given(st.text(max_size=700))
def test_difficulty_and_length_stay_in_range(text: str) -> None:
    task = read_task(read_ask(text))
    assert 0 <= task.difficulty <= 0.8
    assert task.n_output_tokens >= 1
    assert all(r.isascii() for r in task.reasons)
