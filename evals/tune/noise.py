"""Noise that must not change the tier: the same ask with typos, reworded, padded, in other case, wrapped."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import string
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import isawaitable

from stepwell.base.messages import Message
from stepwell.router.features import read_ask
from stepwell.router.policy.base import Estimates, Policy
from stepwell.router.tierinfo import TierInfo
from stepwell.router.wrappers import last_ask

Pick = Callable[[Estimates], str]

_WORD = re.compile(r"[A-Za-z]{4,}")
_LETTERS_PER_TYPO = 200  # 1 in 200: a hasty typist who corrects most slips
_OPENINGS = (
    "Please answer this: ",
    "Could you help me with this? ",
    "Hi! I have a question: ",
    "Can you tell me the following: ",
    "I'd like to know: ",
    "Please help. ",
)
_SYNONYMS = {
    "which of the following": "which one of these",
    "find the": "determine the",
    "what is": "what's",
    "write a": "create a",
    "calculate": "compute",
    "explain": "describe",
    "according to": "going by",
    "is not": "isn't",
    "do not": "don't",
    "best describes": "describes best",
}
_REMINDER = (
    "<system-reminder>\nThe todo list is empty. Use the Write tool for code; run pytest.\n</system-reminder>"
)
_CONTEXT = "<environment_details>\n# VSCode open tabs\nsrc/lib/compiler.py, tests/test_proof.py\n</environment_details>"
_WRAPS = (
    f"{_REMINDER}\n{{}}",
    f"{{}}\n\n{_REMINDER}",
    f"<task>\n{{}}\n</task>\n{_CONTEXT}",
    "<user_query>\n{}\n</user_query>",
    f"{_CONTEXT}\n<user_query>{{}}</user_query>\n{_REMINDER}",
)


def typos(prompt: str, rng: random.Random) -> str:
    """Swap, drop, double or change a letter in a few words: one in 200 characters, at least one."""
    found = [m.span() for m in _WORD.finditer(prompt)]
    if not found:
        return prompt
    n = min(len(found), max(1, len(prompt) // _LETTERS_PER_TYPO))
    for start, end in sorted(rng.sample(found, n), reverse=True):
        prompt = prompt[:start] + _mistyped(prompt[start:end], rng) + prompt[end:]
    return prompt


def _mistyped(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    way = rng.randrange(4)
    if way == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if way == 1:
        return word[:at] + word[at + 1 :]
    if way == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + rng.choice(string.ascii_lowercase) + word[at + 1 :]


def paraphrased(prompt: str, rng: random.Random) -> str:
    """The same ask behind another opening, or with stock phrases in other words."""
    if rng.random() < 0.5:
        return rng.choice(_OPENINGS) + prompt
    for phrase, other in _SYNONYMS.items():
        prompt = re.sub(rf"\b{phrase}\b", partial(_in_other_words, other), prompt, flags=re.IGNORECASE)
    return prompt if prompt.rstrip().endswith(("?", ":")) else f"{prompt.rstrip()} Thanks!"


def _in_other_words(other: str, found: re.Match[str]) -> str:
    return other[0].upper() + other[1:] if found[0][0].isupper() else other


def padded(prompt: str, rng: random.Random) -> str:
    """Blanks and newlines around the ask, and doubled inside it."""
    inside = "  " if rng.random() < 0.5 else " "
    return (
        " " * rng.randrange(1, 30)
        + "\n" * rng.randrange(4)
        + prompt.replace(" ", inside)
        + "\n" * rng.randrange(1, 9)
    )


def recased(prompt: str, rng: random.Random) -> str:
    """All small letters, all capitals, or a capital on each word."""
    return rng.choice((str.lower, str.upper, string.capwords if "\n" not in prompt else str.lower))(prompt)


def wrapped(prompt: str, rng: random.Random) -> str:
    """As a coding agent sends it: among reminders, open files, inside a tag."""
    return rng.choice(_WRAPS).replace("{}", prompt)


NOISES: Mapping[str, Callable[[str, random.Random], str]] = {
    "typos": typos,
    "paraphrase": paraphrased,
    "padding": padded,
    "case": recased,
    "wrapping": wrapped,
}


def disturbed(prompt: str, noise: str, *, seed: int = 0) -> str:
    """One noise on one prompt; the same seed and prompt give the same text, whatever came before."""
    key = hashlib.sha256(f"{seed}\0{noise}\0{prompt}".encode("utf-8", "surrogatepass")).digest()
    return NOISES[noise](prompt, random.Random(key))


def share_unchanged(
    policy: Policy,
    prompts: Sequence[str],
    tiers: Sequence[TierInfo],
    pick: Pick,
    *,
    seed: int = 0,
) -> dict[str, float]:
    """By noise: share of prompts for which the same tier is picked. Blocks; runs outside of any event loop.

    Args:
        pick: From a policy's estimates to a tier: `over_floor`, `over_need`, or one's own.
    """
    with asyncio.Runner() as runner:
        before = [_picked(runner, policy, prompt, tiers, pick) for prompt in prompts]
        found = {}
        for noise in NOISES:
            after = (_picked(runner, policy, disturbed(p, noise, seed=seed), tiers, pick) for p in prompts)
            found[noise] = sum(a == b for a, b in zip(after, before, strict=True)) / len(prompts)
    return found


def over_floor(tiers: Sequence[TierInfo], floor: float) -> Pick:
    """The cheapest tier, of `tiers` by price, whose p_ok reaches the floor; else the one with the best."""

    def pick(made: Estimates) -> str:
        for tier in tiers:
            if made.p_ok[tier.name] >= floor:
                return tier.name
        return max(made.p_ok, key=lambda name: made.p_ok[name])

    return pick


def over_need(cuts: Sequence[float]) -> Pick:
    """A tier's place: how many of the rising cuts `need` reaches."""

    def pick(made: Estimates) -> str:
        need = made.need if made.need is not None else 0.0
        return str(sum(need >= cut for cut in cuts))

    return pick


def _picked(
    runner: asyncio.Runner, policy: Policy, prompt: str, tiers: Sequence[TierInfo], pick: Pick
) -> str:
    ask = read_ask(last_ask([Message(role="user", content=prompt)]))
    made = policy.estimate(ask, tiers)
    return pick(runner.run(_awaited(made)) if isawaitable(made) else made)  # type: ignore[arg-type]


async def _awaited(made: object) -> object:
    return await made  # type: ignore[misc]
