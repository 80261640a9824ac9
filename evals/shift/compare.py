"""Compare recent traffic with a reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.evals.shift.alarm import Alarm, Split, watch
from stepwell.evals.shift.clusters import topics
from stepwell.evals.shift.discriminant import reduced, together
from stepwell.evals.shift.effects import class_shift, number_shift
from stepwell.evals.shift.energy import energy
from stepwell.evals.shift.features import scaled, shared_rows, shared_vectors, unlikeness
from stepwell.evals.shift.lines import ShiftError
from stepwell.evals.shift.report import Shift, ShiftReport
from stepwell.evals.shift.traffic import LENGTH, NEED, NOVELTY, Traffic
from stepwell.evals.verdict.several import holm
from stepwell.router.drift import Drift, ScoreWatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TOPIC = "topic"


def compare_traffic(
    reference: Traffic,
    recent: Traffic,
    *,
    alpha: float = 0.05,
    min_effect: float = 0.1,
    min_rows: int = 50,
    seed: int = 0,
) -> ShiftReport:
    """Compare recent requests, in order of arrival, with a reference.

    Args:
        alpha: Of the alarm: the odds that it ever goes off where nothing moved. Of all other findings together, too.
        min_effect: Least effect of note, on the scale of |2 AUC - 1| and of total variation, 0..1.
        min_rows: Of each side.

    Raises:
        ShiftError: The two share nothing that can be compared.
    """
    if min(reference.n, recent.n) < min_rows:
        return ShiftReport("too few rows", reference.n, recent.n, min_effect, alpha)
    shifts = list(_shifts(reference, recent, seed))
    if not shifts:
        raise ShiftError("the two files share nothing that can be compared")
    adjusted = [
        msgspec.structs.replace(s, adjusted_p=p)
        for s, p in zip(shifts, holm([s.p for s in shifts]), strict=True)
    ]
    alarm = alarm_of(reference, recent, alpha=alpha, seed=seed)
    report = ShiftReport(
        "no drift", reference.n, recent.n, min_effect, alpha, tuple(adjusted), alarm, _answers(recent)
    )
    if not report.of_note:
        return report
    return msgspec.structs.replace(report, word="drift" if alarm.is_on else "unsure")


def _shifts(reference: Traffic, recent: Traffic, seed: int) -> Iterator[Shift]:
    found: list[Shift | None] = [
        *_numbers("feature", reference.numbers, recent.numbers),
        *_numbers("p_ok", reference.p_ok, recent.p_ok),
    ]
    for name in reference.classes.keys() & recent.classes.keys():
        found.append(class_shift(name, reference.classes[name], recent.classes[name], seed=seed))
    vectors = shared_vectors(reference, recent)
    if vectors is not None:
        found.append(class_shift(TOPIC, *topics(*vectors, seed=seed), seed=seed))
    rows = _pooled_rows(reference, recent)
    if rows.shape[1]:
        old, new = rows[: reference.n], rows[reference.n :]
        found += [together(old, new, seed=seed), energy(old, new, seed=seed)]
    yield from (s for s in found if s is not None)


def _pooled_rows(reference: Traffic, recent: Traffic) -> Floats:
    """Both sides as features, one after the other; of vectors what varies most, lest they drown all else."""
    table = np.concatenate(shared_rows(reference, recent))
    vectors = shared_vectors(reference, recent)
    if vectors is not None:
        table = np.concatenate((table, reduced(np.concatenate(vectors))), axis=1)
    return scaled(table, table)


def _numbers(what: str, old: dict[str, Floats], new: dict[str, Floats]) -> Iterator[Shift | None]:
    for name in (n for n in old if n in new):
        shift = number_shift(name, old[name], new[name])
        yield None if shift is None else msgspec.structs.replace(shift, what=what)


def alarm_of(reference: Traffic, recent: Traffic, *, alpha: float = 0.05, seed: int = 0) -> Alarm:
    """Watch the recent requests one after the other, against reference requests not used before."""
    split = Split(reference.n, recent.n, seed=seed)
    old, new = shared_rows(reference, recent)
    vectors = shared_vectors(reference, recent)
    if vectors is not None:
        old, new = (np.concatenate(pair, axis=1) for pair in zip((old, new), vectors, strict=True))
    rows = scaled(old, old[split.known]), scaled(new, old[split.known])
    scores = dict(_alarm_scores(reference, recent, split))
    if rows[0].shape[1]:
        known = rows[0][split.known]
        # a row of the known part is its own neighbour, but those are never bet on
        scores["unlikeness"] = unlikeness(rows[0], known), unlikeness(rows[1], known)
    return watch(split, scores, rows if rows[0].shape[1] else None, alpha=alpha)


def _alarm_scores(
    reference: Traffic, recent: Traffic, split: Split
) -> Iterable[tuple[str, tuple[Floats, Floats]]]:
    for name in (LENGTH, NEED, NOVELTY):
        if _is_whole(pair := (reference.numbers[name], recent.numbers[name])):
            yield name, pair
    for tier in sorted(reference.p_ok.keys() & recent.p_ok.keys()):
        if _is_whole(pair := (reference.p_ok[tier], recent.p_ok[tier])):
            yield f"p_ok of {tier}", pair
    for name in sorted(reference.classes.keys() & recent.classes.keys()):
        old, new = reference.classes[name], recent.classes[name]
        if all(old) and all(new):
            seen = Counter(old[i] for i in split.known)
            yield f"rare {name}", (_rarity(old, seen), _rarity(new, seen))


def _is_whole(pair: tuple[Floats, Floats]) -> bool:
    return not any(bool(np.isnan(side).any()) for side in pair)


def _rarity(classes: list[str], seen: Counter[str]) -> Floats:
    return np.array([-float(seen[c]) for c in classes])


def _answers(recent: Traffic) -> Drift | None:
    if not recent.expected:
        return None
    scores = ScoreWatch()
    for score, p_ok in recent.expected:
        scores.add(score, p_ok)
    return scores.drift()
