"""A log as typed rows, whoever wrote it: ours, LiteLLM's, Langfuse's or OpenTelemetry's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import msgspec

from stepwell.base.config import Config
from stepwell.evals.traffic import langfuse, litellm, otel
from stepwell.evals.traffic.records import Bad, BadRecord, Record, TrafficError, read_records
from stepwell.evals.traffic.row_faults import sound
from stepwell.traffic_line import Logged

Format = Literal["stepwell", "litellm", "langfuse", "otel"]
FORMATS: tuple[Format, ...] = get_args(Format)
_N_TELLING = 20


@dataclass(slots=True)
class Log:
    """What a file held.

    Attributes:
        rows: In their order; of several with one id the last one counts.
        bad: Records that were left out, by line.
        n_skipped: Records that are no call of a model: spans of other work, scores.
    """

    format: Format
    rows: tuple[Logged, ...] = ()
    bad: list[Bad] = field(default_factory=list)
    n_skipped: int = 0


def read_log(path: str | Path, format: Format | None = None) -> Log:
    """Read a log, and what was moved aside of it (<path>.1, ...) first.

    Args:
        format: None: by the fields of the first records.

    Raises:
        TrafficError: It can't be read, holds nothing, or is of no known format.
    """
    records = [r for file in _files(Path(path)) for r in read_records(file)]
    if not records:
        raise TrafficError(f"{path}: nothing in it")
    found = format or _format_of(records)
    if found is None:
        raise TrafficError(f"{path}: of no known format; name one of {', '.join(FORMATS)}")
    log = Log(found)
    readers = {"stepwell": _ours, "litellm": _litellm, "langfuse": _langfuse, "otel": _otel}
    rows = {row.id: row for row in readers[found](records, log)}
    log.rows = tuple(rows.values())
    return log


def tiers_by_model(config: Config) -> dict[str, str]:
    """Names of models, as logs of other tools write them, by the configured tier that serves them."""
    found: dict[str, str] = {}
    for tier, of in config.tiers.items():
        for deployment in of.deployments:
            found.setdefault(deployment.model, tier)
            found.setdefault(deployment.model.rpartition("/")[2], tier)
    return found


def renamed(rows: Iterable[Logged], tier_of: Mapping[str, str]) -> tuple[Logged, ...]:
    """Rows with tiers in place of models; a model without a tier keeps its name."""
    return tuple(_renamed(row, tier_of) for row in rows)


def with_scores(rows: Iterable[Logged], scores: Mapping[str, Mapping[str, float]]) -> tuple[Logged, ...]:
    """Rows with scores by tier joined by id, or by the id in the answer; these replace what they had."""
    return tuple(_joined(row, scores) for row in rows)


def _joined(row: Logged, scores: Mapping[str, Mapping[str, float]]) -> Logged:
    found = scores.get(row.id) or (scores.get(row.body_id) if row.body_id else None)
    return row if not found else msgspec.structs.replace(row, scores={**row.scores, **found})


def _renamed(row: Logged, tier_of: Mapping[str, str]) -> Logged:
    def of(name: str) -> str:
        return tier_of.get(name, tier_of.get(name.rpartition("/")[2], name))

    return msgspec.structs.replace(
        row, tier=of(row.tier), served=of(row.served), scores={of(t): s for t, s in row.scores.items()}
    )


def _files(path: Path) -> list[Path]:
    moved = [path.with_name(f"{path.name}.{n}") for n in range(1, 100)]
    older = [file for file in moved if file.is_file()]
    return [*reversed(older), path]


def _format_of(records: Iterable[Record | Bad]) -> Format | None:
    seen = [r.values for r in records if isinstance(r, Record)][:_N_TELLING]
    tests = {
        "stepwell": _is_ours,
        "otel": otel.is_otel,
        "litellm": litellm.is_litellm,
        "langfuse": langfuse.is_langfuse,
    }
    for name in ("stepwell", "otel", "litellm", "langfuse"):
        if any(tests[name](values) for values in seen):
            return next(f for f in FORMATS if f == name)
    return None


def _is_ours(values: Mapping[str, object]) -> bool:
    return "at_s" in values and "id" in values


def _good(records: Iterable[Record | Bad], log: Log) -> Iterator[Record]:
    for record in records:
        if isinstance(record, Bad):
            log.bad.append(record)
        else:
            yield record


def _ours(records: Iterable[Record | Bad], log: Log) -> Iterator[Logged]:
    for record in _good(records, log):
        try:
            yield sound(msgspec.convert(record.values, Logged))
        except BadRecord as e:
            log.bad.append(Bad(record.line, str(e)))
        except (msgspec.ValidationError, RecursionError) as e:
            place = str(e).partition(" - at `$")[2].rstrip("`").lstrip(".")
            log.bad.append(Bad(record.line, f"{place or 'the line'}: not as Stepwell writes it"))


def _litellm(records: Iterable[Record | Bad], log: Log) -> Iterator[Logged]:
    for record in _good(records, log):
        try:
            yield sound(litellm.from_litellm(record.values))
        except BadRecord as e:
            log.bad.append(Bad(record.line, str(e)))


def _langfuse(records: Iterable[Record | Bad], log: Log) -> Iterator[Logged]:
    rows: dict[str, Logged] = {}
    said: dict[str, list[float]] = defaultdict(list)
    for record in _good(records, log):
        if langfuse.is_score(record.values):
            log.n_skipped += 1
            score = langfuse.score_of(record.values)
            if score is not None:
                said[score[0]].append(score[1])
            continue
        try:
            row = langfuse.from_langfuse(record.values)
            row = row and sound(row)
        except BadRecord as e:
            log.bad.append(Bad(record.line, str(e)))
            continue
        if row is None:
            log.n_skipped += 1
        else:
            rows[row.id] = row
    means = {i: {rows[i].tier: sum(of) / len(of)} for i, of in said.items() if i in rows}
    yield from with_scores(rows.values(), means)


def _otel(records: Iterable[Record | Bad], log: Log) -> Iterator[Logged]:
    good = list(_good(records, log))
    apart: dict[str, list[dict[str, object]]] = defaultdict(list)
    for record in good:
        for span_id, event in otel.events_of(record.values):
            apart[span_id].append(event)
    for record in good:
        for span in otel.spans_of(record.values):
            try:
                row = otel.from_otel(span, apart.get(str(span.get("spanId")), ()))
                row = row and sound(row)
            except BadRecord as e:
                log.bad.append(Bad(record.line, str(e)))
                continue
            if row is None:
                log.n_skipped += 1
            else:
                yield row
