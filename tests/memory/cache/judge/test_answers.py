"""The default judge: what it calls the same, what different, and where it says that it can't tell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stepwell.base.minilm import MiniLM
from stepwell.memory.cache.judge.answers import AnswersJudge
from stepwell.memory.cache.judge.case import Case
from stepwell.memory.cache.judge.words import MAX_CHARS

PAIRS: Any = run_path(str(Path(__file__).with_name("pairs.py")))

SAME = [
    ("What is the capital of Spain?", "Madrid.", "**Madrid**"),
    ("What is the capital of Spain?", "Madrid", "The capital of Spain is Madrid."),
    ("How tall is Mount Everest?", "8,849 metres", "It is 8849 m tall."),
    ("How much is the fee?", "€5", "5 euros"),
    ("When does it open?", "10 am", "It opens at 10:00."),
    ("When does it open?", "At 4 pm", "At 16:00"),
    ("Is it open on Sunday?", "Yes", "Yes."),
    ("Is the earth flat?", "No.", "No, the Earth is not flat; it is an oblate spheroid."),
    ("When was it built?", "31 March 1889", "It was built on March 31, 1889"),
    ("How many legs has a spider?", "A spider has eight legs.", "8 legs"),
    ("What is 2/4 simplified?", "So it is 1/2. The answer is 1/2", "Halve both: \\boxed{\\frac{1}{2}}"),
    ("Which one?\nA. red\nB. blue", "Because of the sky, the answer is (B).", "B"),
    ("Add them.", '{"reasoning": "1 and 2", "answer": "3"}', '{"reasoning": "2 + 1", "answer": 3}'),
    ("As JSON?", '{"name": "Anna", "age": 34}', '```json\n{"age": 34.0, "name": "anna"}\n```'),
    ("Is it open?", "YES", "Yes."),
    ("How big is it?", "16 GB", "16 gb"),
    ("What is its formula?", "H\u2082O", "H2O"),
    ("What is the capital of Spain?", "Madrid.", "madrid"),
    ("Print 1", "```python\nprint(1)  # one\n```", "Like this:\n```python\nprint(1)\n```"),
]
DIFFERENT = [
    ("What is the capital of Spain?", "Madrid", "Lisbon"),
    ("How tall is Mount Everest?", "8,849 metres", "8,611 metres"),
    ("How far is it?", "5 km", "5 miles"),
    ("How much is the fee?", "€5", "$5"),
    ("When does it open?", "10 am", "10 pm"),
    ("Is it open on Sunday?", "No, it's closed.", "Yes, from 10 to 4."),
    ("Is it open?", "Usually yes, from 10 to 4.", "Unfortunately, no."),
    ("What's the temperature?", "-5 °C", "5 °C"),
    ("What pets has she?", "A cat and two dogs", "Two cats and a dog"),
    ("What is 15% of 80?", "15% of 80 is 12.", "15% of 80 is 12.5."),
    ("Which one?\nA. red\nB. blue", "The answer is (A).", "The answer is (B)."),
    ("As JSON?", '{"name": "Anna", "age": 34}', '{"name": "Anna", "age": 43}'),
    ("As JSON?", "[1, 2]", "[1, 2, 3]"),
    ("Loop?", "```go\nfor {}\n```", "```rust\nloop {}\n```"),
    ("Who is he?", "I don't know.", "He is the mayor of the town."),
    ("Who is he?", "He is the mayor of the town.", "I'm sorry, but I can't help with that."),
    ("What is its formula?", "H\u2082O", "H\u2082O\u2082"),
    ("What gas is it?", "CO", "Co"),
    ("How fast is it?", "It runs at 5 Mb/s.", "It runs at 5 MB/s."),
    ("How strong is it?", "5 mW", "5 MW"),
    ("What is it called?", "f(X)", "f(x)"),
    ("Which command?", "chmod -R dir", "chmod -r dir"),
    ("Which card?", "The ace of \u2660", "The ace of \u2665"),
    ("What did she reply?", "\U0001f44d", "\U0001f44e"),
    ("As JSON?", '{"gas": "CO"}', '{"gas": "Co"}'),
    ("Which gas?", "\\boxed{CO}", "\\boxed{Co}"),
    (
        "Tell me about cancelling.",
        "Yes, you can cancel the order before it ships.",
        "No, you can't cancel the order before it ships.",
    ),
    ("When can I?", "You can cancel the order before it ships.", "You can cancel the order after it ships."),
    ("Where to?", "The train goes from Berlin to Hamburg.", "The train goes from Hamburg to Berlin."),
    ("Where to?", "It goes from New York to New Jersey.", "It goes from New Jersey to New York."),
    ("Who won, Anna or Ben?", "Anna beat Ben.", "Ben beat Anna."),
    ("Tell me of the shop", "The shop is open on Sunday.", "The shop is not open on Sunday."),
    ("Dogs?", "You can bring your dog in at any time.", "You can't bring your dog in at any time."),
    ("What of the price?", "The price has increased this year.", "The price has decreased this year."),
]
LASER = "Class {} covers lasers of up to 5 {}: they do no harm unless you look into the beam for long, {}"
DIFFERENT.append(
    (
        "Which class is that?",
        LASER.format("3R", "mW", "so that a blink of the eye is protection enough for nearly everybody."),
        LASER.format(
            "3R", "MW", "so that a blink is protection enough for nearly everybody who is not drunk."
        ),
    )
)
STEPS = (
    "First we add the two sides of the triangle, then we halve their sum, and then we look at what is left. "
    * 3
)
UNSURE = [
    ("Who is he?", "I don't know.", "I don't know."),
    ("Who is he?", "I can't help with that.", "I'm sorry, I cannot assist with this."),
    ("How long is the warranty?", "Two years", "24 months"),
    ("Where?", "https://a.com/docs/a", "https://a.com/docs/b"),
    ("How do I list files?", "`ls -l`", "`ls -a`"),
    ("When was it?", "In summer", "In July 2023"),
    ("When does it open?", "It opens at 10 and closes at 16:00.", "It closes at 16:00."),
    ("What do I need?", "A passport and a photo.", "A passport, a photo and proof of funds."),
    ("首都は？", "東京", "東京です。"),
    ("Solve", "\\boxed{x+1}", "\\boxed{1+x}"),
    ("Solve", f"{STEPS} The answer is 12.", f"{STEPS} It follows."),
    ("?", "", ""),
    ("Spell it.", "APPLE", "apple"),
    ("What did she reply?", "\U0001f44d", "The capital of Spain is Madrid."),
    ("What did she reply?", "\U0001f44d", "Yes"),
    ("What is the area?", "x\u00b2", "x2"),
    ("What is the capital?", "The capital of Spain is Madrid.", "Madrid is the capital of Spain."),
    ("Who won?", "Anna and Ben won.", "Ben and Anna won."),
    ("When does it open?", "It opens at 10 on Monday.", "On Monday it opens at 10."),
    ("Can I?", "You can cancel it before it ships.", "Before it ships, you can cancel it."),
    ("Who is married?", "Anna is married to Ben.", "Ben is married to Anna."),
    ("Which colours?", "Red, green, blue", "Blue, green, red"),
]


@pytest.mark.parametrize(("query", "fresh", "cached"), SAME)
async def test_what_says_the_same(query: str, fresh: str, cached: str) -> None:
    assert await AnswersJudge().same(Case(query, fresh, cached)) is True
    assert await AnswersJudge().same(Case(query, cached, fresh)) is True


@pytest.mark.parametrize(("query", "fresh", "cached"), DIFFERENT)
async def test_what_differs(query: str, fresh: str, cached: str) -> None:
    assert await AnswersJudge().same(Case(query, fresh, cached)) is False


@pytest.mark.parametrize(("query", "fresh", "cached"), UNSURE)
async def test_what_it_cannot_tell(query: str, fresh: str, cached: str) -> None:
    assert await AnswersJudge().same(Case(query, fresh, cached)) is None


@given(st.text(max_size=60), st.text(max_size=200), st.text(max_size=200))
async def test_any_texts_are_compared(query: str, fresh: str, cached: str) -> None:
    assert await AnswersJudge().same(Case(query, fresh, cached)) in (True, False, None)


@given(st.text(max_size=60), st.text(max_size=200))
async def test_no_answer_differs_from_itself(query: str, answer: str) -> None:
    assert await AnswersJudge().same(Case(query, answer, answer)) is not False


async def test_a_very_long_answer_is_compared_letter_by_letter() -> None:
    text = "word " * MAX_CHARS
    assert await AnswersJudge().same(Case("?", text, text)) is True
    assert await AnswersJudge().same(Case("?", text + "a", text + "b")) is None


@pytest.mark.parametrize(
    "deep",
    [
        "[" * 5000,
        "\n" * 20000,
        "[x](" * 5000,
        "1 a" * 5000,
        '{"a":' * 5000,
        "```" * 5000,
        "\\boxed{" * 5000,
        "(" * 20000,
    ],
)
async def test_hostile_texts_are_read_in_time(deep: str) -> None:
    assert await AnswersJudge().same(Case("?", deep, deep + "x")) in (True, False, None)


async def verdicts(judge: AnswersJudge, every: int = 1) -> dict[bool, list[bool | None]]:
    said: dict[bool, list[bool | None]] = {True: [], False: []}
    for group in PAIRS["groups"]()[::every]:
        for case, is_same in group.cases():
            said[is_same].append(await judge.same(case))
    return said


@cache
def minilm() -> MiniLM:
    return MiniLM()


def share(of: Sequence[bool | None], verdict: bool | None) -> float:
    return of.count(verdict) / len(of)


async def test_few_verdicts_on_prose_are_wrong_by_words_alone() -> None:
    said = await verdicts(AnswersJudge())
    assert share(said[True], False) < 0.02
    assert share(said[False], True) < 0.02
    assert share(said[True], True) > 0.2
    assert share(said[False], False) > 0.35


class Remembering:
    """The real embedder, each text once."""

    name, dim = MiniLM.name, 384

    def __init__(self) -> None:
        self.made: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        for text in texts:
            if text not in self.made:
                self.made[text] = minilm().embed([text])[0]
        return np.stack([self.made[text] for text in texts])


async def test_cosines_decide_more() -> None:
    embedder = Remembering()
    said = await verdicts(AnswersJudge(lambda: embedder), every=3)
    assert share(said[True], False) <= 0.05
    assert share(said[False], True) <= 0.05
    assert share(said[True], True) > 0.4
    assert share(said[False], False) > 0.5


POEMS = (
    "Leaves drift down in gold and red, the garden makes its winter bed, the mornings wear a misty veil, and geese "
    "call out along their trail.",
    "Buds unfold in tender green, the brightest colours ever seen, the brook sings loud with melted snow, and tulips "
    "wake in rows below.",
)


async def test_what_is_made_up_need_not_be_alike() -> None:
    embedder = Remembering()
    judge = AnswersJudge(lambda: embedder)
    assert await judge.same(Case("What happens in autumn with the leaves and geese?", *POEMS)) is False
    assert await judge.same(Case("Write a short poem about autumn with leaves and geese.", *POEMS)) is None


async def test_an_embedder_that_fails_is_done_without() -> None:
    def fails() -> MiniLM:
        raise RuntimeError("no weights")

    query, answers, _ = (g := PAIRS["groups"]()[0]).query, g.answers, g.near
    case = Case(query, *answers)
    assert await AnswersJudge(fails).same(case) is await AnswersJudge().same(case)


def test_the_cases_are_whole() -> None:
    groups = PAIRS["groups"]()
    assert len(groups) > 60
    assert all(len(g.answers) == 2 and g.near and all(b for _, b in g.near) for g in groups)
