"""What frames are made of."""

from __future__ import annotations

import random
from collections.abc import Callable

from stepwell.evals.cache import edit_values as values

Made = tuple[list[str], list[str]]
Frame = Callable[[random.Random], Made]


def pick(text: str, rng: random.Random, at: str = "|") -> str:
    return rng.choice(text.split(at))


def two(rng: random.Random) -> tuple[str, str]:
    a, b = rng.sample([*values.WOMEN, *values.MEN], 2)
    if rng.random() < 0.3:
        return f"{a} {rng.choice(values.FAMILY)}", f"{b} {rng.choice(values.FAMILY)}"
    return a, b


def person(rng: random.Random) -> str:
    a, _ = two(rng)
    return a


def an(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word


def more(word: str) -> str:
    if len(word) > 5 or word.endswith("ous"):
        return {"heavy": "heavier"}.get(word, f"more {word}")
    if word in ("big",):
        return "bigger"
    if word.endswith("y"):
        return word[:-1] + "ier"
    return word + ("r" if word.endswith("e") else "er")
