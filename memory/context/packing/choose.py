"""Choose what one room takes, where it can't take all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stepwell.base.tokens import is_exact_for
from stepwell.memory.context.packing.dates import dates
from stepwell.memory.context.packing.fill import Units, fill, units
from stepwell.memory.context.packing.latest import latest
from stepwell.memory.context.packing.needs import Needs, Wishes, n_note
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.packing.shorten import shorten

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.memory.context.packing.needs import Mask

_SPAN_TOKENS = 14  # what a day takes in the line of dates
_DATES_SHARE = 0.1
_MOST_SPANS = 12
# What is kept for the sake of a provider's prompt cache fills most of the room and matters almost as much as a fresh
# choice. Half of that choice's relevance, as the bound, lost 4 points of expected recall; this loses 1.
_LEAST_FILLED = 0.75
_LEAST_RECALL = 0.9
_LEAST_OF_ABOUT = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What would be sent.

    Attributes:
        kept: Which messages, shape (n,).
        found, taken: The units that older ones were taken in, the worthiest first.
    """

    kept: Mask
    summary: str = ""
    dates: str = ""
    found: Units | None = None
    taken: NDArray[np.int64] | None = None


def choose(needs: Needs, room: Room, wishes: Wishes) -> Packed:
    """The best choice for one room, or the last one again where it is still good.

    Raises:
        ContextTooLong: What must stay does not fit.
    """
    n_fixed = needs.n_fixed(room)
    if (packed := _all(needs, room, n_fixed)) is not None:
        return packed
    fresh = _fresh(needs, room, wishes, n_fixed)
    again = None if wishes.before is None else _again(needs, room, wishes.before, fresh)
    return _packed(needs, room, again or fresh)


def _all(needs: Needs, room: Room, n_fixed: int) -> Packed | None:
    """All of it where that fits after all."""
    import numpy as np

    if _LEAST_OF_ABOUT * needs.n_about > room.n_tokens:
        return None
    everything = Choice(np.ones(len(needs), dtype=np.bool_))
    n = _n_tokens(needs, room, everything)
    return _packed(needs, room, everything) if n <= room.n_tokens else None


# ---- afresh


def _fresh(needs: Needs, room: Room, wishes: Wishes, n_fixed: int) -> Choice:
    spare = int(wishes.slack_share * room.n_tokens)
    summary = _summary(needs, room, wishes, n_fixed)
    left = room.n_tokens - n_fixed - n_note(room.model, summary=summary)
    recent = latest(needs, left, int(wishes.recent_share * room.n_tokens), room.model)
    left -= needs.view.count(recent.nonzero()[0], room.model) + spare
    found = units(needs.view, needs.may & ~recent, needs.relevance, max(left, 0))
    base = Choice(needs.must | recent, summary, "", found)
    choice = _taking(needs, room, base, fill(found, left, room.model))
    n_dates = _n_tokens(needs, room, choice) - _n_tokens(needs, room, replace(choice, dates=""))
    if n_dates:
        choice = _taking(needs, room, base, fill(found, left - n_dates, room.model))
    return _shrunk(needs, room, base, choice, room.n_tokens - spare)


def _taking(needs: Needs, room: Room, base: Choice, taken: NDArray[np.int64]) -> Choice:
    assert base.found is not None
    kept = base.kept.copy()
    kept[base.found.places(taken)] = True
    return replace(base, kept=kept, taken=taken, dates=_dates(needs, room, kept))


def _shrunk(needs: Needs, room: Room, base: Choice, choice: Choice, n_tokens: int) -> Choice:
    """Let go of the least worthy until it fits: in the end of dates, of the summary, and of the latest."""
    n = _n_tokens(needs, room, choice)
    while n > n_tokens and choice.taken is not None and len(choice.taken):
        choice = _taking(needs, room, base, choice.taken[:-1])
        n = _n_tokens(needs, room, choice)
    for bare in (replace(choice, dates=""), replace(choice, dates="", summary=""), Choice(needs.must)):
        if _n_tokens(needs, room, choice) <= room.n_tokens:
            break
        choice = bare
    return choice


def _summary(needs: Needs, room: Room, wishes: Wishes, n_fixed: int) -> str:
    """The summary in its share of the room, "" where there is no room for it."""
    given = needs.summary
    if given is None or not given.text or not needs.is_older[: given.upto].any():
        return ""
    share = min(wishes.summary_share * room.n_tokens, (room.n_tokens - n_fixed) / 2)
    return shorten(given.text, int(share) - n_note(room.model, summary="-"), room.model)


def _dates(needs: Needs, room: Room, kept: Mask) -> str:
    n_spans = int(_DATES_SHARE * room.n_tokens) // _SPAN_TOKENS
    spoken = kept & ~needs.view.shape.is_system
    return dates(needs.view.at_s[spoken].tolist(), max_spans=min(max(n_spans, 2), _MOST_SPANS))


# ---- as before


def _again(needs: Needs, room: Room, before: Packed, fresh: Choice) -> Choice | None:
    """What was kept, and all that was said since; None where that is no longer good."""
    import numpy as np

    held = np.array(before.kept, dtype=np.int64)
    if not len(held) or held[-1] >= len(needs):
        return None
    kept = np.zeros(len(needs), dtype=np.bool_)
    kept[held] = True
    kept[held[-1] + 1 :] = True
    kept = _whole(needs, kept & needs.may) | needs.must
    choice = Choice(kept, before.summary, _dates(needs, room, kept))
    n = _n_tokens(needs, room, choice)
    if not _LEAST_FILLED * room.n_tokens <= n <= room.n_tokens:
        return None
    least = _LEAST_RECALL * _expected_recall(needs, fresh.kept)
    return choice if _expected_recall(needs, kept) >= least else None


def _whole(needs: Needs, kept: Mask) -> Mask:
    """Less groups of which only a part is kept."""
    import numpy as np

    group = needs.view.shape.group
    is_parted = np.zeros(len(needs), dtype=np.bool_)
    is_parted[group[~kept]] = True
    return kept & ~is_parted[group]


# ----


def _n_tokens(needs: Needs, room: Room, choice: Choice) -> int:
    n = needs.n_fixed(room) + n_note(room.model, summary=choice.summary, dates=choice.dates)
    return n + needs.view.count((choice.kept & ~needs.must).nonzero()[0], room.model)


def _packed(needs: Needs, room: Room, choice: Choice) -> Packed:
    upto = needs.summary.upto if needs.summary is not None else len(needs)
    if choice.summary and not (needs.is_older & ~choice.kept)[:upto].any():
        choice = replace(choice, summary="")  # all that it covers is there
    is_all = bool(choice.kept.all())
    return Packed(
        tuple(choice.kept.nonzero()[0].tolist()),
        _n_tokens(needs, room, choice),
        is_exact=is_exact_for(room.model),
        n_recalled=_n_recalled(needs, choice.kept),
        expected_recall=1.0 if is_all else _expected_recall(needs, choice.kept),
        summary=choice.summary,
        dates=choice.dates,
        n_places=len(needs),
    )


def _n_recalled(needs: Needs, kept: Mask) -> int:
    """Kept from before the first gap, seen from the end."""
    gaps = (needs.is_older & ~kept).nonzero()[0]
    return int((kept & needs.is_older)[: gaps[-1]].sum()) if len(gaps) else 0


def _expected_recall(needs: Needs, kept: Mask) -> float:
    older = needs.relevance[needs.is_older]
    total = float(older.sum())
    return float(needs.relevance[needs.is_older & kept].sum()) / total if total > 0 else 1.0
