"""Suites in the formats of others: each file here turns one of them into rows of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from stepwell.evals.readers import files
from stepwell.evals.readers.fields import Foreign
from stepwell.evals.readers.formats import FORMATS, OWN, format_of
from stepwell.evals.suite import SuiteError

MAPPED = "mapped"
Numbered = tuple[int, dict[str, object]]


def read_lines(
    path: Path, *, format: str | None = None, fields: Mapping[str, str] | None = None
) -> Iterator[Numbered] | None:
    """Rows of a file or folder as lines of a suite, each with the line (or place, from 1) where it stands.

    Args:
        format: One of FORMATS, "stepwell" or "mapped"; None: what the first row looks like.
        fields: Our fields -> theirs, for rows of any shape.

    Returns:
        None where it is JSON lines in our own format, or can't be read: `Suite.parse` takes it as it is.

    Raises:
        SuiteError: The format is not known; while reading, a row is wrong. Names line and field, shows no text.
    """
    _check(format, fields)
    if not path.exists():
        return None
    is_json_lines = path.is_file() and _is_json_lines(path)
    if is_json_lines and fields is None and (format == OWN or (format is None and _is_own(path))):
        return None
    return _lines(path, MAPPED if fields is not None else format, fields)


def _check(format: str | None, fields: Mapping[str, str] | None) -> None:
    if format is not None and format not in (*FORMATS, OWN, MAPPED):
        raise SuiteError(f"no format of this name; there are {', '.join((*FORMATS, OWN, MAPPED))}")
    if fields is not None:
        from stepwell.evals.readers.mapped import check_fields

        check_fields(fields)
    if (format == MAPPED and fields is None) or (format not in (None, MAPPED) and fields is not None):
        raise SuiteError("the format mapped and fields belong together")


def _is_json_lines(path: Path) -> bool:
    return files.ending_of(path) not in (".json", ".csv", ".tsv", ".yaml", ".yml", ".arrow", ".parquet")


def _is_own(path: Path) -> bool:
    """Whether the first row is ours, or none at all: our own reader says best what is wrong with it."""
    try:
        _, row = next(files.rows_of(path))
    except (SuiteError, StopIteration):
        return True
    return format_of(row) == OWN


def _lines(path: Path, format: str | None, fields: Mapping[str, str] | None) -> Iterator[Numbered]:
    rows = _Rows(_tasked(_rows(path, fields), path))
    try:
        name = format or rows.format()
        if name == MAPPED and fields is not None:
            from stepwell.evals.readers.mapped import lines

            made = lines(rows, fields)
        else:
            made = FORMATS[name].lines(rows) if name in FORMATS else (dict(row) for row in rows)
        for line in made:
            yield rows.line, line
    except SuiteError as e:
        if e.line is not None or not rows.line:
            raise
        raise SuiteError(str(e), line=rows.line, field=e.field) from None


class _Rows:
    """Rows one after the other; remembers where the last one stood."""

    def __init__(self, numbered: Iterator[Numbered]) -> None:
        self._numbered = numbered
        self._first: Numbered | None = None
        self.line = 0

    def format(self) -> str:
        """What the first row looks like; it comes again when the rows are read."""
        self._first = next(self._numbered, None)
        if self._first is None:
            return OWN
        found = format_of(self._first[1])
        if found is None:
            known = ", ".join(FORMATS)
            raise SuiteError(
                f"no known format; name one ({known}) or map its fields: prompt=THEIRS,target=THEIRS"
            )
        return found

    def __iter__(self) -> Iterator[Foreign]:
        if self._first is not None:
            self.line, row = self._first
            self._first = None
            yield row
        for line, row in self._numbered:
            self.line = line
            yield row


def _rows(path: Path, fields: Mapping[str, str] | None) -> Iterator[Numbered]:
    ending = files.ending_of(path)
    if ending in (".arrow", ".parquet") or path.is_dir():
        from stepwell.evals.readers import hf
        from stepwell.evals.readers.mapped import columns

        if path.is_file() or hf.is_dataset(path):
            return hf.rows_of(path, None if fields is None else columns(fields))
        return _rows_in(path)
    if ending in (".yaml", ".yml"):
        from stepwell.evals.readers import yaml_suite

        return yaml_suite.rows_of(path)
    return files.rows_of(path)


def _tasked(rows: Iterator[Numbered], path: Path) -> Iterator[Numbered]:
    """BBH's rows come without their task where a file or folder is named after it."""
    task: str | None = None
    for place, (n, row) in enumerate(rows):
        if place == 0 and {"input", "target"} <= set(row) and "task" not in row:
            from stepwell.evals.scoring.bbh_tasks import TASKS

            task = next(
                (name for name in (files.stem_of(path), path.name, path.parent.name) if name in TASKS), None
            )
        yield n, row if task is None else {"task": task} | row


def _rows_in(folder: Path) -> Iterator[Numbered]:
    """Rows of all files of a folder, of the first of these endings that it has."""
    for ending in (".json", ".jsonl", ".csv", ".tsv"):
        found = sorted(f for f in folder.iterdir() if f.is_file() and files.ending_of(f) == ending)
        for file in found:
            try:
                yield from files.rows_of(file)
            except SuiteError as e:
                raise SuiteError(f"{file.name}: {e}", field=e.field) from None
        if found:
            return
    raise SuiteError(f"{folder} holds no file that can be read: .jsonl, .json, .csv, .tsv, .arrow, .parquet")
