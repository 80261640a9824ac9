"""How an answer is written: signs of a model that guesses, tries or breaks off. Counts only, no text is kept.

Text signs hold within one kind of traffic and do not travel (an answer verifier learnt on one source gave APGR .49 to
.64 on another), so they count only where labels of that traffic have shown that they help.
"""

from __future__ import annotations

import math
import re

_HEAD_CHARS = 6000
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SENTENCE_END = re.compile(r"[.!?\n]+")
# what a writer says that guesses, tries one case after another, corrects itself, or leaves the work out
_WORDS: dict[str, tuple[str, ...]] = {
    "hedges": (
        "approximately",
        "roughly",
        "about",
        "likely",
        "probably",
        "seems",
        "appears",
        "perhaps",
        "might",
    ),
    "trials": ("try ", "trial", "guess", "test", "case", "possible", "check", "verify", "suppose", "assume"),
    "turns": ("however", "but ", "mistake", "incorrect", "wait", "instead", "recheck", "again"),
    "leaps": (
        "we find",
        "finding",
        "it is known",
        "known",
        "by symmetry",
        "after calculating",
        "exactly",
        "simulat",
    ),
    "steps": ("first", "then", "next", "finally", "therefore", "thus", "so ", "since", "because", "hence"),
    "limits": ("cannot", "can't", "impossible", "not enough", "unable", "no solution", "none of", "unclear"),
}
STYLE: tuple[str, ...] = (
    "log_chars", "log_words", "mean_word_chars", "share_of_distinct_words", "log_sentences", "log_longest_sentence",
    "log_newlines", "log_numbers", "numbers_per_word", "log_decimals", "log_largest_number", "log_equals",
    "log_backslashes", "log_carets", "log_brackets", "commas_per_word", "colons_per_word", "is_fenced", "is_json",
    *(f"log_{kind}" for kind in _WORDS),
)  # fmt: skip


def style_of(text: str) -> tuple[float, ...]:
    """One value for each of STYLE, of the first 6,000 characters; some 100 us."""
    head = text[:_HEAD_CHARS]
    lower = head.lower()
    words = lower.split()
    n_words = len(words) or 1
    numbers = _NUMBER.findall(head)
    sentences = [len(s) for s in _SENTENCE_END.split(head) if s.strip()]
    return (
        math.log1p(len(text)),
        math.log1p(len(words)),
        len(head) / n_words,
        len(set(words)) / n_words,
        math.log1p(len(sentences)),
        math.log1p(max(sentences, default=0)),
        math.log1p(head.count("\n") + head.count("\\n")),
        math.log1p(len(numbers)),
        len(numbers) / n_words,
        math.log1p(sum("." in n for n in numbers)),
        math.log1p(max((float(n[:16]) for n in numbers), default=0.0)),
        *(math.log1p(head.count(sign)) for sign in "=\\^("),
        head.count(",") / n_words,
        head.count(":") / n_words,
        float(head.lstrip().startswith("```")),
        float('"answer"' in lower),
        *(math.log1p(sum([lower.count(w) for w in kinds])) for kinds in _WORDS.values()),
    )
