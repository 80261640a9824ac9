"""What kind of work the last ask is: read from its words, without a model.

An ask in a language that the word lists don't know is an "ordinary request" of middling difficulty.
The instruction (the first words) says what is asked for, the rest may be the text to work on. The easy
kinds are believed only where a text to work on is there and nothing hard stands anywhere.
"""

from __future__ import annotations

import re
import string

import msgspec

from stepwell.router import words as w
from stepwell.router.features import Ask

_N_INSTRUCTION_WORDS = 12
_HEAD_CHARS = 120
_SHORT_CHARS = 600
_SENTENCE_CHARS = 160
_LONG_CHARS = 2000
_MAX_DIFFICULTY = 0.8


class Task(msgspec.Struct, frozen=True):
    """One kind of work.

    Attributes:
        difficulty: 0..1, on the scale of a tier's `quality`.
        reasons: In plain words, most important first.
        n_output_tokens: How long an answer usually is.
    """

    kind: str
    difficulty: float
    reasons: tuple[str, ...]
    n_output_tokens: int


# kind -> (difficulty, reason, usual answer in tokens); judgement, but for the first five: those are set by
# what the shipped local model gets right in evals/suites/local_prior.jsonl (`stepwell eval run local_prior`)
KINDS: dict[str, tuple[float, str, int]] = {
    "sentiment": (0.0, "sentiment in one word", 5),
    "tense": (0.01, "tense of a sentence", 40),
    "labelling": (0.08, "short labelling", 10),
    "greeting": (0.1, "greeting", 30),
    "rewrite": (0.12, "short rewrite", 60),
    "extraction": (0.28, "extraction", 80),
    "summary": (0.35, "summary", 150),
    "translation": (0.4, "translation", 150),
    "creating": (0.42, "creative writing", 400),
    "factual": (0.48, "factual question", 150),
    "ordinary": (0.5, "ordinary request", 250),
    "explaining": (0.5, "explanation", 350),
    "arithmetic": (0.56, "arithmetic", 200),
    "choice": (0.58, "exam question", 100),
    "code": (0.58, "code", 500),
    "law": (0.62, "law", 400),
    "medicine": (0.62, "medicine", 400),
    "maths": (0.7, "mathematics", 500),
    "analysis": (0.7, "analysis", 600),
    "hard_code": (0.74, "complex code", 900),
    "proof": (0.8, "asks for a proof", 800),
}
_WORKING = ("extraction", "summary", "translation", "creating")
_QUESTIONS = frozenset({"factual", "choice", "arithmetic", "maths"})
_SUBJECTS = ("law", "medicine", "maths", "analysis")
_SPECIALTIES = w.WORDS["code"] | w.WORDS["law"] | w.WORDS["medicine"] | w.WORDS["maths"]
_NEVER_EASY = w.WORDS["proof"] | w.WORDS["hard_code"] | w.WORDS["deep"] | w.WORDS["more"]
_HARD = w.WORDS["proof"].union(*(w.WORDS[k] for k in _SUBJECTS))
_TOLD = frozenset().union(*(w.WORDS[k] for k in KINDS if k in w.WORDS and k != "greeting"))
_PAYLOAD = re.compile(r"[:\n\"“'‘`]|\. \S")
_NUMBER = re.compile(r"\d+")
_LATEX = re.compile(
    r"\\(?:frac|sqrt|sum|int|prod|cdot|times|begin|left|pi|theta|alpha|lim|log|sin|cos|tan|angle|overline|"
    r"boxed|pmod|binom|mathbb|ldots|leq?|geq?|infty|triangle)\b|\$[^$\n]{0,200}[\\^_=][^$\n]{0,200}\$"
)
_SIGNS = "=+*×÷^%-/"
_OPERATOR = re.compile(r"[=+*×÷^%]|\d\s*[-/]\s*\d")


def read_task(ask: Ask) -> Task:
    """The kind of work that an ask is, how hard, and how long its answer."""
    kind = _easy_kind(ask)
    if kind is None:
        return _harder_task(ask)
    difficulty, reason, n_tokens = KINDS[kind]
    if kind in ("rewrite", "tense"):  # as long as what it rewrites
        n_tokens = max(n_tokens, ask.n_chars // 4)
    return Task(kind, difficulty, (reason,), n_tokens)


def _easy_kind(ask: Ask) -> str | None:
    if not ask.words or ask.n_chars > _SHORT_CHARS or "```" in ask.text:
        return None
    if len(ask.words) <= 7 and ask.vocabulary <= w.WORDS["greeting"]:
        return "greeting"
    start = ask.words[:_N_INSTRUCTION_WORDS]
    kind = _easy_verb(_first_verb(start), ask.lower[:_HEAD_CHARS])
    if kind is None or not _PAYLOAD.search(ask.text) or not _SPECIALTIES.isdisjoint(start):
        return None
    is_sentiment = ask.lower.startswith(w.SENTIMENT_FORM)
    more = _NEVER_EASY - w.ANSWER_WORDS if is_sentiment else _NEVER_EASY
    if not more.isdisjoint(ask.vocabulary):
        return None
    if is_sentiment:
        return "sentiment"
    is_tense = ask.lower.startswith(w.TENSE_FORM) and ask.n_chars <= _SENTENCE_CHARS
    return "tense" if is_tense else kind


def _first_verb(start: list[str]) -> str:
    polite = w.WORDS["polite"]
    for word in start:
        if word not in polite:
            return word
    return ""


def _easy_verb(verb: str, head: str) -> str | None:
    if verb in w.WORDS["labelling"]:
        return "labelling"
    if verb in w.WORDS["rewrite"]:
        return "rewrite"
    if verb in w.WORDS["making"]:
        return None
    if w.has_any(head, w.LABEL_PHRASES):
        return "labelling"
    return "rewrite" if w.has_any(head, w.REWRITE_PHRASES) else None


def _harder_task(ask: Ask) -> Task:
    kinds = _kinds_in(ask)
    kind = kinds[0] if len(kinds) == 1 else max(kinds, key=_difficulty)
    difficulty, reason, n_tokens = KINDS[kind]
    if len(kinds) > 1:  # independent signs of work add up, slowly
        n_more = len([k for k in kinds if KINDS[k][0] > 0.5]) - (difficulty > 0.5)
        difficulty += 0.03 * min(n_more, 2)
    reasons = [reason]
    if kind in _QUESTIONS:  # length ranks questions (APGR .59 on MMLU), not chat (.45)
        difficulty += 0.04 * min(ask.n_chars, _LONG_CHARS) / _LONG_CHARS
    for what, more in _aggravations(ask):
        difficulty += more
        reasons.append(what)
    return Task(kind, min(difficulty, _MAX_DIFFICULTY), tuple(reasons), _length(ask, n_tokens))


def _difficulty(kind: str) -> float:
    return KINDS[kind][0]


def _length(ask: Ask, n_tokens: int) -> int:
    if w.LENGTH_KEYS.isdisjoint(ask.vocabulary) and ask.text.isascii():
        return n_tokens
    if w.has_any(ask.lower, w.SHORT_ANSWERS):
        return min(n_tokens, 40)
    if w.has_any(ask.lower, w.LONG_ANSWERS):
        return max(n_tokens, 800)
    return n_tokens


def _kinds_in(ask: Ask) -> list[str]:
    """Every kind that shows; a subject counts anywhere, a verb only in the instruction."""
    told = _TOLD & ask.vocabulary
    start = told.intersection(ask.words[:_N_INSTRUCTION_WORDS])
    kinds = _verbs_in(ask, start)
    if not _HARD.isdisjoint(told):
        kinds += [k for k in _SUBJECTS if _counts(k, told, start, 2)]
        kinds += ["proof"] if not w.WORDS["proof"].isdisjoint(told) else []
    kinds += _code_kinds(ask, told, start)
    if "maths" not in kinds and ("\\" in ask.text or "$" in ask.text) and _LATEX.search(ask.text):
        kinds.append("maths")
    if _is_arithmetic(ask, told):
        kinds.append("arithmetic")
    if "\nb" in ask.lower and "\nc" in ask.lower and "a" in ask.vocabulary:
        kinds.append("choice")
    return kinds or ["ordinary"]


def _verbs_in(ask: Ask, start: frozenset[str]) -> list[str]:
    for kind in _WORKING:  # the rest of the ask is what these work on
        if not w.WORDS[kind].isdisjoint(start):
            return [kind]
    if ask.words and ask.words[0] in w.WORDS["explaining"]:
        return ["explaining"]
    if "?" in ask.text or not w.WORDS["factual"].isdisjoint(start):
        return ["factual"]
    return []


def _counts(kind: str, told: frozenset[str], start: frozenset[str], n: int) -> bool:
    """One word of a subject in the instruction, or `n` anywhere."""
    found = w.WORDS[kind] & told
    return len(found) >= n or not found.isdisjoint(start)


def _code_kinds(ask: Ask, told: frozenset[str], start: frozenset[str]) -> list[str]:
    if "```" not in ask.text and not _counts("code", told, start, 3):
        return []
    is_hard = not w.WORDS["hard_code"].isdisjoint(told) or ask.n_chars > _LONG_CHARS
    return ["hard_code" if is_hard else "code"]


def _is_arithmetic(ask: Ask, told: frozenset[str]) -> bool:
    text = ask.text
    # looking for a character costs a hundredth of a regex over the text
    if text.isascii() and not w.has_any(text, string.digits):
        return False
    numbers = _NUMBER.finditer(text)
    if next(numbers, None) is None or next(numbers, None) is None:
        return False
    if w.has_any(ask.lower, w.SUM_PHRASES) or not w.WORDS["arithmetic"].isdisjoint(told):
        return True
    return w.has_any(text, _SIGNS) and _OPERATOR.search(text) is not None


def _aggravations(ask: Ask) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    if "step" in ask.lower and w.has_any(ask.lower, w.STEPS):
        found.append(("several steps", 0.08))
    if _n_constraints(ask) >= 3:
        found.append(("many constraints", 0.1))
    if ask.n_chars > _LONG_CHARS:
        found.append(("long prompt", 0.08))
    return found


def _n_constraints(ask: Ask) -> int:
    n = ask.text.count("\n- ") + ask.text.count("\n* ") if "\n" in ask.text else 0
    return n + ask.lower.count(" must ") if "must" in ask.vocabulary else n
