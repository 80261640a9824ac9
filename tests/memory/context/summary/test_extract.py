"""The local summary: verbatim, bounded, and about what matters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.messages import Message, Part
from stepwell.memory.context.log.log import Summary
from stepwell.memory.context.summary.cut import n_tokens
from stepwell.memory.context.summary.extract import ExtractiveSummarizer, extract
from stepwell.memory.context.summary.sentences import MAX_CHARS, sentences
from stepwell.memory.context.summary.summarizer import Said
from stepwell.memory.context.summary.worth import worth


def said(*texts: str, first: int = 0, role: str = "user", name: str | None = None) -> list[Said]:
    return [Said(first + i, Message(role, text, name=name), 0.0, 20) for i, text in enumerate(texts)]


FACTS = (
    "My sister Ilse moved to Bergen on the 3rd of May 2021.",
    "The doctor said I am allergic to penicillin, never give me any.",
    "We decided to paint the kitchen green and spent 420 euros.",
)
SMALL_TALK = (
    "Haha, that sounds great!",
    "Wow, congratulations, how nice!",
    "How are you doing today?",
    "Okay thanks!",
)


def test_facts_are_kept_and_small_talk_goes() -> None:
    mixed = [t for pair in zip(SMALL_TALK, (*FACTS, "Sure, bye!"), strict=True) for t in pair]
    assert extract("", said(*mixed, name="Ana"), 60).split("\n") == [f"Ana: {fact}" for fact in FACTS]


def test_what_was_kept_stays_until_something_better_comes() -> None:
    text = extract("", said(*FACTS), 60)
    assert extract(text, said(*SMALL_TALK, first=3), 60) == text
    better = "Ilse married Tor Hansen in Oslo on 14 June 2022, with 80 guests from Norway and Spain."
    assert f"user: {better}" in extract(text, said(better, first=7), 60).split("\n")


def test_the_same_is_not_said_twice() -> None:
    text = extract(
        "", said(FACTS[0], FACTS[0], "So my sister Ilse moved to Bergen on the 3rd of May, 2021."), 200
    )
    assert text == f"user: {FACTS[0]}"
    assert extract(text, said(FACTS[0], first=3), 200) == text


def test_a_relative_day_is_dated() -> None:
    turns = [
        Said(0, Message("user", "Last Friday I sold the boat.", name="Ana"), 1_683_500_000.0, 9),
        Said(1, Message("user", "I never sold the red car to Tom."), 1_683_500_000.0, 9),
        Said(2, Message("user", "My wife Ida bought a horse yesterday."), 0.0, 9),
    ]
    text = extract("", turns, 100)
    assert text.split("\n") == [
        "Ana, 7 May 2023: Last Friday I sold the boat.",
        "user: I never sold the red car to Tom.",
        "user: My wife Ida bought a horse yesterday.",
    ]
    assert extract(text, [], 100) == text


def test_a_users_words_come_before_an_assistants_advice() -> None:
    turns = [
        *said(
            "In Lisbon the tram 28 costs 3 euros and leaves on the hour from Martim Moniz.", role="assistant"
        ),
        *said("We travel to Lisbon on 4 June with 3 children, by train from Porto.", first=1),
    ]
    assert (
        extract("", turns, 24) == "user: We travel to Lisbon on 4 June with 3 children, by train from Porto."
    )


def test_tools_and_code_are_left_out() -> None:
    code = "Try this, Maria of Porto:\n```python\nMaria = Porto(2021, 'May')\n```\n"
    code += "It prints the 12 ports of Porto by name."
    turns = [
        *said('{"city": "Porto", "May": 2021}', *FACTS, role="tool"),
        *said('{"city": "Porto", "day": "3 May 2021", "n": 12}', first=4),
        *said(code, first=5, role="assistant"),
        *said(*FACTS, first=6, role="system"),
    ]
    lines = extract("", turns, 200).split("\n")
    assert "assistant: It prints the 12 ports of Porto by name." in lines
    assert all(line.startswith("assistant: ") and "2021" not in line for line in lines)


def test_a_models_prose_is_taken_apart_and_goes_on() -> None:
    prose = "Ana Pires lives in Porto with two cats. She has worked for the railway since 2019."
    text = extract(prose, said(*FACTS), 200)
    assert text.split("\n")[:2] == prose.replace(". ", ".\n").split("\n")
    assert all(fact in text for fact in FACTS)


def test_other_scripts_have_sentences_too() -> None:
    text = extract("", said("我住在北京的朝阳区已经十二年了。谢谢。我的妹妹在上海的一家医院当护士。"), 100)
    assert text == "user: 我住在北京的朝阳区已经十二年了。\nuser: 我的妹妹在上海的一家医院当护士。"
    assert "Москву" in extract("", said("Моя сестра Ольга переехала в Москву 3 мая 2021 года."), 100)


def test_parts_of_text_are_read() -> None:
    message = Message("user", [Part("text", FACTS[0]), Part("image_url")])
    assert extract("", [Said(0, message, 0.0, 20)], 60) == f"user: {FACTS[0]}"


async def test_it_is_a_summarizer() -> None:
    made = await ExtractiveSummarizer().extend(
        Summary(f"user: {FACTS[0]}", 1, "extract"), said(FACTS[1]), max_tokens=60
    )
    assert made.split("\n") == [f"user: {fact}" for fact in FACTS[:2]]


def test_sentences_end_where_they_should() -> None:
    text = (
        'Dr. Ada Smith paid 3.50 for it, e.g. "soup." Was it good? Yes… very!\n- an item\n2. see No. 5 there'
    )
    assert sentences(text) == [
        'Dr. Ada Smith paid 3.50 for it, e.g. "soup."',
        "Was it good?",
        "Yes…",
        "very!",
        "an item",
        "see No. 5 there",
    ]


def test_worth_tells_facts_from_talk() -> None:
    assert min(map(worth, FACTS)) > 0.5 > 0 > max(map(worth, SMALL_TALK))


words = st.sampled_from(
    ["Ana", "Porto", "2021", "sold", "never", "the", "boat", "wow", "x" * 70, "你好世界", "{", "?"]
)
ends = st.sampled_from([".", "!", "?", "\n", " ", "。", "; ", "…"])
texts = st.one_of(
    st.text(max_size=400),
    st.lists(st.tuples(words, ends), max_size=80).map(lambda p: " ".join(a + b for a, b in p)),
)


@given(text=texts)
def test_sentences_are_short_verbatim_pieces_in_order(text: str) -> None:
    at = 0
    for sentence in sentences(text):
        assert 0 < len(sentence) <= MAX_CHARS
        assert "\n" not in sentence
        at = text.index(sentence, at)


@given(
    turns=st.lists(texts, max_size=12), rooms=st.lists(st.integers(1, 120), min_size=1, max_size=4), old=texts
)
def test_never_longer_than_asked_and_nothing_invented(turns: list[str], rooms: list[int], old: str) -> None:
    text = ""
    for i, room in enumerate(rooms):
        text = extract(text, said(*turns, first=i * len(turns)), room)
        assert n_tokens(text) <= room
        for line in filter(None, text.split("\n")):
            assert line.startswith("user: ")
            assert any(line.removeprefix("user: ") in turn for turn in turns)
    assert n_tokens(extract(old, said(*turns), rooms[0])) <= rooms[0]
