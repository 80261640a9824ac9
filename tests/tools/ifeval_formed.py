"""Answers of the right form, and of nearly the right one."""

from __future__ import annotations

import json
import random

from tests.tools.ifeval_parts import Given, forms_of, prose, sentence, text_of, texts_of
from tests.tools.ifeval_texts import TEXTS


def with_keywords(chance: random.Random, given: Given, prompt: str) -> list[str]:
    words = texts_of(given, "keywords")
    lists = [words, words[1:], [w.upper() for w in words], [f"x{w}y" for w in words], [w[:-1] for w in words]]
    return [prose(chance, 2) + " ".join(chosen) + ". " + prose(chance, 1) for chosen in lists]


def forbidden(chance: random.Random, given: Given, prompt: str) -> list[str]:
    one = chance.choice(texts_of(given, "forbidden_words"))
    forms = (one, one.upper(), f"{one}s", f"un{one}", f"{one}-like", f"({one})", f"_{one}_", f"*{one}*", "")
    return [f"{prose(chance, 2)} {form} {prose(chance, 1)}" for form in forms]


def in_language(chance: random.Random, given: Given, prompt: str) -> list[str]:
    own = TEXTS.get(text_of(given, "language"), TEXTS["en"])
    others = chance.sample(list(TEXTS.values()), 6)
    mixed = [f"{own} {TEXTS['en']}", f"{own}\n{others[0]}", f"{TEXTS['en']}\n{own}\n{TEXTS['en']}"]
    return [
        own,
        own * 3,
        own[:12],
        own.upper(),
        f"**{own}**",
        *mixed,
        *others,
        "123 456",
        "https://a.example/x",
    ]


def postscript(chance: random.Random, given: Given, prompt: str) -> list[str]:
    forms = forms_of(
        "P.S. Bye|P.P.S Bye|P.P.S. Bye|P. S. Bye|P. P. S. Bye|p.s. bye|p.p.s bye|PS: bye|PPS bye|"
        "P.S bye|P.S.|**P.S.** bye|P .S. bye|P.P.S|P.\nS. bye|P.P.S.: x|P.  S. x|"
    )
    return [f"{prose(chance, 3)}\n\n{form}" for form in forms] + [
        f"{text_of(given, 'postscript_marker')} first"
    ]


def constrained(chance: random.Random, given: Given, prompt: str) -> list[str]:
    forms = forms_of(
        "My answer is yes.|My answer is no.|My answer is maybe.|my answer is yes.|My answer is yes|"
        "My answer is **yes**.|My answer is yes!|**My answer is no.**|Yes.|My  answer is no."
    )
    return [chance.choice(("", "Well. ")) + form + chance.choice(("", " Truly.", "\n")) for form in forms]


def json_like(chance: random.Random, given: Given, prompt: str) -> list[str]:
    body = json.dumps(
        {"a": [1, 2.5, None, True], "b": {"c": sentence(chance)}}, indent=chance.choice((None, 2))
    )
    fences = (
        "{b}",
        "```json\n{b}\n```",
        "```\n{b}\n```",
        "```JSON\n{b}\n```",
        "```Json\n{b}```",
        "```js\n{b}\n```",
        "Here:\n```json\n{b}\n```",
        "{b}\nDone",
        "``json\n{b}",
        "```json\n```{b}```",
        " {b} ",
    )
    bodies = (body, body[:-1], body.replace('"', "'"), '"text"', "NaN", "12", "[1,]", "{}", "null", "True")
    return [chance.choice(fences).replace("{b}", b) for b in bodies] + [
        f.replace("{b}", body) for f in fences
    ]


def title(chance: random.Random, given: Given, prompt: str) -> list[str]:
    forms = forms_of(
        "<<poem of joy>>|<< >>|<<>>|<joy>|<<a\nb>>|<<<joy>>>|<<a>> <<b>>|<<a> >|<< <> >>|<<joy|"
        "**<<joy>>**|<< > >>|<<<<>>>>|«joy»"
    )
    return [f"{form}\n\n{prose(chance, 2)}" for form in forms]


def two(chance: random.Random, given: Given, prompt: str) -> list[str]:
    a, b = prose(chance, 2), prose(chance, 2)
    forms = forms_of(
        "{a}\n******\n{b}|{a}******{b}|{a}\n******\n{a}|******\n{a}\n******\n{b}\n******|"
        "{a}\n*****\n{b}|{a}\n*******\n{b}|{a}\n******\n******\n{b}|{a}|{a}\n******\n|"
        "{a}\n************\n{b}|{a}\n******\n{b}\n******\n{a}|{a}\n* * * * * *\n{b}|"
        " {a}\n******\n{a} "
    )
    return [form.replace("{a}", a).replace("{b}", b) for form in forms]


def repeat(chance: random.Random, given: Given, prompt: str) -> list[str]:
    asked = text_of(given, "prompt_to_repeat")
    forms = (
        asked,
        asked.lower(),
        asked.upper(),
        f" \n{asked}",
        f'"{asked}"',
        asked[:-1],
        asked[1:],
        asked.replace(" ", "  "),
        f"Sure.\n{asked}",
        prompt,
        f"**{asked}**",
    )
    return [f"{form}\n\n{prose(chance, 2)}" for form in forms] + [asked]


def end(chance: random.Random, given: Given, prompt: str) -> list[str]:
    phrase = text_of(given, "end_phrase")
    forms = (
        phrase,
        phrase.upper(),
        f"{phrase} ",
        f"{phrase}.",
        phrase[:-1],
        f'"{phrase}"',
        f"**{phrase}**",
        f"{phrase}\n\nBye",
        f"“{phrase}”",
        f'{phrase}""',
        f"'{phrase}'",
    )
    return [f"{prose(chance, 2)}{form}" for form in forms]


def quotation(chance: random.Random, given: Given, prompt: str) -> list[str]:
    text = prose(chance, 2)
    forms = forms_of('"{t}"|"{t}|{t}"|“{t}”|\'{t}\'| "{t}" |"{t}".|"{t}"\n|""{t}""|{t}|```\n"{t}"\n```')
    return [form.replace("{t}", text) for form in forms]


def cased(chance: random.Random, given: Given, prompt: str) -> list[str]:
    text, other = prose(chance, 3), chance.choice(list(TEXTS.values()))
    forms = [
        text,
        TEXTS["en"],
        other,
        f"{TEXTS['en']} {other}",
        "12345",
        "ok",
        "P.S. 5",
        "😀",
        TEXTS["en"][:20],
    ]
    return [
        f
        for form in forms
        for f in (form.upper(), form.lower(), form.upper() + "x", form.lower() + "X", form)
    ]


def commas(chance: random.Random, given: Given, prompt: str) -> list[str]:
    text = prose(chance, 3).replace(",", "")
    return [
        text,
        text + ",",
        text + "1,000",
        text + "，",
        text + "、",
        text + "؛",
        text + "\n,\n",
        text + "*,*",
    ]
