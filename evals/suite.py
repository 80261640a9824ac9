"""A suite: rows to ask, each with its target and the scorer that judges it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from stepwell.base.errors import StepwellError
from stepwell.base.messages import Message
from stepwell.evals.scorers import SCORERS
from stepwell.evals.shelf import shelved

OWN_PARAMS = frozenset(
    {"messages", "model", "tier", "cache", "stream", "max_usd", "tenant", "user", "timeout_s"}
)
canonical_json = msgspec.json.Encoder(order="sorted").encode


class SuiteError(StepwellError):
    """A suite can't be read.

    Attributes:
        line: Line in the file, from 1; None where the whole file is at fault.
        field: The row's field at fault, or None.
    """

    code = "suite_error"

    def __init__(self, message: str, *, line: int | None = None, field: str | None = None) -> None:
        super().__init__(f"line {line}: {message}" if line is not None else message)
        self.line = line
        self.field = field


class Row(msgspec.Struct, frozen=True):
    """One thing to ask.

    Attributes:
        messages_json: What is sent, as JSON; a prompt is one user message. Bytes, since suites can be long.
        targets: Right answers; any of them counts.
        params: Request fields sent along (temperature, max_tokens).
        turns: Further user turns, each asked after the answer to the one before.
        options_json: The scorer's options as canonical JSON: b"{}" where it has none.
        cluster: What rows from one source share, for statistics that must know.
    """

    id: str
    messages_json: bytes
    targets: tuple[str, ...]
    scorer: str
    tags: tuple[str, ...]
    params: Mapping[str, object]
    turns: tuple[str, ...] = ()
    options_json: bytes = b"{}"
    cluster: str | None = None

    @property
    def ask_sha256(self) -> bytes:
        """Names what is asked: messages, params and turns."""
        # made anew each time (1 us): kept in every row, the two digests would be a sixth of a suite's memory
        asked = self.messages_json + canonical_json(self.params)
        return _sha(asked + canonical_json(self.turns) if self.turns else asked)

    @property
    def sha256(self) -> bytes:
        """Names all that decides the score: id, ask, targets, scorer and its options."""
        options = [] if self.options_json == _NO_OPTIONS else [self.options_json.decode()]
        return _sha(self.ask_sha256 + canonical_json([self.id, self.targets, self.scorer, *options]))

    @property
    def options(self) -> dict[str, Any]:
        return _decode_options(self.options_json)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return _decode_messages(self.messages_json)

    @property
    def prompt(self) -> str | None:
        """The text, where the row is a single user message of plain text; else None."""
        only, *others = self.messages
        text = only.get("content")
        is_plain = not others and set(only) == {"role", "content"} and only["role"] == "user"
        return text if is_plain and isinstance(text, str) else None


@dataclass(frozen=True, slots=True)
class Suite:
    """Rows in file order. `sha256` names their content, however the file was packed.

    Rows that are many lie on disk and are read anew by each pass over them.
    """

    name: str
    rows: Sequence[Row]
    sha256: str

    def lines(self) -> Iterator[bytes]:
        """The rows as the lines of a file that reads as this suite."""
        return (canonical_json(_plain(row)) + b"\n" for row in self.rows)

    def take(self, n_rows: int, *, seed: int = 0) -> Suite:
        """So many of its rows, drawn once and for all by their names; in their order.

        Raises:
            SuiteError: None is asked for.
        """
        if n_rows < 1:
            raise SuiteError("take at least one row")
        ids = sorted((row.id for row in self.rows), key=lambda id_: drawn_at(id_, seed))
        drawn = frozenset(ids[:n_rows])
        return Suite.of(self.name, (row for row in self.rows if row.id in drawn))

    @classmethod
    def of(cls, name: str, rows: Iterable[Row]) -> Suite:
        """The suite of these rows."""
        content = hashlib.sha256()
        return cls(name, shelved(_hashed(rows, content), _packed, Row), content.hexdigest())

    @classmethod
    def load(
        cls, path: str | Path, *, format: str | None = None, fields: Mapping[str, str] | None = None
    ) -> Suite:
        """Read a suite: our own JSON lines (.gz too) or YAML, a format of evals.readers, or a shipped one by name.

        Args:
            format: Default: told by the fields of the first rows.
            fields: Our field -> theirs, for data sets that no reader knows.

        Raises:
            SuiteError: The file can't be read, or a row is wrong; names line and field, shows no text.
        """
        from stepwell.evals.readers import files, read_lines

        file = Path(path)
        if not file.suffix and not file.exists():
            file = _shipped(file) or file
        rows = read_lines(file, format=format, fields=fields)
        if rows is not None:
            return cls.of_lines(rows, name=name_of(file))
        with files.opened(file) as text:
            return cls.parse(text, name=name_of(file))

    @classmethod
    def parse(cls, lines: Iterable[str], *, name: str) -> Suite:
        """Read rows from JSON lines; blank lines are skipped.

        Raises:
            SuiteError: As `load`.
        """
        found = ((n, line) for n, line in enumerate(lines, start=1) if line.strip())
        return cls._made(((_row(_decoded(line, n), n), n) for n, line in found), name)

    @classmethod
    def of_lines(cls, lines: Iterable[tuple[int, Mapping[str, object]]], *, name: str) -> Suite:
        """The suite of rows that a reader made, each with its line in the file.

        Raises:
            SuiteError: As `load`.
        """
        return cls._made(((_row(_converted(line, n), n), n) for n, line in lines), name)

    @classmethod
    def _made(cls, rows: Iterable[tuple[Row, int]], name: str) -> Suite:
        suite = cls.of(name, _each_once(rows))
        if not suite.rows:
            raise SuiteError(f"suite {name} has no rows")
        return suite


def _each_once(rows: Iterable[tuple[Row, int]]) -> Iterator[Row]:
    ids = set[str]()
    for row, n in rows:
        if row.id in ids:
            raise SuiteError("this id, or this row without one, was there before", line=n, field="id")
        ids.add(row.id)
        yield row


def _hashed(rows: Iterable[Row], content: hashlib._Hash) -> Iterator[Row]:
    for row in rows:
        content.update(row.sha256)
        yield row


def _packed(row: Row) -> tuple[Any, ...]:
    params = row.params if isinstance(row.params, dict) else dict(row.params)
    more = (params, row.turns, row.options_json, row.cluster)
    return (row.id, row.messages_json, row.targets, row.scorer, row.tags, *more)


def name_of(file: Path) -> str:
    """What a suite is called after its file."""
    name = file.name.removesuffix(".gz")
    return name.removesuffix(file.with_name(name).suffix) or name


def _shipped(name: Path) -> Path | None:
    folder = resources.files("stepwell.evals") / "suites"
    files = (Path(str(folder / f"{name}{suffix}")) for suffix in (".jsonl", ".jsonl.gz"))
    return next((file for file in files if file.is_file()), None)


def drawn_at(row_id: str, seed: int) -> bytes:
    """Where a row stands in the shuffled order of a seed: the same on every machine, whatever other rows there are."""
    return _sha(f"{seed}\0{row_id}".encode())


def _plain(row: Row) -> dict[str, object]:
    line: dict[str, object] = {
        "id": row.id,
        "messages": row.messages,
        "scorer": {"name": row.scorer, **row.options} if row.options_json != _NO_OPTIONS else row.scorer,
        "target": list(row.targets) if len(row.targets) > 1 else row.targets[0],
    }
    more = {"tags": row.tags, "params": dict(row.params), "turns": row.turns, "cluster": row.cluster}
    return line | {name: value for name, value in more.items() if value}


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    id: str | int | None = None
    prompt: str | None = None
    messages: list[dict[str, Any]] | None = None
    target: Any = msgspec.UNSET
    scorer: str | dict[str, Any] = "normalised"
    turns: list[str] = msgspec.field(default_factory=list)
    cluster: str | None = None
    tags: list[str] = msgspec.field(default_factory=list)
    params: dict[str, Any] = msgspec.field(default_factory=dict)


_decode = msgspec.json.Decoder(_Line).decode
_decode_messages = msgspec.json.Decoder(list[dict[str, Any]]).decode
_decode_options = msgspec.json.Decoder(dict[str, Any]).decode
_NO_PARAMS: dict[str, object] = {}
_NO_OPTIONS = b"{}"


def _decoded(line: str, n: int) -> _Line:
    try:
        return _decode(line)
    except msgspec.ValidationError as e:
        raise _wrong(e, n) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SuiteError("not valid JSON", line=n) from None


def _converted(line: Mapping[str, object], n: int) -> _Line:
    try:
        return msgspec.convert(line, _Line)
    except msgspec.ValidationError as e:
        raise _wrong(e, n) from None


def _wrong(error: msgspec.ValidationError, n: int) -> SuiteError:
    what, _, path = str(error).partition(" - at `$")
    return SuiteError(what, line=n, field=path.rstrip("`").lstrip(".") or None)


def _row(raw: _Line, n: int) -> Row:
    if raw.messages is not None:
        try:
            msgspec.convert({"messages": raw.messages}, _Messages)
        except msgspec.ValidationError as e:
            raise _wrong(e, n) from None
    name, options = _scoring(raw, n)
    _check(raw, n)
    messages = canonical_json(raw.messages or [{"role": "user", "content": raw.prompt}])
    return Row(
        # the same on every machine, and wherever the row stands
        sha256_of(messages + canonical_json(raw.turns))[:12] if raw.id is None else str(raw.id),
        messages,
        _targets(raw, name, n),
        name,
        tuple(raw.tags),
        raw.params or _NO_PARAMS,
        tuple(raw.turns),
        options,
        raw.cluster,
    )


def _scoring(raw: _Line, n: int) -> tuple[str, bytes]:
    """The scorer's name and its options."""
    given = raw.scorer
    options = {} if isinstance(given, str) else {k: v for k, v in given.items() if k != "name"}
    name = given if isinstance(given, str) else given.get("name")
    scorer = SCORERS.get(name) if isinstance(name, str) else None
    if scorer is None:
        raise SuiteError(f"unknown scorer; there are {', '.join(SCORERS)}", line=n, field="scorer")
    problem = scorer.options_fault(options)
    if problem is not None:
        raise SuiteError(problem, line=n, field="scorer")
    return scorer.name, canonical_json(options) if options else _NO_OPTIONS


class _Messages(msgspec.Struct):
    messages: list[Message]


def _check(raw: _Line, n: int) -> None:
    if (raw.prompt is None) == (not raw.messages):
        raise SuiteError("give exactly one of prompt, messages", line=n, field="prompt")
    taken = OWN_PARAMS & set(raw.params)
    if taken:
        raise SuiteError(f"params can't set {', '.join(sorted(taken))}", line=n, field="params")


def _targets(raw: _Line, name: str, n: int) -> tuple[str, ...]:
    scorer = SCORERS[name]
    if raw.target is msgspec.UNSET and not scorer.is_target_optional:
        raise SuiteError("target is missing", line=n, field="target")
    many = raw.target if isinstance(raw.target, list) and not scorer.takes_json else [raw.target]
    targets = tuple("" if t is msgspec.UNSET else _text(t) for t in many)
    problem = next((p for t in targets if (p := scorer.fault(t)) is not None), None)
    if problem is not None or not targets:
        raise SuiteError(problem or "target is an empty list", line=n, field="target")
    return targets


def _text(target: object) -> str:
    return target if isinstance(target, str) else canonical_json(target).decode()


def sha256_of(data: bytes) -> str:
    """Names bytes: 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
