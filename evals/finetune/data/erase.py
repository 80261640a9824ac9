"""Erase a person's examples wherever they lie, and mark what was trained on them.

What knows of the lines goes last: first adapters are marked, then copies without names, then datasets, then examples
and logs. So an erasure that was killed anywhere, and is made again, ends as one that was not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stepwell.evals.finetune.data.dataset import (
    CARD,
    HELD_OUT,
    TRAIN,
    DatasetCard,
    content_sha256,
    read_card,
)
from stepwell.evals.finetune.data.erase_lines import lines_of, take_out
from stepwell.evals.finetune.data.example import read_examples
from stepwell.evals.finetune.data.found import ERASING, Found, found_under
from stepwell.evals.finetune.data.person import Person
from stepwell.evals.finetune.data.said import is_system, text_of
from stepwell.evals.finetune.data.tainted import mark
from stepwell.evals.finetune.data.whole import write_whole
from stepwell.router.tiers.adapters import adapters_folder


class Erased(msgspec.Struct, frozen=True):
    """What went.

    Attributes:
        n_lines: Of examples and logs, outside of datasets; `n_copies` of exports and of eval runs, which name nobody.
        n_examples: Of `n_datasets` datasets.
        learnt: Folders of trainings and bundles that are marked, now or by an earlier erasure of these datasets;
            `n_newly` of them now.
    """

    n_lines: int
    n_copies: int
    n_examples: int
    n_datasets: int
    learnt: tuple[str, ...]
    n_newly: int

    @property
    def said(self) -> str:
        """In a plain sentence."""
        of_datasets = f"{self.n_examples:,} examples of {self.n_datasets:,} datasets"
        erased = (
            f"erased: {self.n_lines:,} lines of examples and logs, {of_datasets}, {self.n_copies:,} copies"
        )
        if not self.learnt:
            return f"{erased}; nothing was trained on them"
        marked = f"{len(self.learnt):,} trained models are marked, {self.n_newly:,} of them now"
        return f"{erased}; {marked}: train again on what is left, and promote that"


class _Line(msgspec.Struct):
    """What lines of examples, logs, exports and runs may have."""

    tenant: str = ""
    user: str = ""
    messages: tuple[dict[str, object], ...] = ()
    answer: str | None = None
    id: str = ""
    row: str = ""
    target: object = None


_decode = msgspec.json.Decoder(_Line).decode
_REPORTS = ("report.html", "report.md", "report.json", "outcomes.jsonl")
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def erase_person(*, tenant: str | None, user: str | None, folders: Sequence[Path]) -> Erased:
    """Erase a tenant's lines, or those of one user of theirs; a user without a tenant is of those who named none.

    Args:
        folders: Where to look, files too; promoted models are looked at anyway.

    Raises:
        FinetuneError: Nobody is named, or a file can't be read or written; made again, it goes on.
    """
    whom = _Whom(Person.of(tenant, user))
    found = found_under([*folders, adapters_folder()])
    cards = {folder: read_card(folder) for folder in found.datasets}
    theirs = {folder: sum(map(whom.is_theirs, _dataset_lines(folder))) for folder in found.datasets}
    for file in found.lines:
        for line in lines_of(file):
            whom.is_theirs(line)
    learnt, n_newly = _mark(found, cards, theirs)
    n_copies = _erase_copies(found, whom)
    for folder in found.datasets:
        _erase_in_dataset(folder, cards[folder], whom)
    n_lines = sum(take_out(file, whom.is_theirs, is_log=whom.is_log(file)) for file in found.lines)
    n_datasets = sum(n > 0 for n in theirs.values())
    return Erased(n_lines, n_copies, sum(theirs.values()), n_datasets, learnt, n_newly)


@dataclass(slots=True, init=False)
class _Whom:
    """Tells a person's lines, and learns by what they say the copies of them that name nobody."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._digests = [d.encode() for d in (*person.tenants, *person.users)]
        self._said: set[bytes] = set()

    _person: Person
    _digests: list[bytes]
    _said: set[bytes]

    def is_theirs(self, raw: bytes) -> bool:
        """Whether a line names them; one that does and can't be read counts."""
        if not any(digest in raw for digest in self._digests):
            return False
        try:
            line = _decode(raw)
        except _BROKEN:
            return True
        is_theirs = line.tenant in self._person.tenants or line.user in self._person.users
        if is_theirs and line.answer is not None:
            self._said.add(_name(line.messages, line.answer))
        return is_theirs

    def is_copy(self, raw: bytes) -> bool:
        """Whether a line of an export, or a row of a suite, says what one of their examples does."""
        line = _read(raw) if self._said else None
        if line is None or not line.messages or line.answer is not None:
            return False
        if isinstance(line.target, str):
            return _name(line.messages, line.target) in self._said
        *asked, last = line.messages
        return last.get("role") == "assistant" and _name(asked, text_of(last)) in self._said

    def is_log(self, file: Path) -> bool:
        """Whether it may be a decision log that a house still writes to."""
        first = next(iter(lines_of(file)), b"")
        return b'"at_s"' in first and b'"source"' not in first


def _name(messages: Iterable[Mapping[str, object]], answer: str) -> bytes:
    said = [(m.get("role"), text_of(m)) for m in messages if not is_system(m)]
    return hashlib.sha256(msgspec.json.encode([said, answer.strip()])).digest()


def _read(raw: bytes) -> _Line | None:
    try:
        return _decode(raw)
    except _BROKEN:
        return None


def _dataset_lines(folder: Path) -> Iterable[bytes]:
    return (line for part in (TRAIN, HELD_OUT) for line in lines_of(folder / part))


def _mark(
    found: Found, cards: Mapping[Path, DatasetCard], theirs: Mapping[Path, int]
) -> tuple[tuple[str, ...], int]:
    """Mark what learnt from datasets that lose examples now, or have lost some before."""
    marked: dict[str, bool] = {}
    for at, card in cards.items():
        for folder, learnt_from in found.learnt:
            is_now = theirs[at] > 0 and learnt_from in (card.sha256, *card.earlier)
            if is_now or learnt_from in card.earlier:
                of, n = (card.sha256, theirs[at]) if is_now else (learnt_from, card.n_erased)
                marked[str(folder)] = mark(folder, of, n) or marked.get(str(folder), False)
    return tuple(sorted(marked)), sum(marked.values())


def _erase_copies(found: Found, whom: _Whom) -> int:
    """Out of exports for hosted trainers, and out of eval runs."""
    n = sum(take_out(file, whom.is_copy) for file in found.lines)
    for run in found.runs:
        suite, journal = run / "suite.jsonl.gz", run / "journal.jsonl"
        rows = {line.id for raw in lines_of(suite) if whom.is_copy(raw) and (line := _read(raw))}
        if rows:
            n += take_out(journal, lambda raw, rows=rows: _row_of(raw) in rows)  # type: ignore[misc]
            n += take_out(suite, whom.is_copy)
            for made in _REPORTS:  # they show answers, and are made of journal and suite
                (run / made).unlink(missing_ok=True)
    return n


def _row_of(raw: bytes) -> str:
    line = _read(raw)
    return "" if line is None else line.row


def _erase_in_dataset(folder: Path, card: DatasetCard, whom: _Whom) -> None:
    """Rewrite the parts, then the card; a file beside them says meanwhile that they may not fit together."""
    erasing = folder / ERASING
    if not erasing.exists():
        if not any(map(whom.is_theirs, _dataset_lines(folder))):
            return
        write_whole(erasing, b"{}\n")
    for part in (TRAIN, HELD_OUT):
        take_out(folder / part, whom.is_theirs)
    train, held_out = (tuple(read_examples([folder / part])) for part in (TRAIN, HELD_OUT))
    made, n = content_sha256(train, held_out), len(train) + len(held_out)
    if made != card.sha256:
        tiers = {t: sum(e.tier == t for e in (*train, *held_out)) for t in card.tiers}
        card = msgspec.structs.replace(
            card,
            sha256=made,
            n_train=len(train),
            n_held_out=len(held_out),
            tiers={t: k for t, k in tiers.items() if k},
            earlier=(*card.earlier, card.sha256),
            n_erased=card.n_erased + card.n_train + card.n_held_out - n,
        )
        write_whole(folder / CARD, msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    erasing.unlink()
