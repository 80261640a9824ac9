"""The judges that a run's verdict rests on: those that scored or compared its answers, measured or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from stepwell.base.errors import ConfigError
from stepwell.evals.entries import Header, Planted
from stepwell.evals.scoring.graded.forms import Asked, forms_by
from stepwell.evals.scoring.graded.judge_report import JudgeReport, judge_reports, unmeasured
from stepwell.evals.scoring.graded.preferences import Preference
from stepwell.evals.suite import Row

Relied = tuple[str, str]


def relied_on(
    header: Header, rows: Iterable[Row], liked: Iterable[Preference], planted: Iterable[Planted]
) -> tuple[JudgeReport, ...]:
    """A report for each judge and form that this run was judged by.

    What else a journal holds, of other judges, other models behind the tier or other votes, says nothing of these.

    Args:
        rows: That are graded.
        planted: All that the journal holds.

    Returns:
        All that were measured, where this run was judged by none.
    """
    measured = {(report.judge, report.form): report for report in judge_reports(planted)}
    wanted = dict.fromkeys([*_graders(header, rows), *((p.judge, p.form) for p in liked)])
    if not wanted:
        return tuple(measured.values())
    return tuple(measured.get(who) or unmeasured(*who) for who in wanted)


def _graders(header: Header, rows: Iterable[Row]) -> Iterator[Relied]:
    asked = {name: of for name, key in header.judges.items() if (of := _asked(key)) is not None}
    try:
        for form in forms_by(asked, rows, judge=header.judge):
            yield form.judge, form.name
    except ConfigError:  # nobody is known to have graded them
        yield "", ""


def _asked(key: str) -> Asked | None:
    try:
        return Asked.read(key)
    except msgspec.DecodeError:  # an embedder
        return None
