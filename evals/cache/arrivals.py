"""Requests that arrive one after the other, each with the class of answers that would do for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stepwell.base.errors import BadRequest

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request.

    Attributes:
        cls: Two requests of one class may be given the same answer.
        tenant: Whose it is; tenants share nothing.
    """

    text: str
    cls: str
    tenant: str = ""


def read_arrival(row: Row) -> Arrival:
    """A row with "query" or "prompt" (text) and "cls"; "tenant" where known.

    Raises:
        BadRequest: One of them is missing or no text.
    """
    text, cls = row.get("query", row.get("prompt")), row.get("cls")
    if not isinstance(text, str):
        raise BadRequest("The row has no text under 'query' or 'prompt'.", param="query")
    if not isinstance(cls, str | int) or isinstance(cls, bool):
        raise BadRequest("The row has no class under 'cls'.", param="cls")
    return Arrival(text, str(cls), str(row.get("tenant") or ""))


def read_arrivals(rows: Iterable[Row]) -> list[Arrival]:
    """Arrivals in order, from rows as `read_arrival` takes them or from pairs as `pair_arrivals` does.

    Raises:
        BadRequest: A row is neither, or both kinds are mixed.
    """
    found = list(rows)
    if found and "cached_query" in found[0]:
        return list(pair_arrivals(found))
    return [read_arrival(row) for row in found]


def pair_arrivals(rows: Iterable[Row]) -> Iterator[Arrival]:
    """Pairs ("cached_query", "query", "same") as a stream: in the order of the file, the cached query before the other.

    Each text arrives once. Texts that a chain of "same" pairs links are of one class.

    Raises:
        BadRequest: A row is no such pair.
    """
    pairs = [_read_pair(row) for row in rows]
    leader: dict[str, str] = {}
    for first, second, is_same in pairs:
        a, b = _leader(leader, first), _leader(leader, second)
        if is_same:
            leader[a] = b
    seen: set[str] = set()
    for first, second, _ in pairs:
        for text in (first, second):
            if text not in seen:
                seen.add(text)
                yield Arrival(text, _leader(leader, text))


def _read_pair(row: Row) -> tuple[str, str, bool]:
    first, second, same = row.get("cached_query"), row.get("query"), row.get("same")
    if not isinstance(first, str) or not isinstance(second, str) or same not in (0, 1):
        raise BadRequest("The row is no pair of 'cached_query', 'query' and 'same' (0 or 1).", param="same")
    return first, second, bool(same)


def _leader(leader: dict[str, str], text: str) -> str:
    leader.setdefault(text, text)
    while leader[text] != text:
        leader[text] = leader[leader[text]]
        text = leader[text]
    return text
