"""Erase a person's examples wherever they lie, and mark what was trained on them.

What knows of the lines goes last: first adapters are marked, then copies without names, then datasets, then examples
and logs. So an erasure that was killed anywhere, and is made again, ends as one that was not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stepwell.evals.finetune.data.dataset import (
    CARD,
    HELD_OUT,
    TRAIN,
    Dataset,
    DatasetCard,
    read_card,
    sha256_by,
)
from stepwell.evals.finetune.data.erase_lines import lines_of, take_out
from stepwell.evals.finetune.data.example import FinetuneError, read_examples
from stepwell.evals.finetune.data.found import ERASING, Found, found_under
from stepwell.evals.finetune.data.json_files import is_of_another_tool
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
        edited: Datasets that had been changed by hand; they stay unusable.
        not_looked_into: Logs of other tools, and files with their digests that are not of lines.
    """

    n_lines: int
    n_copies: int
    n_examples: int
    n_datasets: int
    learnt: tuple[str, ...]
    n_newly: int
    edited: tuple[str, ...] = ()
    not_looked_into: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """In plain sentences."""
        return "\n".join((self._said_of_lines, *self._said_of_rest))

    @property
    def _said_of_rest(self) -> Iterator[str]:
        for folder in self.edited:
            yield f"{folder}: changed by hand, so that it can't be learnt from any more: curate again"
        for file in self.not_looked_into:
            yield f"{file}: not erased in: it is no file of lines of ours; delete them there, or import it first"

    @property
    def _said_of_lines(self) -> str:
        of_datasets = f"{self.n_examples:,} examples of {self.n_datasets:,} datasets"
        erased = (
            f"erased: {self.n_lines:,} lines of examples and logs, {of_datasets}, {self.n_copies:,} copies"
        )
        if not self.learnt:
            what = "model trained on them" if self.n_datasets else "dataset with their examples"
            return f"{erased}; no {what} among these paths"
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
    prompt: str = ""
    source: str = "suite"
    at_s: float = 0.0


class _Erasing(msgspec.Struct, frozen=True):
    """An erasure in a dataset that is under way.

    Attributes:
        asks: Names what is erased.
        n_erased: Of the dataset, once it is done.
        is_edited: The examples were not what the card names, before.
    """

    asks: tuple[str, ...] = ()
    n_erased: int = 0
    is_edited: bool = False


_decode = msgspec.json.Decoder(_Line).decode
# examples whose text may have come from somebody's traffic by way of a suite
_COPIED = ("suite", "run")
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
    _learn(whom, found, cards)
    theirs = {folder: sum(map(whom.is_out, _dataset_lines(folder))) for folder in found.datasets}
    left = _not_looked_into(found, whom)
    learnt, n_newly = _mark(found, cards, theirs)
    n_copies = _erase_copies(found, whom)
    edited = [str(folder) for folder in found.datasets if _erase_in_dataset(folder, cards[folder], whom)]
    n_lines = sum(take_out(file, whom.is_theirs, is_log=whom.is_log(file)) for file in found.lines)
    n_datasets = sum(n > 0 for n in theirs.values())
    return Erased(
        n_lines, n_copies, sum(theirs.values()), n_datasets, learnt, n_newly, tuple(edited), tuple(left)
    )


def _learn(whom: _Whom, found: Found, cards: Mapping[Path, DatasetCard]) -> None:
    """What they asked: by lines that name them, and by what earlier erasures noted."""
    for folder, card in cards.items():
        under_way = _under_way(folder)
        whom.asks.update(card.erased_asks, () if under_way is None else under_way.asks)
        for line in _dataset_lines(folder):
            whom.is_theirs(line)
    for file in found.lines:
        for line in lines_of(file):
            whom.is_theirs(line)


def _not_looked_into(found: Found, whom: _Whom) -> list[str]:
    of_others = [f for f in (*found.lines, *found.others) if is_of_another_tool(f)]
    named = [f for f in found.others if any(map(whom.is_named, lines_of(f)))]
    return [str(file) for file in dict.fromkeys((*of_others, *named))]


@dataclass(slots=True, init=False)
class _Whom:
    """Tells a person's lines, and learns by what they say the copies of them that name nobody."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._digests = [d.encode() for d in (*person.tenants, *person.users)]
        self.asks: set[str] = set()

    _person: Person
    _digests: list[bytes]
    asks: set[str]

    def is_named(self, raw: bytes) -> bool:
        """Whether a digest of theirs stands in it."""
        return any(digest in raw for digest in self._digests)

    def is_theirs(self, raw: bytes) -> bool:
        """Whether a line names them; one that does and can't be read counts."""
        if not self.is_named(raw):
            return False
        line = _read(raw)
        if line is None:
            return True
        is_theirs = line.tenant in self._person.tenants or line.user in self._person.users
        if is_theirs:
            self.asks.update(_asks(line))
        return is_theirs

    def is_copy(self, raw: bytes) -> bool:
        """Whether a line that names nobody asks what they did: of an export, a suite, or an example made of one."""
        line = _read(raw) if self.asks else None
        if line is None or line.tenant or line.user:
            return False
        # what traffic says of somebody unnamed is no copy of theirs
        if line.answer is not None and (line.at_s or line.source not in _COPIED):
            return False
        return not self.asks.isdisjoint(_asks(line))

    def is_out(self, raw: bytes) -> bool:
        """Whether a line of a dataset goes."""
        return self.is_theirs(raw) or self.is_copy(raw)

    def is_log(self, file: Path) -> bool:
        """Whether it may be a decision log that a house still writes to."""
        first = next(iter(lines_of(file)), b"")
        return b'"at_s"' in first and b'"source"' not in first


def _asks(line: _Line) -> Iterator[str]:
    """Names what is asked, without system prompts; of an export, whose last message is the answer, without it, too."""
    said = [(m.get("role"), text_of(m)) for m in line.messages if not is_system(m)]
    if line.prompt:
        said = [("user", line.prompt)]
    if said:
        yield _name(said)
    if len(said) > 1 and said[-1][0] == "assistant":
        yield _name(said[:-1])


def _name(said: Sequence[tuple[object, str]]) -> str:
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:32]


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


def _erase_in_dataset(folder: Path, card: DatasetCard, whom: _Whom) -> bool:
    """Rewrite the parts, then the card; a file beside them says meanwhile that they may not fit together.

    Returns:
        Whether it had been changed by hand: its card names no content that is there, then.
    """
    erasing = folder / ERASING
    before, out = _under_way(folder), [raw for raw in _dataset_lines(folder) if whom.is_out(raw)]
    if before is None and not out:
        return False
    now = before or _Erasing((), card.n_erased + len(out), not _is_whole(folder))
    asks = {ask for raw in out if (line := _read(raw)) for ask in _asks(line)}
    now = msgspec.structs.replace(now, asks=tuple(sorted(asks.union(now.asks))))
    if now != before:
        write_whole(erasing, msgspec.json.encode(now) + b"\n")
    for part in (TRAIN, HELD_OUT):
        take_out(folder / part, whom.is_out)
    made = _card_after(folder, card, now)
    if made != card:
        write_whole(folder / CARD, msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
    erasing.unlink()
    return now.is_edited


def _under_way(folder: Path) -> _Erasing | None:
    try:
        return msgspec.json.decode((folder / ERASING).read_bytes(), type=_Erasing)
    except FileNotFoundError:
        return None
    except (OSError, *_BROKEN):
        return _Erasing()


def _is_whole(folder: Path) -> bool:
    try:
        Dataset.load(folder)
    except FinetuneError:
        return False
    return True


def _card_after(folder: Path, card: DatasetCard, now: _Erasing) -> DatasetCard:
    asks = tuple(sorted({*card.erased_asks, *now.asks}))
    if now.is_edited:  # it keeps the name of what it was: nobody can load it under that
        return msgspec.structs.replace(card, n_erased=now.n_erased, erased_asks=asks)
    train, held_out = (tuple(read_examples([folder / part])) for part in (TRAIN, HELD_OUT))
    made, both = sha256_by(card, train, held_out), (*train, *held_out)
    if made == card.sha256:
        return msgspec.structs.replace(card, erased_asks=asks)
    tiers = {t: sum(e.tier == t for e in both) for t in card.tiers}
    return msgspec.structs.replace(
        card,
        sha256=made,
        n_train=len(train),
        n_held_out=len(held_out),
        tiers={t: k for t, k in tiers.items() if k},
        earlier=(*card.earlier, card.sha256),
        n_erased=card.n_erased + card.n_train + card.n_held_out - len(both),
        erased_asks=asks,
    )
