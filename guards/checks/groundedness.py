"""How much of an answer its sources bear out: word by word, and by meaning where an embedder is at hand.

Sentences that the sources hold in other words pass; numbers and names that stand in no source count against one. It
reads no logic: a sentence that denies what a source says, or swaps who did what, in the source's own words passes.
For answers made of retrieved text alone; whatever a model knows by itself is "unsupported" here. Off by default.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.base.decisions import Finding
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context, Embed

_SENTENCE = re.compile(r"[^\s.!?。！？][^\n.!?。！？]*(?:[.!?](?=[^\s])[^\n.!?。！？]*)*[.!?。！？]*")
_WORD = re.compile(r"[^\W_]+(?:[.,][0-9]+)*")
_NAME = re.compile(r"(?<=[^\W_][ ,;] )\b[^\W\d_a-z][^\W_]+|(?<=[^\W_] )[^\W\d_a-zß-ÿ][^\W_]+")
_MIN_WORDS = 4
_MIN_LETTERS = 4
_STEM_LETTERS = 6
_WINDOW = 2
_N_NEAREST = 3
_MAX_SENTENCES = 100
_MAX_EMBEDDED = 120
_MAX_PLACES = 500
# a share of fewer sentences says too little to stop what flows
_MIN_STREAMED = 3
# a cosine of LOW says nothing, of HIGH that both say the same (MiniLM; measured on own pairs, see the tests)
_LOW, _HIGH = 0.3, 0.8
_PENALTY = 0.35


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer.

    Attributes:
        support: How well the sources bear it out, 0..1.
    """

    start: int
    end: int
    support: float


class Groundedness:
    """A finding for each sentence that is not borne out; its score is the share of such sentences in the answer."""

    name = "groundedness"
    kinds = ("UNGROUNDED",)
    max_len = WHOLE_TEXT
    floor = 0.01
    reads_vector = False

    def __init__(self, min_support: float) -> None:
        self._min_support = min_support

    def default_threshold(self, false_blocks: float) -> float:
        """Half of the sentences; for larger budgets, a third. No calibration stands behind it."""
        return 0.5 if false_blocks < 0.05 else 0.34

    def find(self, text: str) -> list[Finding]:
        return self.find_in(text, Context("output"))

    def find_in(self, text: str, context: Context) -> list[Finding]:
        """Nothing where there are no sources, or at another stage than output and stream."""
        if not context.sources or context.stage not in ("output", "stream"):
            return []
        made = claims(text, context.sources, context.embed)
        if context.stage == "stream" and len(made) < _MIN_STREAMED:
            return []
        loose = [c for c in made if c.support < self._min_support]
        score = len(loose) / len(made) if made else 0.0
        return [Finding("UNGROUNDED", c.start, c.end, score, self.name) for c in loose]

    def fault(self, text: str, context: Context) -> str:
        """What is wrong, for asking again."""
        return "it says things that the sources given do not say"


def claims(text: str, sources: Sequence[str], embed: Embed | None = None) -> list[Claim]:
    """The sentences of an answer, less questions and short ones, with how well the sources bear each out."""
    spans = [m.span() for m in _SENTENCE.finditer(text) if _claims(m[0])][:_MAX_SENTENCES]
    windows = _windows(sources)
    known = frozenset(stem for window in windows for stem in _stems(window))
    nearest = _Nearest(windows)
    said = [text[a:b] for a, b in spans]
    near = [nearest.to(sentence) for sentence in said]
    meant = _meaning(said, near, windows, embed)
    out = []
    for (start, end), sentence, places, same in zip(spans, said, near, meant, strict=True):
        words = max((_shared(sentence, windows[i]) for i in places), default=0.0)
        support = words if same is None else (words + max(words, same)) / 2
        support -= _PENALTY * _n_strange(sentence, known)
        out.append(Claim(start, end, max(0.0, support)))
    return out


def _claims(sentence: str) -> bool:
    return not sentence.endswith("?") and len(_WORD.findall(sentence)) >= _MIN_WORDS


def _windows(sources: Sequence[str]) -> list[str]:
    """Two sentences each, one shared with the next."""
    out = []
    for source in sources:
        parts = [m[0] for m in _SENTENCE.finditer(source)]
        out += [" ".join(parts[i : i + _WINDOW]) for i in range(max(1, len(parts) - _WINDOW + 1))]
    return out


def _stems(text: str) -> list[str]:
    """Words that tell something: numbers, and longer words without their endings."""
    words = (w.lower() for w in _WORD.findall(text))
    return [w[:_STEM_LETTERS] for w in words if w[0].isdigit() or len(w) >= _MIN_LETTERS]


def _shared(sentence: str, window: str) -> float:
    stems = _stems(sentence)
    known = set(_stems(window))
    return sum(s in known for s in stems) / len(stems) if stems else 1.0


def _n_strange(sentence: str, known: frozenset[str]) -> int:
    """Numbers and names, 2 at most, that no source has."""
    told = [w for w in _WORD.findall(sentence) if w[0].isdigit()] + _NAME.findall(sentence)
    return min(2, sum(w.lower()[:_STEM_LETTERS] not in known for w in told))


class _Nearest:
    """Finds the windows that share most words with a sentence."""

    def __init__(self, windows: Sequence[str]) -> None:
        self._places: dict[str, list[int]] = {}
        for i, window in enumerate(windows):
            for stem in set(_stems(window)):
                places = self._places.setdefault(stem, [])
                if len(places) < _MAX_PLACES:  # a word that stands everywhere tells little
                    places.append(i)

    def to(self, sentence: str) -> list[int]:
        counts: Counter[int] = Counter()
        for stem in set(_stems(sentence)):
            counts.update(self._places.get(stem, ()))
        return [i for i, _ in counts.most_common(_N_NEAREST)]


def _meaning(
    said: Sequence[str], near: Sequence[Sequence[int]], windows: Sequence[str], embed: Embed | None
) -> list[float | None]:
    """How near each sentence's meaning is to the nearest of its windows, 0..1; None where nobody can tell."""
    wanted = sorted({i for places in near for i in places})
    if embed is None or not wanted or len(said) + len(wanted) > _MAX_EMBEDDED:
        return [None] * len(said)
    rows = embed([*said, *(windows[i] for i in wanted)])
    row_of = {place: len(said) + n for n, place in enumerate(wanted)}
    out: list[float | None] = []
    for n, places in enumerate(near):
        cosine = max((float(rows[n] @ rows[row_of[i]]) for i in places), default=0.0)
        out.append(min(1.0, max(0.0, (cosine - _LOW) / (_HIGH - _LOW))))
    return out


def make(min_support: float = 0.45) -> Groundedness:
    """Build the check.

    Args:
        min_support: A sentence with less is not borne out, 0..1.
    """
    return Groundedness(min_support)
