"""Edits after which the same answer does."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from stepwell.evals.cache import edit_values as values
from stepwell.evals.cache.edit_parts import NUMBER, by_table, replace
from stepwell.memory.cache.verifier.lexicon import lexicon


def polite(text: str, rng: random.Random) -> str | None:
    if rng.random() < 0.6:
        lead = rng.choice(values.POLITE_BEFORE)
        return lead + (
            text
            if text[:2].isupper() or text.startswith("I ") or lead.rstrip()[-1] in "!.?"
            else text[0].lower() + text[1:]
        )
    end = rng.choice(values.POLITE_AFTER)
    return (text.rstrip("?.!") if end[0] == "," else text) + end


def layout(text: str, rng: random.Random) -> str | None:
    ways: tuple[Callable[[str], str], ...] = (
        str.lower, str.upper, lambda t: t.rstrip("?.!"), lambda t: re.sub(r"([?.!])", r" \1", t), lambda t: t + "??",
        lambda t: "  ".join(t.split(" ")), lambda t: t.lower().rstrip("?.!"), str.title, lambda t: t + "...",
        lambda t: t.rstrip("?.") + "?", lambda t: f'"{t}"', lambda t: t.replace(",", ""), lambda t: t + "\n",
    )  # fmt: skip
    return rng.choice(ways)(text)


def typo(text: str, rng: random.Random) -> str | None:
    spots = list(re.finditer(r"\b[a-z]{5,}\b", text))
    if not spots:
        return None
    word = rng.choice(spots)
    w, i = word.group(), rng.randrange(1, len(word.group()) - 2)
    ways = (
        w[:i] + w[i + 1] + w[i] + w[i + 2 :],
        w[:i] + w[i + 1 :],
        w[:i] + w[i] + w[i:],
        w[:i] + rng.choice("aeiorstn") + w[i + 1 :],
    )
    by = rng.choices(ways, (5, 2, 2, 1))[0]
    return None if lexicon().has(by) else text[: word.start()] + by + text[word.end() :]


def shortened(text: str, rng: random.Random) -> str | None:
    there = [(a, b) for a, b in values.SHORTENED if re.search(rf"\b{a}\b", text, re.I)]
    back = [(b, a) for a, b in values.SHORTENED if re.search(rf"\b{b}\b", text, re.I)]
    if not there and not back:
        return None
    old, new = rng.choice(there + back)
    found = re.search(rf"\b{old}\b", text, re.I)
    return None if found is None else replace(text, found, new)


def number_form(text: str, rng: random.Random) -> str | None:
    """The same number in another form: 5,000 or 5k or five thousand; $20 or 20 dollars."""
    spots = list(NUMBER.finditer(text))
    if not spots:
        for value, word in values.NUMBER_WORDS.items():
            if value > 1 and (
                found := re.search(rf"\b{word}\b(?! (?:hundred|thousand|million|one|two|five))", text)
            ):
                return text[: found.start()] + str(value) + text[found.end() :]
        return None
    found = rng.choice(spots)
    sign = text[found.start() - 1 : found.start()]
    number_ = float(found.group().replace(",", ""))
    ways = _forms_of(number_, found.group())
    if sign in values.UNIT_FAMILIES[2]:
        name = values.UNIT_FAMILIES[0][values.UNIT_FAMILIES[2].index(sign)]
        return (
            text[: found.start() - 1] + rng.choice([found.group(), *ways]) + " " + name + text[found.end() :]
        )
    return text[: found.start()] + rng.choice(ways) + text[found.end() :] if ways else None


def _forms_of(value: float, written: str) -> list[str]:
    ways = []
    if value == int(value):
        whole = int(value)
        ways += [f"{whole:,}"] if whole >= 1000 and not 1900 <= whole < 2100 else []
        ways += [f"{whole}"] if "," in written else []
        if whole in values.NUMBER_WORDS:
            ways.append(values.NUMBER_WORDS[whole])
        elif 20 < whole < 100:
            ways.append(f"{values.NUMBER_WORDS[whole // 10 * 10]} {values.NUMBER_WORDS[whole % 10]}")
        if whole >= 1000 and whole % 1000 == 0:
            ways += [f"{whole // 1000}k", f"{_spelt(whole // 1000)} thousand"]
        if 100 <= whole < 1000 and whole % 100 == 0:
            ways.append(f"{values.NUMBER_WORDS[whole // 100]} hundred")
    return [w for w in ways if w != written]


def _spelt(n: int) -> str:
    return values.NUMBER_WORDS.get(n, str(n))


def synonym(text: str, rng: random.Random) -> str | None:
    return by_table(text, rng, [tuple(p.split()) for p in values.SYNONYMS])


def unit_form(text: str, rng: random.Random) -> str | None:
    made = [tuple(p.split()) for p in values.UNIT_FORMS]
    return by_table(text, rng, [*made, *((b, a) for a, b in made if b not in ("in", "mon", "sept"))])


def harmless_word(text: str, rng: random.Random) -> str | None:
    helper = re.search(
        r"\b(?:can|should|is|are|do|does|did|will|would) (?:i|you|we|they|he|she|it|there) ", text, re.I
    )
    if not helper:
        return None
    return text[: helper.end()] + rng.choice(values.HARMLESS) + " " + text[helper.end() :]


def exchanged(text: str, rng: random.Random) -> str | None:
    """A and B for B and A, where nothing hangs on the order."""
    found = re.search(r"\b(\w{3,}) (and|or) (\w{3,})\b", text)
    if not found or found.group(1) == found.group(3) or re.search(r"\b(from|to|then|first)\b", text):
        return None
    names = [w[0].isupper() for w in (found.group(1), found.group(3))]
    if names[0] != names[1] or not (all(names) or re.search(r"between", text[: found.start()])):
        return None
    return f"{text[: found.start()]}{found.group(3)} {found.group(2)} {found.group(1)}{text[found.end() :]}"


def reworded(text: str, rng: random.Random) -> str | None:
    """Another opening that asks for the same: "how do I" for "how can you"."""
    fitting = []
    for group in values.OPENINGS:
        for old in group:
            found = re.match(rf"(?:{old})\b", text, re.I)
            if found:
                fitting += [(found, new) for new in group if new != old]
    if not fitting:
        return None
    found, new = rng.choice(fitting)
    return (new[0].upper() + new[1:] if text[0].isupper() else new) + text[found.end() :]


def small_word(text: str, rng: random.Random) -> str | None:
    """A for the, which for what, some for any: words on which an answer seldom hangs."""
    spots = [(m, new) for old, new in values.SMALL_WORDS for m in re.finditer(old, text, re.I)]
    if not spots:
        return None
    found, new = rng.choice(spots)
    made = text[: found.start()] + found.expand(new) + text[found.end() :]
    return made[0].upper() + made[1:] if text[0].isupper() else made


def several(text: str, rng: random.Random) -> str | None:
    """Two or three harmless edits at once."""
    made, n = text, 0
    for rule in rng.sample([reworded, small_word, synonym, shortened, layout, typo, polite], 5):
        edited = rule(made, rng)
        if edited and edited != made:
            made, n = edited, n + 1
        if n == 3:
            break
    return made if n > 1 else None
