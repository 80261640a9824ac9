"""The word lists that `tasks` reads: English, lower case, one list a kind of work."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORDS = {
    "greeting": """
        hi hello hey thanks thank you good morning afternoon evening night bye goodbye there how are doing
        today ok okay great cheers everyone all welcome so much very nice to meet
    """,
    "labelling": "classify label categorize categorise tag",
    "rewrite": "rewrite rephrase paraphrase reword proofread",
    "extraction": "extract",
    "summary": "summarize summarise summary shorten tldr condense",
    "translation": "translate translation",
    "creating": """
        write compose draft poem story essay haiku slogan lyrics brainstorm invent letter email blog
    """,
    "factual": "who whom whose when where which what name capital year born died founded invented",
    "explaining": "explain why how describe difference compare teach tell",
    "code": """
        code function python javascript typescript java rust golang sql regex bash script html css json
        api class method variable compile bug stacktrace traceback exception kubernetes docker git
        algorithm def import return unittest pytest
    """,
    "hard_code": """
        debug refactor optimize optimise concurrency deadlock race implement architecture distributed
        compiler thread-safe lock-free complexity asynchronous asyncio segfault leak
    """,
    "law": """
        law legal lawsuit court statute liability plaintiff defendant contract tort jurisdiction attorney
        clause gdpr compliance constitutional
    """,
    "medicine": """
        patient symptoms diagnosis dose dosage mg disease treatment clinical medication drug therapy
        surgery syndrome cancer infection
    """,
    "maths": """
        integral integrate derivative differentiate equation solve polynomial matrix eigenvalue
        probability triangle modulo prime factorial logarithm theorem combinatorics permutations calculus
        algebra geometry vector converges limit vertices hypotenuse
    """,
    "proof": "prove proof disprove lemma theorem corollary qed",
    "analysis": """
        analyze analyse evaluate critique strategy trade-offs tradeoffs constraints optimal schedule
        reconcile implications recommend roadmap design
    """,
    "arithmetic": """
        calculate compute sum multiply divide percent percentage average total plus minus times remainder
    """,
    "polite": "please can could would will you kindly hi hello hey",
    "more": "then also afterwards answer",
    "deep": "integral derivative solve step-by-step",
}

WORDS = {kind: frozenset(words.split()) for kind, words in _WORDS.items()}
# an ask that begins so wants something made, whatever it says of sentiment or style
WORDS["making"] = WORDS["creating"] | WORDS["explaining"] | WORDS["analysis"]

LABEL_PHRASES = ("sentiment", "positive or negative", "spam or not", "spam or ham", "toxic or not")
# the two instructions in which the shipped local model was measured; in other words it fails the same tasks
SENTIMENT_FORM = "classify the sentiment as positive or negative. answer with one word."
TENSE_FORM = "rewrite this sentence in the past tense:"
ANSWER_WORDS = frozenset({"answer"})  # "answer with one word" asks for nothing more
REWRITE_PHRASES = (
    "fix the grammar",
    "correct the grammar",
    "fix the spelling",
    "correct the spelling",
    "fix the typos",
    "more polite",
    "more formal",
    "make this shorter",
)
SUM_PHRASES = ("how many", "how much")
STEPS = ("step by step", "step-by-step", "in several steps", "multi-step")
SHORT_ANSWERS = ("one word", "yes or no", "single word", "one sentence", "briefly", "only the")
LONG_ANSWERS = ("in detail", "detailed", "essay", "comprehensive", "thorough", "at length")


def _keys(*lists: tuple[str, ...]) -> frozenset[str]:
    """The longest word of each phrase as it can stand in a text: in the plural, in quotes."""
    keys = {max(re.split("[ -]", phrase), key=len) for phrases in lists for phrase in phrases}
    keys |= {key + ending for key in keys for ending in ("s", "ly")}
    return frozenset(q + key + r for key in keys for q in ("", "'") for r in ("", "'"))


# one look at a text's words tells that none of the phrases can be there
LENGTH_KEYS = _keys(SHORT_ANSWERS, LONG_ANSWERS)


def has_any(text: str, phrases: Iterable[str]) -> bool:
    """Whether one of `phrases` stands in `text`; at half the cost of `any` over a generator."""
    for phrase in phrases:  # noqa: SIM110
        if phrase in text:
            return True
    return False
