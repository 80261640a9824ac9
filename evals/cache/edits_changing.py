"""Edits after which the question needs another answer."""

from __future__ import annotations

import random
import re
from itertools import pairwise

from stepwell.evals.cache import edit_values as values
from stepwell.evals.cache.edit_parts import NOT_NAMES, NUMBER, WORD, another, by_table, replace
from stepwell.memory.cache.verifier.lexicon import lexicon


def number(text: str, rng: random.Random) -> str | None:
    spots = list(NUMBER.finditer(text))
    if not spots:
        return None
    found = rng.choice(spots)
    value = float(found.group().replace(",", ""))
    ways = (
        value + 1,
        value + rng.randint(2, 9),
        value * 10,
        value * 2,
        value + 10,
        abs(value - 1),
        value * 5,
        value / 2,
    )
    by = f"{rng.choice(ways):.10g}"
    return None if float(by) == value else text[: found.start()] + by + text[found.end() :]


def number_word(text: str, rng: random.Random) -> str | None:
    words = list(values.NUMBER_WORDS.values())[2:]
    return another(text, rng, [words])


def unit(text: str, rng: random.Random) -> str | None:
    if not re.search(
        r"\d|few|couple|many|several|how (?:much|long|far)|daily|weekly|monthly|[$€£¥]|per |an? |last|next",
        text,
    ):
        return None
    return another(text, rng, values.UNIT_FAMILIES, exact=True)


def date(text: str, rng: random.Random) -> str | None:
    lists = (values.MONTHS, values.WEEKDAYS, values.WHEN, values.SEASONS, values.TIMES_OF_DAY)
    year = re.search(r"\b(19|20)\d\d\b", text)
    if year and rng.random() < 0.5:
        return (
            text[: year.start()]
            + str(int(year.group()) + rng.choice((-4, -2, -1, 1, 2, 4, 10)))
            + text[year.end() :]
        )
    return another(text, rng, lists)


def entity(text: str, rng: random.Random) -> str | None:
    lists = (values.PLACES, values.THINGS, values.PEOPLE, values.WOMEN, values.MEN)
    return another(text, rng, lists)


def any_name(text: str, rng: random.Random) -> str | None:
    """A capitalised word inside of the sentence becomes some other name."""
    spots = [
        m for m in re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b", text) if m.group().lower() not in NOT_NAMES
    ]
    if not spots:
        return None
    pool = rng.choice((values.PLACES, values.THINGS, values.PEOPLE))
    return replace(text, rng.choice(spots), rng.choice(pool))


def negation(text: str, rng: random.Random) -> str | None:
    """Put "not" behind the first helping verb and its subject, or before a verb; take one away where there is one."""
    gone = re.search(r"\b(not|never) |n't\b", text)
    if gone and rng.random() < 0.8:
        return text[: gone.start()] + text[gone.end() :]
    helper = re.search(
        r"\b(?:can|could|should|would|will|do|does|did|is|are|was|were|may|must)\b"
        r" (?:i|you|we|they|he|she|it|one)?\b ?",
        text,
        re.I,
    )
    to = re.search(r"\bto (?=[a-z]{3,} )", text)
    if helper and helper.group().strip() and (not to or rng.random() < 0.8):
        end = helper.end()
        return text[:end].rstrip() + " not " + text[end:].lstrip()
    if to:
        return text[: to.start()] + "not " + text[to.start() :]
    said = re.match(r"(Please )?(\w+) ", text)
    return "Don't " + text[0].lower() + text[1:] if said and said.group(2).lower() in _VERBS else None


_VERBS = {
    "show",
    "tell",
    "set",
    "add",
    "play",
    "send",
    "book",
    "find",
    "turn",
    "call",
    "make",
    "give",
    "check",
    "remind",
    "order",
    "transfer",
    "put",
    "read",
}


def opposite(text: str, rng: random.Random) -> str | None:
    pairs = [tuple(p.split()) for p in values.OPPOSITES]
    return by_table(text, rng, [*pairs, *((b, a) for a, b in pairs)])


def wordnet_opposite(text: str, rng: random.Random) -> str | None:
    spots = [
        (m, o)
        for m in WORD.finditer(text)
        if (o := lexicon().opposites.get(m.group().lower())) and len(m.group()) > 3
    ]
    if not spots:
        return None
    found, others = rng.choice(spots)
    return replace(text, found, rng.choice(sorted(others)))


def function_word(text: str, rng: random.Random) -> str | None:
    return by_table(text, rng, [tuple(p.split()) for p in values.FUNCTION_SWAPS])


def kin(text: str, rng: random.Random) -> str | None:
    """Another kind of the same thing: a cat for a dog."""
    lex = lexicon()
    spots = [m for m in WORD.finditer(text) if len(m.group()) > 3 and m.group().lower() in lex.families]
    if not spots:
        return None
    found = rng.choice(spots)
    word = found.group().lower()
    family = rng.choice(sorted(lex.families[word]))
    others = [w for w in _members()[family] if w != word and not lex.same(w, word)]
    return replace(text, found, rng.choice(others)) if others else None


_families: dict[int, list[str]] = {}


def _members() -> dict[int, list[str]]:
    if not _families:
        for word, ids in lexicon().families.items():
            for i in ids:
                _families.setdefault(i, []).append(word)
    return _families


def role(text: str, rng: random.Random) -> str | None:
    """Exchange the two sides of "from A to B", of names, or of numbers."""
    route = re.search(
        r"\bfrom ((?:the |my )?[\w-]+(?: [A-Z]\w+)?) to ((?:the |my )?[\w-]+(?: [A-Z]\w+)?)", text
    )
    if route and route.group(1) != route.group(2):
        return f"{text[: route.start()]}from {route.group(2)} to {route.group(1)}{text[route.end() :]}"
    names = [
        m
        for m in re.finditer(r"(?<=[\w,'] )[A-Z][a-z]+(?: [A-Z][a-z]+)*", text)
        if m.group().lower() not in NOT_NAMES
    ]
    joined = re.compile(r"\s*(and|or|vs\.?|versus|,|with|&)\s*$")
    for a, b in pairwise(names):
        between = text[a.end() : b.start()]
        if (
            a.group() != b.group()
            and not joined.match(between)
            and not re.search(r"[.?!]", between)
            and "between" not in text
        ):
            return text[: a.start()] + b.group() + between + a.group() + text[b.end() :]
    return None


def telling(text: str, rng: random.Random) -> str | None:
    """Add a word that changes what is asked for."""
    article = list(re.finditer(r"\b(?:a|an|the|my) (?=[a-z]{4,})", text))
    if not article:
        return None
    at = rng.choice(article).end()
    return text[:at] + rng.choice(values.TELLING) + " " + text[at:]


def narrowed(text: str, rng: random.Random) -> str | None:
    """Ask for less or for more: add a phrase at the end that narrows the question, or take one away."""
    body = text.rstrip("?.! ")
    end = text[len(body) :]
    last = re.search(r" (?:in|for|on|at|with|without|as|during|near|after|under) (?:[\w'-]+ ?){1,3}$", body)
    if last and last.start() > 12 and rng.random() < 0.6:
        return body[: last.start()] + end
    return body + " " + rng.choice(values.NARROWING) + end
