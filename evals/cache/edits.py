"""Pairs made by rules: one edit of a sentence, of which it is known whether the answer stays the same."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from stepwell.evals.cache import edit_values as values
from stepwell.memory.cache.verifier.lexicon import lexicon

Edit = Callable[[str, random.Random], str | None]
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_NUMBER = re.compile(r"(?<![\w.,:/-])\d{1,3}(?:,\d{3})+(?!\w)|(?<![\w.,:/-])\d+(?:\.\d+)?(?![\w:/]|[.,-]\d)")


@dataclass(frozen=True, slots=True)
class EditedPair:
    """Two prompts, and whether one answer does for both."""

    cached_query: str
    query: str
    same: bool
    kind: str


def edited_pairs(texts: Iterable[str], *, seed: int, per_text: int = 2) -> Iterator[EditedPair]:
    """Edit each text by some of the rules that fit it; which ones is drawn from the seed and the text."""
    for text in texts:
        rng = random.Random(f"{seed} {text}")
        made = [(text, edited, kind, False) for kind, edited in _some(text, CHANGING, rng, per_text)]
        made += [(text, edited, kind, True) for kind, edited in _some(text, HARMLESS, rng, per_text)]
        if rng.random() < 0.35 and made and not made[0][3] and (other := several(text, rng)):
            made.append((other, made[0][1], made[0][2], False))  # a change among harmless edits is one still
        for a, b, kind, same in made:
            yield EditedPair(*((a, b) if rng.random() < 0.5 else (b, a)), same, kind)


def _some(text: str, rules: dict[str, Edit], rng: random.Random, n: int) -> list[tuple[str, str]]:
    """A rare rule comes before one that fits everything."""
    fitting = [(kind, made) for kind, rule in rules.items() if (made := rule(text, rng)) and made != text]
    fitting.sort(key=lambda item: rng.random() * (3 if item[0] in _COMMON else 1))
    return fitting[:n]


def _replace(text: str, found: re.Match[str], by: str) -> str:
    was = found.group()
    if was.isupper() and len(was) > 1:
        by = by.upper()
    elif was[0].isupper():
        by = by[0].upper() + by[1:]
    return text[: found.start()] + by + text[found.end() :]


def _another(
    text: str, rng: random.Random, lists: Iterable[Iterable[str]], *, exact: bool = False
) -> str | None:
    """Put another member of a list in the place of one."""
    spots = []
    for members in lists:
        by_name = {m if exact else m.lower(): m for m in members}
        for found in re.finditer(r"[$€£¥]|[A-Za-z]+", text):
            key = found.group() if exact else found.group().lower()
            if key in by_name:
                spots.append((found, [m for k, m in by_name.items() if k != key]))
    if not spots:
        return None
    found, others = rng.choice(spots)
    by = rng.choice(others)
    return text[: found.start()] + by + text[found.end() :] if exact else _replace(text, found, by)


def number(text: str, rng: random.Random) -> str | None:
    spots = list(_NUMBER.finditer(text))
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
    return _another(text, rng, [words])


def unit(text: str, rng: random.Random) -> str | None:
    if not re.search(
        r"\d|few|couple|many|several|how (?:much|long|far)|daily|weekly|monthly|[$€£¥]|per |an? |last|next",
        text,
    ):
        return None
    return _another(text, rng, values.UNIT_FAMILIES, exact=True)


def date(text: str, rng: random.Random) -> str | None:
    lists = (values.MONTHS, values.WEEKDAYS, values.WHEN, values.SEASONS, values.TIMES_OF_DAY)
    year = re.search(r"\b(19|20)\d\d\b", text)
    if year and rng.random() < 0.5:
        return (
            text[: year.start()]
            + str(int(year.group()) + rng.choice((-4, -2, -1, 1, 2, 4, 10)))
            + text[year.end() :]
        )
    return _another(text, rng, lists)


def entity(text: str, rng: random.Random) -> str | None:
    lists = (values.PLACES, values.THINGS, values.PEOPLE, values.WOMEN, values.MEN)
    return _another(text, rng, lists)


def any_name(text: str, rng: random.Random) -> str | None:
    """A capitalised word inside of the sentence becomes some other name."""
    spots = [
        m for m in re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b", text) if m.group().lower() not in _NOT_NAMES
    ]
    if not spots:
        return None
    pool = rng.choice((values.PLACES, values.THINGS, values.PEOPLE))
    return _replace(text, rng.choice(spots), rng.choice(pool))


_NOT_NAMES = {w.lower() for w in (*values.MONTHS, *values.WEEKDAYS)} | {"i"}


def negation(text: str, rng: random.Random) -> str | None:
    """Put "not" behind the first helping verb and its subject, or before a verb; take one away where there is one."""
    gone = re.search(r"\b(not|never) |n't\b", text)
    if gone and rng.random() < 0.8:
        return text[: gone.start()] + text[gone.end() :]
    helper = re.search(
        r"\b(?:can|could|should|would|will|do|does|did|is|are|was|were|may|must)\b (?:i|you|we|they|he|she|it|one)?\b ?",
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
    return _by_table(text, rng, [*pairs, *((b, a) for a, b in pairs)])


def wordnet_opposite(text: str, rng: random.Random) -> str | None:
    spots = [
        (m, o)
        for m in _WORD.finditer(text)
        if (o := lexicon().opposites.get(m.group().lower())) and len(m.group()) > 3
    ]
    if not spots:
        return None
    found, others = rng.choice(spots)
    return _replace(text, found, rng.choice(sorted(others)))


def function_word(text: str, rng: random.Random) -> str | None:
    return _by_table(text, rng, [tuple(p.split()) for p in values.FUNCTION_SWAPS])


def kin(text: str, rng: random.Random) -> str | None:
    """Another kind of the same thing: a cat for a dog."""
    lex = lexicon()
    spots = [m for m in _WORD.finditer(text) if len(m.group()) > 3 and m.group().lower() in lex.families]
    if not spots:
        return None
    found = rng.choice(spots)
    word = found.group().lower()
    family = rng.choice(sorted(lex.families[word]))
    others = [w for w in _members()[family] if w != word and not lex.same(w, word)]
    return _replace(text, found, rng.choice(others)) if others else None


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
        if m.group().lower() not in _NOT_NAMES
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
    return None if found is None else _replace(text, found, new)


def number_form(text: str, rng: random.Random) -> str | None:
    """The same number in another form: 5,000 or 5k or five thousand; $20 or 20 dollars."""
    spots = list(_NUMBER.finditer(text))
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
    return _by_table(text, rng, [tuple(p.split()) for p in values.SYNONYMS])


def unit_form(text: str, rng: random.Random) -> str | None:
    pairs = (
        "kilometers km|miles mi|minutes mins|hours hrs|kilograms kg|kg kilos|pounds lbs|grams g|milligrams mg|dollars USD|"
        "euros EUR|january jan|february feb|august aug|september sept|october oct|november nov|december dec|monday mon|"
        "tuesday tue|thursday thurs|friday fri|gigabytes GB|percent %|inches in|litres liters|metres meters"
    )
    made = [tuple(p.split()) for p in pairs.split("|")]
    return _by_table(text, rng, [*made, *((b, a) for a, b in made if b not in ("in", "mon", "sept"))])


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


def _by_table(text: str, rng: random.Random, table: Iterable[tuple[str, ...]]) -> str | None:
    by_word: dict[str, list[str]] = {}
    for a, b in table:
        by_word.setdefault(a.lower(), []).append(b)
    spots = [m for m in re.finditer(r"[A-Za-z]+|%", text) if m.group().lower() in by_word]
    if not spots:
        return None
    found = rng.choice(spots)
    by = rng.choice(by_word[found.group().lower()]).replace("-", " ")
    return None if re.search(rf"\b{re.escape(by)}\b", text, re.I) else _replace(text, found, by)


def narrowed(text: str, rng: random.Random) -> str | None:
    """Ask for less or for more: add a phrase at the end that narrows the question, or take one away."""
    body = text.rstrip("?.! ")
    end = text[len(body) :]
    last = re.search(r" (?:in|for|on|at|with|without|as|during|near|after|under) (?:[\w'-]+ ?){1,3}$", body)
    if last and last.start() > 12 and rng.random() < 0.6:
        return body[: last.start()] + end
    return body + " " + rng.choice(values.NARROWING) + end


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


CHANGING: dict[str, Edit] = {
    "neg_number": number, "neg_number_word": number_word, "neg_unit": unit, "neg_date": date, "neg_entity": entity,
    "neg_name": any_name, "neg_negation": negation, "neg_antonym": opposite, "neg_opposite": wordnet_opposite,
    "neg_function": function_word, "neg_kin": kin, "neg_role": role, "neg_modifier": telling, "neg_scope": narrowed,
}  # fmt: skip
HARMLESS: dict[str, Edit] = {
    "pos_polite": polite, "pos_format": layout, "pos_typo": typo, "pos_contraction": shortened,
    "pos_numformat": number_form, "pos_synonym": synonym, "pos_unitform": unit_form, "pos_word": harmless_word,
    "pos_exchanged": exchanged, "pos_opening": reworded, "pos_small": small_word, "pos_several": several,
}  # fmt: skip
_COMMON = {
    "neg_negation", "neg_kin", "neg_modifier", "neg_opposite", "pos_polite", "pos_format", "pos_typo", "pos_word",
}  # fmt: skip
