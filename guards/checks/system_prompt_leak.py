"""Whether an answer gives the system prompt away: a canary that stands in it, or its own words in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context
from stepwell.guards.folded import find_folded

KIND = "SYSTEM_PROMPT"
_N_LOOSE = 3
_LEAST_LOOSE = 20
_FULL_SCORE = 2.5
_NOTHING = "(?!)"
# a word; of scripts that write none apart, a character, which counts half
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]|[^\W_]+")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text, lower case, and where they stand."""

    words: list[str]
    spans: list[tuple[int, int]]

    @classmethod
    def of(cls, text: str) -> _Words:
        found = list(_WORD.finditer(text))
        return cls([m[0].lower() for m in found], [m.span() for m in found])

    def grams(self, n: int) -> Iterator[tuple[str, ...]]:
        return zip(*(self.words[i:] for i in range(n)), strict=False)

    def n_counted(self, first: int, last: int) -> float:
        return sum(0.5 if _WIDE.match(w) else 1.0 for w in self.words[first:last])


class Canaries:
    """Texts that stand in a system prompt for nothing but to be found: as written, or with characters dressed up.

    In a stream no more is held back than the front of a canary.
    """

    name = "system_prompt_leak"
    kinds = (KIND,)
    alert = ""
    tail = ""

    def __init__(self, canaries: Sequence[str]) -> None:
        longest_first = sorted(canaries, key=len, reverse=True)
        fronts = sorted({c[:n] for c in canaries for n in range(1, len(c))}, key=len, reverse=True)
        whole, begun = ("|".join(map(re.escape, some)) for some in (longest_first, fronts))
        self.max_len = max(map(len, canaries), default=1)
        # it may stand within a word, where `alert` can't see it
        self.near = tuple({c[0].lower() for c in canaries})
        self.lead = f"(?ai:{whole}|(?:{begun})\\Z)" if canaries else ""
        self._whole = re.compile(f"(?ai:{whole or _NOTHING})")
        self._begun = re.compile(f"(?ai:{begun or _NOTHING})\\Z")

    def find(self, text: str) -> list[Finding]:
        return find_folded(self.find_plain, text)

    def find_plain(self, text: str) -> list[Finding]:
        """As `find`, in the text as it stands."""
        return [Finding(KIND, *m.span(), check=self.name) for m in self._whole.finditer(text)]

    def open_at(self, text: str, start: int = 0) -> int:
        begun = self._begun.search(text, max(start, len(text) - self.max_len))
        return begun.start() if begun else len(text)

    def decides_at(self, text: str, at: int) -> int:
        """The next character may decide."""
        return 0


class SystemPromptLeak:
    """Canaries, and the system prompt's own words, in each reading of the text: decoded and undisguised, too.

    Found are `min_words` of its words in a row, and a text that holds a good part of its groups of three words
    (copied with some words changed). What the last user turn says too is no leak. The score grows with what is
    repeated: 0.4 for the fewest words that count, 1 for 2.5 times as many. Translations and summaries are not found.

    It acts on a stream while that flows where the action is "block"; to redact it waits for the end.
    """

    name = "system_prompt_leak"
    kinds = (KIND,)
    max_len = WHOLE_TEXT
    slides = True

    def __init__(self, canaries: Sequence[str], min_words: int, min_share: float) -> None:
        self._canaries = Canaries(canaries)
        self._min_words = min_words
        self._min_share = min_share

    def find(self, text: str) -> list[Finding]:
        return self.find_in(text, Context("output"))

    def find_in(self, text: str, context: Context) -> list[Finding]:
        said, asked = _Words.of(context.system), _Words.of(context.asked)
        found: dict[tuple[int, int], float] = {}
        for view in context.views(text):
            spans = [(f.start, f.end, 1.0) for f in self._canaries.find_plain(view.text)]
            words = _Words.of(view.text)
            spans += [*self._runs(words, said, asked), *self._share(words, said, asked)]
            for start, end, score in spans:
                span = view.span(start, end)
                found[span] = max(score, found.get(span, 0.0))
        return [Finding(KIND, *span, score, self.name) for span, score in sorted(found.items())]

    def fault(self, text: str, context: Context) -> str:
        """What is wrong, for asking again."""
        return "it repeats instructions that are confidential"

    def _runs(self, words: _Words, said: _Words, asked: _Words) -> Iterator[tuple[int, int, float]]:
        """Stretches of the system prompt: where they stand, and a score."""
        n = self._min_words
        known = set(said.grams(n)).difference(asked.grams(n))
        hits = [i for i, gram in enumerate(words.grams(n)) if gram in known] if known else []
        for first, last in _joined(hits, n):
            counted = words.n_counted(first, last)
            if counted >= n:
                yield words.spans[first][0], words.spans[last - 1][1], min(1.0, counted / (_FULL_SCORE * n))

    def _share(self, words: _Words, said: _Words, asked: _Words) -> Iterator[tuple[int, int, float]]:
        """The part of the text that holds much of the system prompt, if there is one."""
        known = set(said.grams(_N_LOOSE)).difference(asked.grams(_N_LOOSE))
        if len(known) < _LEAST_LOOSE:
            return
        hits = [(i, gram) for i, gram in enumerate(words.grams(_N_LOOSE)) if gram in known]
        share = len({gram for _, gram in hits}) / len(known)
        if share >= self._min_share:
            yield words.spans[hits[0][0]][0], words.spans[hits[-1][0] + _N_LOOSE - 1][1], share


def _joined(hits: Sequence[int], n: int) -> list[tuple[int, int]]:
    """Groups of n words that overlap or touch, as first and last word (beyond the last one)."""
    spans: list[tuple[int, int]] = []
    for i in hits:
        if spans and i <= spans[-1][1]:
            spans[-1] = (spans[-1][0], i + n)
        else:
            spans.append((i, i + n))
    return spans


def make(
    canary: str | Sequence[str] = (), overlap: bool = True, min_words: int = 8, min_share: float = 0.35
) -> Canaries | SystemPromptLeak:
    """Build the check.

    Args:
        canary: Texts that you put into system prompts, 8 to 128 ASCII characters each.
        overlap: Look for the system prompt's own words, too; without that, canaries are found as a stream flows.
        min_words: Fewest words in a row.
        min_share: Least part of the system prompt's groups of three words, 0..1.

    Raises:
        ConfigError: A canary is too short or too long, or there is nothing to look for.
    """
    canaries = [canary] if isinstance(canary, str) else list(canary)
    if not all(c.isascii() and c.isprintable() and 8 <= len(c) <= 128 for c in canaries):
        raise ConfigError("check 'system_prompt_leak': a canary has 8 to 128 ASCII characters")
    if min_words < _N_LOOSE or not 0 < min_share <= 1:
        raise ConfigError("check 'system_prompt_leak': min_words is 3 or more, min_share 0..1")
    if overlap:
        return SystemPromptLeak(canaries, min_words, min_share)
    if not canaries:
        raise ConfigError("check 'system_prompt_leak': without overlap it needs a canary")
    return Canaries(canaries)
