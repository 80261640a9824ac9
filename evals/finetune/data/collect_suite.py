"""Examples from a suite's targets, and from the answers of an eval run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from stepwell.evals.entries import Entry, JournalError, read_entries
from stepwell.evals.finetune.data.collect import Collected, Told
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.evals.finetune.data.said import is_all_text, text_of
from stepwell.evals.folder import RunFolder
from stepwell.evals.suite import Row, Suite

MIN_SCORE = 0.75
# tags that `eval from-traffic` writes on every row
_OF_TRAFFIC = frozenset({"tier", "kind", "difficulty", "target", "weight"})
# their targets are answers; those of others are patterns, programs or rules
_ANSWERS = frozenset(
    {
        "exact",
        "normalised",
        "contains",
        "numeric",
        "choice",
        "starts_with",
        "json",
        "json_exact",
        "json_schema",
        "pydantic",
        "similarity",
        "graded",
    }
)


def collect_suite(suite: Suite, *, licence: str = "") -> Collected:
    """A suite's own targets as answers.

    Raises:
        FinetuneError: It was drawn from traffic: its rows don't say who asked, and whether they consented.
    """
    _check_source(suite)
    left: Counter[str] = Counter()
    examples = []
    for row in suite.rows:
        reason = _against(row)
        if reason is not None:
            left[reason] += 1
        elif row.scorer not in _ANSWERS or not row.targets[0].strip():
            left["whose target is no answer"] += 1
        else:
            examples.append(_example(row, row.targets[0], licence=licence))
    return Collected(tuple(examples), Told(suite.name, len(suite.rows), len(examples), "", _by_size(left)))


def collect_run(
    folder: str | Path, arm: str, *, min_score: float | None = MIN_SCORE, licence: str = ""
) -> Collected:
    """What an arm answered in an eval run, with its scores.

    Args:
        min_score: Answers below it, and those that nobody scored, are left out; None: all are taken.

    Raises:
        FinetuneError: There is no such run, or no such arm in it, or it asked what was drawn from traffic.
    """
    try:
        run = RunFolder.of(folder)
        asked = run.read_suite()
        _check_source(asked)
        rows = {row.id: row for row in asked.rows}
        entries = _last(read_entries(run.journal))
    except JournalError as e:
        raise FinetuneError(str(e)) from e
    arms = sorted({e.tier for e in entries})
    if arm not in arms:
        raise FinetuneError(f"{folder}: no arm {arm!r}; there are {', '.join(arms)}")
    left: Counter[str] = Counter()
    examples = []
    for entry in (e for e in entries if e.tier == arm):
        row = rows.get(entry.row)
        reason = "of no row of the suite" if row is None else _against(row) or _poor(entry, min_score)
        if reason is not None or row is None:
            left[str(reason)] += 1
            continue
        name = entry.row if entry.repeat == 0 else f"{entry.row}~{entry.repeat}"
        tier = entry.served or entry.tier
        examples.append(
            _example(row, entry.answer or "", name=name, tier=tier, score=entry.score, licence=licence)
        )
    n = sum(e.tier == arm for e in entries)
    return Collected(tuple(examples), Told(Path(folder).name, n, len(examples), arm, _by_size(left)))


def apart(parts: Iterable[Sequence[Example]]) -> list[Example]:
    """Examples of several sources, each under an id of its own."""
    seen: set[str] = set()
    return [_renamed(example, seen) for part in parts for example in part]


def _renamed(example: Example, seen: set[str]) -> Example:
    name, n = example.id, 1
    while name in seen:
        n += 1
        name = f"{example.id}~{example.sha256[:8]}" + (f"-{n}" if n > 2 else "")
    seen.add(name)
    return example if name == example.id else msgspec.structs.replace(example, id=name)


def _check_source(suite: Suite) -> None:
    if any(_OF_TRAFFIC.issubset(tag.partition(":")[0] for tag in row.tags) for row in suite.rows):
        raise FinetuneError(
            f"{suite.name} was drawn from traffic, and its rows don't say who asked, so that nobody can tell whether "
            "they consented: collect from the traffic itself"
        )


def _last(entries: Iterable[Entry]) -> list[Entry]:
    return list({e.key: e for e in entries}.values())


def _against(row: Row) -> str | None:
    if row.turns:
        return "of several turns"
    return None if is_all_text(row.messages) else "with parts that are no text"


def _poor(entry: Entry, min_score: float | None) -> str | None:
    if entry.error or entry.answer is None:
        return "failed"
    if entry.is_degraded:
        return "degraded"
    if min_score is None:
        return None
    if entry.score is None:
        return "without a score"
    return f"scored below {min_score:g}" if entry.score < min_score else None


def _example(
    row: Row,
    answer: str,
    *,
    name: str = "",
    tier: str = "",
    score: float | None = None,
    licence: str = "",
) -> Example:
    tools = row.params.get("tools")
    return Example(
        id=name or row.id,
        messages=tuple({**m, "content": text_of(m)} for m in row.messages),
        answer=answer,
        source="run" if tier else "suite",
        tier=tier,
        group=row.cluster or "",
        score=score,
        licence=licence,
        tools=tuple(tools) if isinstance(tools, list) else (),
    )


def _by_size(left: Counter[str]) -> dict[str, int]:
    return dict(sorted(left.items(), key=lambda of: (-of[1], of[0])))
