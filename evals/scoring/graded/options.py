"""What a suite says about grading: by whom, by which rubric, on which scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Scale = Literal["binary", "1-5", "1-10"]
HIGHEST: Mapping[Scale, int] = {"binary": 1, "1-5": 5, "1-10": 10}
MAX_VOTES = 99


class GradedOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Options of the scorer "graded".

    Attributes:
        judge: Tier that grades; None: the run's.
        rubric: What counts, in the suite's own words; None: right or wrong by the reference.
        reference: Show the row's targets as right answers; or the text that is shown in their place.
        votes: How often the judge is asked, an odd number; None: as often as the run says.
    """

    judge: str | None = None
    rubric: str | None = None
    reference: bool | str = True
    scale: Scale = "binary"
    votes: int | None = None

    @property
    def highest(self) -> int:
        """The best grade; the worst is 1, or 0 where an answer is just right or wrong."""
        return HIGHEST[self.scale]


_decode = msgspec.json.Decoder(GradedOptions).decode


def read_options(options_json: bytes) -> GradedOptions:
    """The options of a row that `options_fault` let pass."""
    return _decode(options_json)


def options_fault(options: Mapping[str, object]) -> str | None:
    """What is wrong with the options that a row gives, or None; shows no text of it."""
    try:
        found = msgspec.convert(dict(options), GradedOptions)
    except msgspec.ValidationError as e:
        return f"graded: {e}"
    return votes_fault(found.votes)


def votes_fault(n_votes: int | None) -> str | None:
    """A majority takes an odd number of votes."""
    if n_votes is None or (1 <= n_votes <= MAX_VOTES and n_votes % 2):
        return None
    return f"graded: votes must be odd, 1 to {MAX_VOTES}; got {n_votes}"
