"""Answers as models might give them, right and wrong, to compare checkers on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

FRAMES: tuple[str, ...] = (
    *(
        "{x}",
        "{x}.",
        " {x} \n",
        "{x}\n\n",
        "**{x}**",
        '"{x}"',
        "({x})",
        "`{x}`",
        "> {x}",
        "{x}\0",
        "{x},",
        "{x}!",
    ),
    *(
        "The answer is {x}.",
        "the answer is {x}.",
        "The answer is {x}",
        "the answer is {x}",
        "THE ANSWER IS {x}.",
    ),
    *(
        "So the answer is {x}.",
        "I think the answer is {x}.\nRight?",
        "the answer is {x}.\nthe answer is {w}.",
        "{w}: the answer is {x}.\n",
    ),
    *("The answer: {x}.", "The final answer: {x}.", "Final answer: {x}", "Answer: {x}", "**Answer: {x}**"),
    *("So the answer is {x}. I hope that this helps!", "The answer is **{x}**.", 'The answer is "{x}".'),
    *(
        "The answer is\n{x}",
        "The answer is \n{x}.",
        "The answer is: {x}.",
        "The answer is {x}.\r\n",
        "#### {x}",
    ),
    *("The answer is {w}. No, wait: the answer is {x}.", "The answer is {x}. It is not {w}.", "{w} or {x}"),
    *("First {w}, then {w}.\n\nLet me see.\nThe answer is {x}.\n", "{x}\n\nBecause of {w}, 20 % more..."),
    *("#### {x}.", "#### {x}\n", "####{x}", "### {x}", "{w}\n#### {x}\n\nThat is all.", "#### {w}\n#### {x}"),
    *(
        "We get {w}.\n#### {x}",
        "$\\boxed{{{x}}}$",
        "\\boxed{{{x}}}.",
        "```\n{x}\n```",
        "答えは{x}です。",
        "{x}…",
        "{x}...",
    ),
    *(
        "It is {x}, I think (but I am not sure).",
        "not {x}",
        "{x} {x}",
        "{w} {x} {w}",
        "- {w}\n- {x}\n",
        "1. {w}\n2. {x}",
    ),
    *(
        "= {x} km",
        "{x} apples cost $4.50 each",
        "{x} % of 1,200.75",
        "{x} -",
        "a well-known fact: {x}",
        "{x} - {w}",
    ),
    *(
        "<think>The answer is {w}.</think>\n{x}",
        "I can't say.",
        "",
        " ",
        "\n",
        "…",
        "[invalid]",
        "#### ",
        "The answer is ",
    ),
)
_SPELLED = (
    *(
        "seven",
        "one",
        "twenty one",
        "twenty-one",
        "a hundred",
        "one hundred and five",
        "two thousand three hundred",
    ),
    *(
        "Fourteen",
        "eight",
        "eighteen apples and one pear",
        "three million two",
        "one two three",
        "zero",
        "forteen",
    ),
    *(
        "one thousand and one thousand",
        "nineight five",
        "none",
        "fortytwo",
        "two billion, five million and six",
    ),
    *(
        "thousand million",
        "ten & five",
        "six six six",
        "one\nhundred",
        "seventy seven hundred",
        "trillion one",
    ),
    *(
        "fourteen thousand",
        "one hundred and fourteen",
        "sixteen",
        "eight hundred",
        "twelve\tmillion",
        "forty",
    ),
)


def made_answers(known: Mapping[str, object], n: int, rng: random.Random) -> list[str]:
    """`n` answers to one row: frames around right and wrong values, each written in some way.

    Args:
        known: task, right, and choices or words where the task has them.
    """
    right = str(known["right"])
    values = _values(known, rng)
    sources = ([right], _written(right), values, values)
    return [
        rng.choice(FRAMES).format(x=rng.choice(rng.choice(sources)), w=rng.choice(values)) for _ in range(n)
    ]


def _values(known: Mapping[str, object], rng: random.Random) -> list[str]:
    right, choices, words = str(known["right"]), known.get("choices"), known.get("words")
    found = _written(right)
    if isinstance(choices, Sequence) and choices:
        texts = [str(c) for c in choices]
        found += [w for i in range(len(texts)) for w in _written(f"({chr(65 + i)})")] + texts
        found += [t.upper() for t in texts] + [f"Option {t}:" for t in texts]
    elif isinstance(words, Sequence):
        found += [" ".join(rng.sample(list(words), len(words))) for _ in range(3)]
        found += [
            ", ".join(sorted(words)),
            "\n".join(sorted(words)),
            " ".join(sorted(words)[1:]),
            right.title(),
        ]
        found += [f"{right} {words[0]}", "The list: " + ", ".join(words) + f"\nSorted: {right}"]
    elif right.lstrip("-").isdigit():
        n = int(right)
        found += [w for other in (n + 1, -n, n * 10, n - 1000) for w in _numbers(other)] + list(_SPELLED)
        found += ["3.5", "-", "--", "1-2", "$", ".", "...", "1,2,3", "10:30", "٣٤", "²", "1e3", "-$5", "$-5"]
    elif set(right) <= set("[](){}<> "):
        found += [
            right.replace(" ", ""),
            right + " )",
            right[:-1],
            "[ ( ",
            ") ) >",
            "] ]",
            "{ }",
            "none",
            '" ]',
        ]
    else:
        found += [
            "yes",
            "no",
            "Yes",
            "No",
            "YES",
            "plausible",
            "not plausible",
            "implausible",
            "True",
            "False",
            "true",
        ]
        found += [
            "valid",
            "invalid",
            "not valid",
            "does not tell the truth",
            "tells the truth",
            "is telling the truth",
        ]
        found += [
            "is not telling the truth",
            "Not Plausible",
            "unknown",
            "noyes",
            "yes/no",
            "no-one",
            "N/A",
            "İ",
        ]
    return found


def _written(value: str) -> list[str]:
    if value.lstrip("-").isdigit():
        return _numbers(int(value))
    letter = value.strip("()")
    if len(letter) == 1 and letter.isalpha():
        return [
            value,
            letter,
            f"{letter})",
            letter.lower(),
            f"({letter.lower()})",
            f": {letter}",
            f"option {letter}",
        ]
    return [value, value.lower(), value.upper(), value.capitalize(), f"{value}, indeed", f"{value} "]


def _numbers(n: int) -> list[str]:
    found = [
        str(n),
        f"{n:,}",
        f"${n}",
        f"${n:,}",
        f"{n}.0",
        f"{n}.00",
        f"{n}.",
        f"{n}%",
        f"{n} dollars",
        f"+{n}",
    ]
    return [
        *found,
        f"{n} km",
        f"-{n}",
        f"{n},",
        f"0{n}",
        f"€{n}",
        f"{n}/2",
        f"{n:,}.50",
        str(n).replace("-", "−"),
    ]
