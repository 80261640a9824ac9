"""`stepwell replay cascade`: recorded answers through a cascade, a row out for each row in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.cascade.rows import Texts, read_opinions
from stepwell.evals.tune.lines import Row, read_rows
from stepwell.router.cascade.accept import AcceptScore, Opinion, Verdict
from stepwell.router.cascade.compare import normalise
from stepwell.router.features import Ask, read_ask

ACCEPT_ABOVE = 0.6
_PER_1M = 1e-6


def replay_cascade(
    rows: str | os.PathLike[str] | Iterable[str | bytes],
    *,
    cheap: Sequence[str],
    strong: str,
    middle: str | None = None,
    accept: AcceptScore | None = None,
    accept_above: float = ACCEPT_ABOVE,
    need_of: Callable[[Ask], float | None] | None = None,
    prices: Mapping[str, tuple[float, float]] | None = None,
    texts: Texts | None = None,
) -> Iterator[dict[str, object]]:
    """Decide for each row: ask the cheap tiers, accept or go up; every call is counted.

    A row whose answers don't compare goes straight to the strong tier.

    Args:
        rows: Outcome rows with `answers`, whole or parsed, scored or not (a JSON Lines file, .gz too, or its lines).
        cheap: The opinions, the cheapest first; two or more. The same twice would only repeat one recorded answer.
        middle: Asked where they are not accepted, and taken where it says the same as one of them.
        accept: Learned on these tiers, from a policy; without it the rule that takes no labels.
        need_of: The policy's rank of a question, 0..1.
        prices: By tier: USD per 1M tokens read and written; a recorded cost wins.
        texts: Whole answers by row id and tier, where `answers` holds parsed ones.

    Yields:
        {id, score, tier, calls, cost_usd, kind, agreed, accepted, p_accept, reasons}: `score` is the need of the
        strong tier in place of the first, after the cheap answers; `tier` is who answers; cost_usd is None where a
        price is unknown.

    Raises:
        BadRequest: A row is wrong, or the tiers are no cascade.
    """
    if len(cheap) < 2 or len(set(cheap)) < len(cheap) or strong in cheap or middle in (strong, *cheap):
        raise BadRequest(
            "A cascade needs two different cheap tiers or more, and another strong one.", param="cheap"
        )
    judge = (accept or AcceptScore()).judge
    for row in read_rows(rows, is_scored=False):
        ask = read_ask(row.prompt or "")
        said = {t: str(a) for t, a in (row.answers or {}).items() if a is not None}
        found = read_opinions(ask, cheap, said, row.n_output_tokens, (texts or {}).get(str(row.id)))
        if found is None:
            yield _told(row, None, [strong], strong, None, ["answers don't compare"], prices)
            continue
        kind, opinions = found
        need = need_of(ask) if need_of is not None else None
        verdict = judge(opinions, ask, need, accept_above=accept_above)
        tier, calls, reasons = _climbed(opinions, verdict, said, kind, middle, strong)
        yield _told(row, verdict, [*cheap, *calls], tier, kind, reasons, prices)


def _climbed(
    opinions: Sequence[Opinion],
    verdict: Verdict,
    said: Mapping[str, str],
    kind: str,
    middle: str | None,
    strong: str,
) -> tuple[str, list[str], list[str]]:
    """Who answers, who is asked after the opinions, and why."""
    if verdict.is_accepted and verdict.served is not None:
        return opinions[verdict.served].tier, [], [verdict.why]
    if middle is None:
        return strong, [strong], [verdict.why]
    answer = normalise(said.get(middle, ""), kind)
    if answer is not None and any(o.answer == answer for o in opinions):
        return middle, [middle], [verdict.why, f"{middle} agrees with a cheap tier"]
    return strong, [middle, strong], [verdict.why, f"{middle} agrees with none"]


def _told(
    row: Row,
    verdict: Verdict | None,
    calls: list[str],
    tier: str,
    kind: str | None,
    reasons: list[str],
    prices: Mapping[str, tuple[float, float]] | None,
) -> dict[str, object]:
    costs = [_cost_usd(row, t, prices) for t in calls]
    known = [c for c in costs if c is not None]
    return {
        "id": row.id,
        "score": 1.0 if verdict is None else verdict.need,
        "tier": tier,
        "calls": calls,
        "cost_usd": sum(known) if len(known) == len(costs) else None,
        "kind": kind,
        "agreed": verdict is not None and verdict.served is not None,
        "accepted": verdict is not None and verdict.is_accepted,
        "p_accept": None if verdict is None else verdict.p_accept,
        "reasons": reasons,
    }


def _cost_usd(row: Row, tier: str, prices: Mapping[str, tuple[float, float]] | None) -> float | None:
    recorded = (row.cost_usd or {}).get(tier)
    if recorded is not None or prices is None or tier not in prices:
        return recorded
    n_output = row.n_output_tokens.get(tier)
    if n_output is None:
        return None
    return (row.n_input_tokens * prices[tier][0] + n_output * prices[tier][1]) * _PER_1M
