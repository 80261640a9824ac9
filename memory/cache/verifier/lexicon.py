"""What words have to do with each other, from WordNet 3.0: same, opposite, or kinds of one thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")

_NONE: frozenset[int] = frozenset()
_NO_WORDS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Tables by word.

    Attributes:
        lemmas: Of irregular forms.
        meanings: Numbers of the groups of synonyms that a word is in.
        families: The same for words that are kinds of one thing.
        opposites: Of a word.
    """

    lemmas: dict[str, str]
    meanings: dict[str, frozenset[int]]
    families: dict[str, frozenset[int]]
    opposites: dict[str, frozenset[str]]

    def lemma(self, word: str) -> str:
        """A word without its ending; crude, but the same for all forms of most words."""
        return self.lemmas.get(word) or _stem(word)

    def key(self, word: str) -> str:
        """What two forms of one word share; not a word itself."""
        return self.lemma(word).rstrip("e") or word

    def has(self, word: str) -> bool:
        return word in self.meanings or word in self.families or word in self.opposites

    def meanings_of(self, word: str) -> frozenset[int]:
        """Numbers of the meanings of a word in any form; words that share one are synonyms."""
        return self._ids(self.meanings, word)

    def families_of(self, word: str) -> frozenset[int]:
        """Numbers of the families of a word in any form; words that share one are kinds of one thing."""
        return self._ids(self.families, word)

    def opposites_of(self, word: str) -> frozenset[str]:
        """All opposites of a word in any form."""
        return _NO_WORDS.union(*(self.opposites.get(form, _NO_WORDS) for form in self.forms(word)))

    def forms(self, word: str) -> tuple[str, str, str]:
        """A word as it is, and as its lemma may be."""
        lemma = self.lemma(word)
        return word, lemma, lemma + "e"

    def _ids(self, table: dict[str, frozenset[int]], word: str) -> frozenset[int]:
        lemma = self.lemma(word)
        return table.get(word) or table.get(lemma) or table.get(lemma + "e", _NONE)

    def same(self, a: str, b: str) -> bool:
        return not self.meanings_of(a).isdisjoint(self.meanings_of(b))

    def kin(self, a: str, b: str) -> bool:
        """Whether both are kinds of one thing: cat and dog, France and Peru."""
        return not self.families_of(a).isdisjoint(self.families_of(b))

    def opposite(self, a: str, b: str) -> bool:
        return not self.opposites_of(a).isdisjoint(self.forms(b))


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    n = len(word)
    if n > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if n > 4 and word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if n > 3 and word[-1] == "s" and word[-2] not in "suia'":
        return word[:-1]
    for ending in ("ing", "ed"):
        if n > len(ending) + 2 and word.endswith(ending):
            root = word[: -len(ending)]
            if not any(c in "aeiouy" for c in root):
                return word
            if root[-1] == root[-2] and root[-1] not in "lsz":
                return root[:-1]
            return root[:-1] + "y" if root[-1] == "i" else root
    return word


@cache
def lexicon() -> Lexicon:
    """Read the shipped file, once."""
    lemmas: dict[str, str] = {}
    meanings: defaultdict[str, set[int]] = defaultdict(set)
    families: defaultdict[str, set[int]] = defaultdict(set)
    opposites: defaultdict[str, set[str]] = defaultdict(set)
    text = Path(__file__).with_name("lexicon.txt").read_text(encoding="utf-8")
    for number, line in enumerate(text.split("\n")):
        kind, *words = line.split(" ")
        if kind == "f":
            lemmas[words[0]] = words[1]
        elif kind == "a":
            opposites[words[0]].add(words[1])
            opposites[words[1]].add(words[0])
        for word in words if kind in "sh" else ():
            (meanings if kind == "s" else families)[word].add(number)
    return Lexicon(lemmas, _frozen(meanings), _frozen(families), _frozen(opposites))


def _frozen(table: Mapping[str, set[_T]]) -> dict[str, frozenset[_T]]:
    return {word: frozenset(ids) for word, ids in table.items()}
