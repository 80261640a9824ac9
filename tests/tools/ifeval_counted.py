"""Answers that have one too few, just enough, one too many."""

from __future__ import annotations

import random
import string

from tests.tools.ifeval_parts import WORDS, Given, forms_of, near, prose, sentence, text_of
from tests.tools.ifeval_texts import TEXTS


def frequency(chance: random.Random, given: Given, prompt: str) -> list[str]:
    word = text_of(given, "keyword")
    joints = (" ", ", ", "s ", "\n", "-", "")
    return [
        prose(chance, 2) + chance.choice(joints).join([word, word.title()][i % 2] for i in range(n))
        for n in near(given, "frequency")
    ]


def lettered(chance: random.Random, given: Given, prompt: str) -> list[str]:
    letter = text_of(given, "letter")
    rest = [c for c in string.ascii_lowercase + " .\n" if c != letter.lower()]
    made = []
    for n in near(given, "let_frequency"):
        signs = [letter, letter.upper()] * n + chance.choices(rest, k=60)
        signs = signs[:n] + signs[2 * n :]
        chance.shuffle(signs)
        made.append("".join(signs))
    return [*made, prose(chance, 4)]


def worded(chance: random.Random, given: Given, prompt: str) -> list[str]:
    joints = (" ", " ", ", ", "-", "'", ". ", "\n", "_", "/", " — ", "*", " é", " 3.5 ")
    made = []
    for n in near(given, "num_words"):
        words = chance.choices(WORDS, k=n)
        made += [" ".join(words), "".join(w + chance.choice(joints) for w in words)]
    return [*made, TEXTS["hi"] * 4, TEXTS["ta"] * 3]


def sentenced(chance: random.Random, given: Given, prompt: str) -> list[str]:
    made = []
    for n in near(given, "num_sentences"):
        made.append(
            " ".join(
                f"{chance.choice(WORDS).title()} {' '.join(chance.choices(WORDS, k=4))}." for _ in range(n)
            )
        )
        made += [
            prose(chance, n),
            prose(chance, n).replace("\n", " "),
            prose(chance, n).replace(". ", "."),
        ]
        made.append("\n".join(f"{i}. {sentence(chance)}" for i in range(n)))
    return made


def paragraphs(chance: random.Random, given: Given, prompt: str) -> list[str]:
    made = []
    for n in near(given, "num_paragraphs"):
        parts = [sentence(chance) for _ in range(n)]
        made += [
            joint.join(parts) for joint in ("\n***\n", "***", "\n\n***\n\n", "\n* * *\n", "\n****\n", "\n\n")
        ]
        made += ["***\n" + "\n***\n".join(parts) + "\n***", "\n***\n \n***\n".join(parts)]
    return made


def first_word(chance: random.Random, given: Given, prompt: str) -> list[str]:
    word, nth = text_of(given, "first_word"), int(float(str(given["nth_paragraph"])))
    made = []
    for n in near(given, "num_paragraphs"):
        for form in (
            word,
            word.upper(),
            f'"{word}"',
            f"{word},",
            f"*{word}*",
            f"'{word}'s",
            f"{word}-x",
            "other",
        ):
            parts = [sentence(chance) for _ in range(n)]
            parts[nth - 1 : nth] = [f"{form} {sentence(chance)}"]
            made.append(chance.choice(("\n\n", "\n\n", "\n\n\n", "\n", "\n \n", "\n\n\n\n")).join(parts))
    return made


def placeholders(chance: random.Random, given: Given, prompt: str) -> list[str]:
    forms = ("[name]", "[your name]", "[]", "[[x]]", "[a\nb]", "(x)", "[x](y)", "- [ ] task", "[a [b] c]")
    made = []
    for n in near(given, "num_placeholders"):
        made.append(" ".join(f"{sentence(chance, 3)} [thing {i}]." for i in range(n)))
        made.append(" ".join(chance.choices(forms, k=n)))
    return made


def bullets(chance: random.Random, given: Given, prompt: str) -> list[str]:
    signs = ("* ", "- ", "*", "-", "  * ", "\t- ", "+ ", "1. ", "** ", "**x** ", "• ", "--- ", "*** ", "*\n")
    made = []
    for n in near(given, "num_bullets"):
        for sign in (*chance.sample(signs, 4), "* ", "- "):
            made.append("Here:\n" + "\n".join(sign + " ".join(chance.choices(WORDS, k=3)) for _ in range(n)))
        made.append("\n".join(chance.choice(signs) + chance.choice(WORDS) for _ in range(n)))
    return made


def highlights(chance: random.Random, given: Given, prompt: str) -> list[str]:
    forms = forms_of("*x*|**x**|***x***|* *|** **|*a\nb*|*a|_a_|`a`|****|*a**b*|**a*b**|* a")
    made = []
    for n in near(given, "num_highlights"):
        for form in chance.sample(forms, 5):
            made.append(" ".join(f"{chance.choice(WORDS)} {form}" for _ in range(n)))
        made.append(" ".join(chance.choices(forms, k=n)))
    return made


def sections(chance: random.Random, given: Given, prompt: str) -> list[str]:
    mark = text_of(given, "section_spliter")
    forms = forms_of("{m} {i}|{m} {i}:|**{m} {i}**|# {m} {i}|{m}{i}|{m}  {i}|{m} one|{l} {i}|{u} {i}")
    made = []
    for n in near(given, "num_sections"):
        for form in forms:
            heads = [form.format(m=mark, l=mark.lower(), u=mark.upper(), i=i + 1) for i in range(n)]
            made.append("\n\n".join(f"{head}\n{sentence(chance)}" for head in heads))
    return made


def capital_words(chance: random.Random, given: Given, prompt: str) -> list[str]:
    forms = forms_of(
        "RIVER|IT'S|DON'T|U.S.|A-B|CANNOT|I|(NO)|YES,|X1|É|#TAG|A/B|WE'LL.|O'NEIL|NASA'S|\"GO\"|"
        "'GO'|ROCK'N'ROLL|A&B|3D|iPhone|Ok|TEN:30|A,B|**BIG**|GONNA"
    )
    made = []
    for n in near(given, "capital_frequency"):
        made.append(" ".join([w.upper() for w in chance.choices(WORDS, k=n)] + chance.choices(WORDS, k=5)))
        made += [" ".join(chance.choices((*forms, *WORDS[:9], "it.", "so!"), k=2 * n + 3)) for _ in range(3)]
    return made
