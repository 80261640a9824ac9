"""A journal as outcome rows: what each tier scored, wrote and cost on each prompt."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from stepwell.evals.entries import Outcome
from stepwell.evals.suite import Row


def outcome_rows(rows: Iterable[Row], outcomes: Iterable[Outcome]) -> Iterator[dict[str, object]]:
    """One row for each row of a suite that some tier has a score on; repeats are averaged, errors left out.

    Yields:
        id; prompt or messages; and by tier: scores (0..1), out_tokens, cost_usd.
    """
    by_row: dict[str, dict[str, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for o in outcomes:
        if o.score is not None:
            by_row[o.row][o.tier].append(o)
    for row in rows:
        of_row = by_row.get(row.id)
        if of_row:
            yield _asked(row) | {
                "scores": {t: _mean([o.score or 0.0 for o in of]) for t, of in sorted(of_row.items())},
                "out_tokens": {t: _mean([o.out_tokens for o in of]) for t, of in sorted(of_row.items())},
                "cost_usd": {t: _mean([o.nano_usd for o in of]) / 1e9 for t, of in sorted(of_row.items())},
            }


def _asked(row: Row) -> dict[str, object]:
    prompt = row.prompt
    return {"id": row.id} | ({"messages": row.messages} if prompt is None else {"prompt": prompt})


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
