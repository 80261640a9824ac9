"""Outcome rows as arrays: what each tier scored, wrote and cost on each question."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.kept import Kept
from stepwell.evals.tune.lines import Row, read_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MAX_LISTED = 12


@dataclass(frozen=True, slots=True)
class Outcomes:
    """n questions that k tiers answered; NaN where something is not known.

    Attributes:
        prompts: The last human ask of each. Never log them.
        domains, sources: Subject, and data set, as the rows name them; "" where they don't.
        tiers: Cheapest first.
        scores: 0..1, shape (n, k).
        out_tokens, cost_usd: Tokens of the answer and what the call cost, shape (n, k).
        n_input_tokens: Of the whole prompt, characters / 4, shape (n,).
        answers: By tier, for those that are recorded.
        kept: By place: what stands in for prompts that were not kept; those are "".
    """

    ids: list[str]
    prompts: list[str]
    domains: list[str]
    sources: list[str]
    tiers: tuple[str, ...]
    scores: Floats
    out_tokens: Floats
    cost_usd: Floats
    n_input_tokens: Floats
    answers: list[Mapping[str, str]]
    kept: Mapping[int, Kept] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_complete(self) -> NDArray[np.bool_]:
        """Which rows have a score for every tier, shape (n,)."""
        whole: NDArray[np.bool_] = np.asarray(~np.isnan(self.scores).any(axis=1))
        return whole

    def take(self, rows: Iterable[int] | NDArray[np.intp] | NDArray[np.bool_]) -> Outcomes:
        """The rows at these places (or where a mask is true), in that order."""
        at = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows))
        places = np.flatnonzero(at) if at.dtype == np.bool_ else at.astype(np.intp)
        return Outcomes(
            ids=[self.ids[i] for i in places],
            prompts=[self.prompts[i] for i in places],
            domains=[self.domains[i] for i in places],
            sources=[self.sources[i] for i in places],
            tiers=self.tiers,
            scores=self.scores[places],
            out_tokens=self.out_tokens[places],
            cost_usd=self.cost_usd[places],
            n_input_tokens=self.n_input_tokens[places],
            answers=[self.answers[i] for i in places],
            kept={n: self.kept[i] for n, i in enumerate(map(int, places)) if i in self.kept},
        )


def read_outcomes(
    rows: str | os.PathLike[str] | Iterable[str | bytes],
    tiers: Sequence[str] | None = None,
    *,
    is_partial: bool = False,
) -> Outcomes:
    """Read outcome rows: {id, prompt or messages, scores: {tier: 0..1}, ...}.

    Rows flagged `contaminated`, and rows with a score for none of `tiers`, are left out.

    Args:
        rows: A JSON Lines file (.gz too) or its lines.
        tiers: Those to read, cheapest first. Without it all that have scores, by mean recorded cost where
            every one has it, else in the order in which the file names them
            (`expected.in_price_order` mends that where prices are known).
        is_partial: They only add to other rows: it will do if no row has all tiers, and some tiers are in none.

    Raises:
        BadRequest: A row is wrong (its line and column are named, never its text), a tier is unknown, or no
            row has a score for every tier; or there is no such file.
    """
    read = list(read_rows(rows))
    if not read:
        raise BadRequest("There are no outcome rows.")
    known = _known(read)
    for name in tiers or ():
        if name not in known and not is_partial:
            raise _unknown(name, known)
    named = tuple(dict.fromkeys(tiers)) if tiers else _by_cost(read, known)
    made = _assembled([row for row in read if any(row.score(t) is not None for t in named)], named)
    if is_partial and not len(made):
        raise BadRequest(f"No row has a score of any of {', '.join(named)}.", param="scores")
    if not is_partial and not made.is_complete.any():
        raise BadRequest(f"No row has a score for every one of {_listed_names(named)}.", param="scores")
    return made


def cost_matrix(
    outcomes: Outcomes,
    prices: Mapping[str, tuple[float, float]] | None = None,
    *,
    n_output_tokens: float = 200.0,
) -> Floats:
    """What each call cost in USD, shape (n, k): as recorded, else by the price list, else the tier's mean.

    Args:
        prices: By tier: USD per 1M tokens read and written.
        n_output_tokens: Where no length of the tier's answers is recorded.

    Raises:
        BadRequest: A tier has neither a price nor a recorded cost.
    """
    columns = []
    for j, tier in enumerate(outcomes.tiers):
        recorded = outcomes.cost_usd[:, j]
        if prices is not None and tier in prices:
            usual = _listed(outcomes, j, prices[tier], n_output_tokens)
        elif not np.isnan(recorded).all():
            usual = np.full(len(outcomes), np.nanmean(recorded))
        else:
            raise BadRequest(f"Tier {tier!r} has neither a price nor a recorded cost.", param="cost_usd")
        columns.append(np.where(np.isnan(recorded), usual, recorded))
    return np.column_stack(columns)


def _listed(outcomes: Outcomes, j: int, price: tuple[float, float], n_output_tokens: float) -> Floats:
    written = outcomes.out_tokens[:, j]
    is_known = ~np.isnan(written)
    usual = float(np.median(written[is_known])) if is_known.any() else n_output_tokens
    tokens = outcomes.n_input_tokens * price[0] + np.where(is_known, written, usual) * price[1]
    cost: Floats = tokens / 1e6
    return cost


def _known(read: Sequence[Row]) -> dict[str, None]:
    return dict.fromkeys(name for row in read for name in row.scores or {})


def _unknown(name: str, known: Iterable[str]) -> BadRequest:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return BadRequest(
        f"No row has a score of tier {name!r}; {hint}There are {_listed_names(names)}.", param="tiers"
    )


def _listed_names(names: Sequence[str]) -> str:
    return ", ".join(names[:_MAX_LISTED]) + (", ..." if len(names) > _MAX_LISTED else "")


def _by_cost(read: Sequence[Row], known: Iterable[str]) -> tuple[str, ...]:
    names = list(known)
    costs = {t: [c for row in read if (c := (row.cost_usd or {}).get(t)) is not None] for t in names}
    if all(costs.values()):
        names.sort(key=lambda t: sum(costs[t]) / len(costs[t]))
    return tuple(names)


def _assembled(read: Sequence[Row], tiers: tuple[str, ...]) -> Outcomes:
    return Outcomes(
        ids=[str(row.id) for row in read],
        prompts=[row.prompt or "" for row in read],
        domains=[row.domain or "" for row in read],
        sources=[row.dataset or "" for row in read],
        tiers=tiers,
        scores=_table([row.scores or {} for row in read], tiers),
        out_tokens=_table([row.n_output_tokens for row in read], tiers),
        cost_usd=_table([row.cost_usd or {} for row in read], tiers),
        n_input_tokens=np.array([row.n_input_tokens for row in read]),
        answers=[_answers(row, tiers) for row in read],
        kept={n: kept for n, row in enumerate(read) if (kept := _kept(row)) is not None},
    )


def _kept(row: Row) -> Kept | None:
    if row.prompt is not None or row.traits is None:
        return None
    vector = None if row.vector is None else np.array(row.vector, np.float32)
    return Kept(np.array(row.traits, np.float32), vector, row.embedder)


def _table(columns: Sequence[Mapping[str, float | None]], tiers: Sequence[str]) -> Floats:
    cells = [[np.nan if (v := row.get(t)) is None else float(v) for t in tiers] for row in columns]
    return np.array(cells, dtype=np.float64).reshape(len(columns), len(tiers))


def _answers(row: Row, tiers: Sequence[str]) -> Mapping[str, str]:
    found = row.answers or {}
    return {t: str(a) for t in tiers if (a := found.get(t)) is not None}
