"""Figures that no request can have, whoever logged them: one of them would be all that a sum says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stepwell.evals.traffic.records import BadRecord
from stepwell.traffic_line import Logged

MAX_USD = 1e5
_MAX_TOKENS = 1e10
_MAX_MS = 1e12
_MAX_S = 1e11
_SHARES = ("p_ok", "propensity", "scores")
_TOKENS = ("in_tokens", "out_tokens", "cached_tokens", "n_input_tokens")


def sound(row: Logged) -> Logged:
    """The row as it is.

    Raises:
        BadRecord: A figure is out of its range, or is none; names the field.
    """
    for field, value, most in _figures(row):
        if not 0 <= value <= most:  # NaN is not, either
            raise BadRecord(f"{field} can't be")
    return row


def _figures(row: Logged) -> Iterator[tuple[str, float, float]]:
    """Field, value and the most that it may be."""
    yield "at_s", row.at_s, _MAX_S
    yield "status", row.status, 999
    yield "ms", row.ms, _MAX_MS
    yield "ttft_ms", row.ttft_ms or 0, _MAX_MS
    yield "cost_usd", row.cost_usd or 0, MAX_USD
    yield "need", row.need or 0, 1
    yield "novelty", row.novelty or 0, 1
    yield from (("expected_usd", usd, MAX_USD) for usd in row.expected_usd.values())
    yield from ((field, getattr(row, field), _MAX_TOKENS) for field in _TOKENS)
    for field in _SHARES:
        yield from _each(field, getattr(row, field).values())


def _each(field: str, values: Iterable[float]) -> Iterator[tuple[str, float, float]]:
    return ((field, value, 1) for value in values)
