"""Outcome rows whose answers compare, with what every cheap opinion said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.rows import Outcomes
from stepwell.router.cascade.accept import AcceptScore, Opinion, pick, read_opinion
from stepwell.router.cascade.compare import kind_of_ask, normalise
from stepwell.router.cascade.learned import features
from stepwell.router.features import Ask, read_ask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

# what answers of each tier said in full, by row id, where somebody kept it
Texts = Mapping[str, Mapping[str, str]]

_CHARS_PER_TOKEN = 4
_MAX_PARSED_CHARS = 200


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows whose answers compare, with what every opinion said.

    Attributes:
        at: Places of these rows among the outcomes, shape (n,).
        served: Place of the opinion to serve; -1 where no two agree, shape (n,).
        scores: Of each opinion in order and of the strong tier, shape (n, k + 1).
    """

    cheap: tuple[str, ...]
    strong: str
    at: NDArray[np.intp]
    asks: list[Ask]
    opinions: list[tuple[Opinion, ...]]
    served: NDArray[np.intp]
    scores: Floats

    def __len__(self) -> int:
        return len(self.at)

    @property
    def served_scores(self) -> Floats:
        """Score of what would be served: the first opinion's, where no two agree; shape (n,)."""
        made: Floats = self.scores[np.arange(len(self)), np.maximum(self.served, 0)]
        return made

    def features(self) -> Matrix:
        """Shape (n, d)."""
        return np.stack([features(o, a) for o, a in zip(self.opinions, self.asks, strict=True)])

    def unlabelled_need(self) -> Floats:
        """Need by the rule that takes no labels, shape (n,)."""
        judge = AcceptScore().judge
        return np.array([judge(o, a).need for o, a in zip(self.opinions, self.asks, strict=True)])


def compare_rows(
    outcomes: Outcomes, cheap: Sequence[str], strong: str, *, texts: Texts | None = None
) -> Compared:
    """Read the opinions of every row that all tiers have a score for and whose answers compare.

    Args:
        cheap: The opinions, the cheapest first; two or more.
        texts: Whole answers; without them `answers` counts, which may be parsed already.

    Raises:
        BadRequest: A tier is unknown, fewer than two opinions, or no row has answers that compare.
    """
    places = [_place(outcomes, t) for t in (*cheap, strong)]
    if len(cheap) < 2:
        raise BadRequest("A cascade needs two opinions or more.", param="cheap")
    scores = outcomes.scores[:, places]
    found = [_row(outcomes, i, cheap, texts) for i in map(int, np.flatnonzero(~np.isnan(scores).any(axis=1)))]
    kept = [row for row in found if row is not None]
    if not kept:
        raise BadRequest("No row has answers of these tiers that can be compared.", param="answers")
    at = np.array([i for i, _, _ in kept], dtype=np.intp)
    opinions = [o for _, _, o in kept]
    served = np.array([-1 if (p := pick(o)) is None else p for o in opinions], dtype=np.intp)
    return Compared(tuple(cheap), strong, at, [a for _, a, _ in kept], opinions, served, scores[at])


def read_opinions(
    ask: Ask,
    cheap: Sequence[str],
    said: Mapping[str, str],
    n_tokens: Mapping[str, float | None],
    whole: Mapping[str, str] | None = None,
) -> tuple[str, tuple[Opinion, ...]] | None:
    """How answers to an ask compare, and what each tier said; None where they don't, or nothing is recorded.

    Args:
        said: By tier: answers as recorded, whole or parsed.
        n_tokens: By tier: length of the whole answer, where it is known.
        whole: By tier: whole answers, where `said` holds parsed ones.
    """
    whole = whole or {}
    if not any(t in said or t in whole for t in cheap):
        return None
    kind = kind_of_ask(ask) or _kind_of_parsed([said[t] for t in cheap if t in said])
    if kind is None:
        return None
    return kind, tuple(_opinion(t, kind, said.get(t), whole.get(t), n_tokens.get(t)) for t in cheap)


def _row(
    outcomes: Outcomes, i: int, cheap: Sequence[str], texts: Texts | None
) -> tuple[int, Ask, tuple[Opinion, ...]] | None:
    ask = read_ask(outcomes.prompts[i])
    tokens = dict(zip(outcomes.tiers, outcomes.out_tokens[i], strict=True))
    n_tokens = {t: None if np.isnan(n) else float(n) for t, n in tokens.items()}
    found = read_opinions(ask, cheap, outcomes.answers[i], n_tokens, (texts or {}).get(outcomes.ids[i]))
    return None if found is None else (i, ask, found[1])


def _opinion(tier: str, kind: str, said: str | None, whole: str | None, n_tokens: float | None) -> Opinion:
    if whole is None and said is not None and len(said) > _MAX_PARSED_CHARS:
        whole = said
    read = None if whole is None else read_opinion(tier, whole, kind)
    answer = None if said is None else normalise(said, kind)
    if read is not None:
        return read if answer is None else Opinion(tier, answer, read.n_chars, read.style)
    n_chars = len(said or "") if n_tokens is None else round(n_tokens * _CHARS_PER_TOKEN)
    return Opinion(tier, answer, n_chars)


def _kind_of_parsed(answers: Sequence[str]) -> str | None:
    """Of answers that somebody has parsed: then they compare, whatever the ask looks like."""
    if not answers or any(len(a) > _MAX_PARSED_CHARS for a in answers):
        return None
    n_numbers = sum(normalise(a, "number") is not None for a in answers)
    if all(len(a) == 1 and a.isalpha() for a in answers):
        return "choice"
    return "number" if 2 * n_numbers > len(answers) else "short"


def _place(outcomes: Outcomes, tier: str) -> int:
    if tier not in outcomes.tiers:
        raise BadRequest(
            f"No row has a score of tier {tier!r}; there are {', '.join(outcomes.tiers)}.", param="tiers"
        )
    return outcomes.tiers.index(tier)
