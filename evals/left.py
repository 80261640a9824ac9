"""What a run still has to ask: what its journal doesn't hold with a score."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from stepwell.evals.ask import rescored
from stepwell.evals.ends import Ends, ask_digest
from stepwell.evals.entries import Entry, read_entries
from stepwell.evals.journal import Journal
from stepwell.evals.plan import Plan, Planned, Sample
from stepwell.evals.scoring.open import Judging


@dataclass(frozen=True, slots=True)
class Left:
    """Samples by their places in the plan.

    Attributes:
        unscored: Place -> the answer that is there, and waits for its score.
    """

    planned: Plan
    places: Sequence[int]
    unscored: Mapping[int, Entry] = field(default_factory=dict)

    def sample(self, place: int) -> Sample:
        sample = self.planned[place]
        sample.unscored = self.unscored.get(place)
        return sample

    def by_row(self) -> dict[str, list[int]]:
        """Row -> its places."""
        by_row: dict[int, list[int]] = {}
        for place in self.places:
            by_row.setdefault(self.planned.row(place), []).append(place)
        return {row.id: by_row[n] for n, row in enumerate(self.planned.rows) if n in by_row}


def left_of(planned: Plan, keys: Planned, ends: Ends, journal: Journal, judging: Judging) -> Left:
    """What is left to do; an answer that is there unscored, or under another scorer, target or name, is scored instead.

    Args:
        keys: Of what is planned: an answer that belongs to one of two arms that ask the same doesn't serve the other.
    """
    if not len(ends):
        return Left(planned, range(len(planned)))
    answered = ends.answered()
    places, by_ask = array("Q"), dict[str, int]()
    for place, sample in enumerate(planned):
        if not ends.is_key_scored(sample.key):
            places.append(place)
            if ask_digest(sample.ask) in answered:
                by_ask[sample.ask] = place
    served = _serve_all(planned, keys, by_ask, ends, journal, judging) if by_ask else {}
    done = {place for place, entry in served.items() if entry.score is not None}
    unscored = {place: entry for place, entry in served.items() if entry.score is None}
    return Left(planned, [p for p in places if p not in done] if done else places, unscored)


def _serve_all(
    planned: Plan,
    keys: Planned,
    by_ask: Mapping[str, int],
    ends: Ends,
    journal: Journal,
    judging: Judging,
) -> dict[int, Entry]:
    """Place -> the answer that is there, under the sample's own key, scored where that needs nobody else."""
    found: dict[int, Entry] = {}
    for entry in read_entries(journal.path):
        place = by_ask.get(entry.ask) if entry.has_answer else None
        if place is not None and (entry.key not in keys or entry.key == planned[place].key):
            found[place] = entry
    served = {}
    for place, entry in found.items():
        sample = planned[place]
        served[place] = fresh = rescored(sample, entry, judging)
        if entry.key != sample.key:
            nano_usd, lost_nano_usd = ends.cost_of(entry.key)
            journal.append(
                msgspec.structs.replace(fresh, nano_usd=nano_usd, lost_nano_usd=lost_nano_usd, is_copy=True)
            )
        elif fresh.score is not None:
            journal.append(msgspec.structs.replace(fresh, nano_usd=0, lost_nano_usd=0))
    return served
