"""Signs that an ask is real work: read from its words in plain Python, each with one direction."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from stepwell.router.features import Ask
from stepwell.router.tasks import Task

_LISTS = {
    "reasoning": """
        therefore because if then implies imply suppose assume assuming given conclude consider infer inferred
        hence thus since
    """,
    "negation": """
        not except never no incorrect false least unlikely cannot without neither nor wrong none
        isn't aren't don't doesn't didn't can't won't wasn't
    """,
    "speech": """
        said told according passage author speaker states stated argues argued claims claimed believes
    """,
    "quantity": """
        how many much calculate compute find determine evaluate total sum average percent rate cost ratio number
    """,
    "coding": """
        code function program algorithm array list string python write class method loop input output return
        tuple element elements binary
    """,
    "logic": "argument premise fallacy valid conclusion proposition true false statement statements assumption",
    "judgement": "moral morally ethical right duty justice best most likely primarily main appropriate",
    "maths": """
        integral equation solve polynomial matrix probability triangle modulo prime theorem integer integers real
        positive value circle digits angle sequence graph vector ring field group
    """,
    "law": """
        law legal court statute liability plaintiff defendant contract tort jurisdiction attorney clause
        constitutional evidence crime guilty landlord convicted property
    """,
    "medicine": """
        patient symptoms diagnosis dose mg disease treatment clinical medication drug therapy surgery syndrome
        cancer infection blood physician examination
    """,
    "science": """
        velocity mass force energy charge electric wave pressure temperature volume heat kg current circuit voltage
        acceleration reaction acid molecule mole solution atom electron compound ion bond gas
    """,
    "scope": """
        each every exactly only all both either at least between order greatest minimum maximum
    """,
    "people": "he she his her him they their man woman year-old",
    "comparison": """
        more less greater larger smaller higher lower than increase decrease compared difference same
    """,
}
_TEXT_REASONS = {
    "length": "long ask",
    "sentences": "many sentences",
    "sentence_length": "long sentences",
    "numbers": "many numbers",
    "commas": "many clauses",
    "brackets": "many brackets",
    "repetition": "comes back to the same words",
    "no_lookup": "no plain question word",
    "kind": "kind of work",
}
LIST_REASONS = {
    "reasoning": "words of reasoning",
    "negation": "negations",
    "speech": "who says what",
    "quantity": "asks for a quantity",
    "coding": "words of programming",
    "logic": "words of logic",
    "judgement": "asks for judgement",
    "maths": "words of mathematics",
    "law": "words of law",
    "medicine": "words of medicine",
    "science": "words of science",
    "scope": "exact conditions",
    "people": "a case with people",
    "comparison": "comparisons",
}
REASONS = {**_TEXT_REASONS, **LIST_REASONS}
SIGNS: tuple[str, ...] = tuple(REASONS)

_LISTED = {name: frozenset(words.split()) for name, words in _LISTS.items()}
_WORDS = tuple(_LISTED[name] for name in LIST_REASONS)
_ANY = frozenset().union(*_WORDS)
# words of their own, one slip of the finger from a listed one
_REAL = """
    angel argus bets booth cause contact curt does electro ether ever filed fore give guilt large last lest lowe
    manny mediation moore oder patent sole state stats statue sting vale writ wong
"""
_LEAST_LETTERS = 4
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE_END = re.compile(r"[.?!](?!\S)")
_LOOKUP = frozenset({"who", "whom", "whose", "when", "where", "which", "what", "why", "how"})
_OPENING_WORDS = """
    please can could would will you kindly hi hello hey there thanks i i'd we have need want like a this the quick
    question help me us with tell know to answer following my is here let
"""
_OPENING = frozenset(_OPENING_WORDS.split())
_POLITE = frozenset({"please", "you", "kindly", "hi", "hello", "hey", "thanks", "question", "help"})
_LINKS = frozenset({"a", "the", "my", "i", "we", "is", "there"})  # those may begin what is asked
_MOST_OPENING_WORDS = 10


def _slips(word: str) -> Iterator[str]:
    """The word with two letters swapped, one dropped or one doubled, all but the first."""
    for i in range(1, len(word)):
        yield word[:i] + word[i + 1 :]
        yield word[: i + 1] + word[i:]
        yield word[:i] + word[i : i + 2][::-1] + word[i + 2 :]


def _meant() -> dict[str, str]:
    """From a mistyped word to the listed one."""
    own = _ANY.union(_REAL.split())
    words = sorted(word for word in _ANY if len(word) >= _LEAST_LETTERS)
    return {s: word for word in words for s in _slips(word) if len(s) >= _LEAST_LETTERS and s not in own}


_MEANT = _meant()
_MISTYPED = frozenset(_MEANT)


def _listed_in(vocabulary: frozenset[str]) -> frozenset[str]:
    """The listed words of an ask, a slip of the finger forgiven."""
    found, mistyped = _ANY & vocabulary, _MISTYPED & vocabulary
    return found.union([_MEANT[word] for word in mistyped]) if mistyped else found


def without_opening(ask: Ask) -> Ask:
    """The ask whose words begin after "please", "could you tell me" and the like; its text stays as it is."""
    n = 0
    for word in ask.words[:_MOST_OPENING_WORDS]:
        if word not in _OPENING:
            break
        n += 1
    while n and ask.words[n - 1] in _LINKS:
        n -= 1
    if n == 0 or n == len(ask.words) or _POLITE.isdisjoint(ask.words[:n]):
        return ask
    words = ask.words[n:]
    return Ask(ask.text, ask.n_chars, ask.lower, words, frozenset(words), ask.vector)


def signs(ask: Ask, task: Task) -> list[float]:
    """One number for each of SIGNS, not scaled: more means more work.

    Case, blanks and the ask's opening don't count.

    Args:
        ask: As `without_opening` gives it.
        task: What `read_task` says of it.
    """
    text, n_words = ask.text, len(ask.words) or 1
    n_sentences = len(_SENTENCE_END.findall(text)) or 1
    is_lookup = bool(ask.words) and ask.words[0].partition("'")[0] in _LOOKUP
    found = _listed_in(ask.vocabulary)
    root = math.sqrt(n_words)
    return [
        math.log(n_words + 3),
        math.log(n_sentences + 1),
        math.log(n_words / n_sentences + 3),
        math.log1p(len(_NUMBER.findall(text))),
        text.count(",") / n_words,
        math.log1p(text.count("(")),
        -len(ask.vocabulary) / n_words,
        -float(is_lookup),
        task.difficulty,
        *[len(words & found) / root for words in _WORDS],
    ]
