"""A gate and a verifier that know the cosine alone, for tests of what stands around them."""

from __future__ import annotations

from stepwell.memory.cache.gate.gate import Choice
from stepwell.memory.cache.gate.near import Near
from stepwell.memory.cache.judgement import Judgement


class Likeness:
    """Serves from a cosine of `least` on. Where the tests of gate and verifier end, those with this begin."""

    verifier_name = "words-1"
    embedder = "words"

    def __init__(self, least: float) -> None:
        self.least = least
        self.is_serving = True
        self.refit_due = False
        self.learnt: list[Judgement] = []
        self.audits = 0
        self.odds = 0.0
        self.n_untold = 0

    def verifier(self) -> Likeness:
        return self

    def gate(self) -> Likeness:
        return self

    def sketch(self, text: str, tokens: object) -> bytes:
        return text.encode()

    def log_odds(self, query: bytes, cached: list[bytes], similarities: list[float]) -> list[float]:
        assert all(cached)
        return [self.odds for _ in cached]

    def choose(self, near: list[Near], records: object, sizes: object) -> Choice:
        best = near[0]
        return Choice(
            best.answer_id,
            best.similarity,
            best.similarity,
            (best.similarity,),
            best.similarity >= self.least,
            0.25,
            tuple(dict.fromkeys(n.answer_id for n in near if n.answer_id != best.answer_id)),
        )

    def is_alias(self, choice: Choice, *, is_same: bool) -> bool:
        return is_same

    def untold(self, choice: Choice) -> None:
        self.n_untold += 1

    def wants_audit(self, choice: Choice) -> bool:
        self.audits -= 1
        return self.audits >= 0

    def learn(self, judgement: Judgement) -> None:
        self.learnt.append(judgement)

    def replay(self, judgements: list[Judgement]) -> None:
        self.learnt += judgements
