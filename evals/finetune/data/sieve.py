"""Examples on their way into a dataset; what is dropped is counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from stepwell.evals.finetune.data.example import Example

_encode = msgspec.json.Encoder(order="sorted").encode


class Sieve:
    """Holds examples in an order that does not depend on how they came."""

    def __init__(self, examples: Iterable[Example]) -> None:
        self.kept = sorted(examples, key=_encode)
        self.n_given = len(self.kept)
        self.dropped: Counter[str] = Counter()

    def drop(self, reason: str, is_out: Callable[[Example], bool]) -> None:
        """Drop what `is_out` says."""
        self.keep(reason, [e for e in self.kept if not is_out(e)])

    def keep(self, reason: str, kept: list[Example]) -> None:
        """Go on with these; the others are dropped for that reason."""
        n = len(self.kept) - len(kept)
        if n:
            self.dropped[reason] += n
        self.kept = kept

    def rewrite(self, reason: str, answer_of: Callable[[Example], str | None]) -> None:
        """Put other answers; None drops an example."""
        made = [(e, answer_of(e)) for e in self.kept]
        self.keep(reason, [e if e.answer == a else _with(e, a) for e, a in made if a is not None])


def _with(example: Example, answer: str) -> Example:
    return msgspec.structs.replace(example, answer=answer)


def worth(example: Example) -> tuple[float, float, bytes]:
    """Which of two that say the same is kept: the better scored, else the newer one."""
    return (-1.0 if example.score is None else example.score, example.at_s, _encode(example))
