"""What a journal holds: how each sample ended, and how to read it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from stepwell.base.errors import StepwellError


class JournalError(StepwellError):
    """A journal can't be read or written."""

    code = "journal_error"


class Header(msgspec.Struct, frozen=True, tag_field="t", tag="run", omit_defaults=True):
    """What was planned. Written when a run starts; where there are several, the last one counts."""

    suite: str
    suite_sha256: str
    n_planned: int
    tiers: tuple[str, ...] = ()
    seed: int | None = None


class Outcome(msgspec.Struct, frozen=True, tag_field="t", tag="s", omit_defaults=True):
    """How one sample ended: with a score, or with an error and no score.

    Attributes:
        key: sha256 of row, rendered messages, tier, scorer, seed and repeat.
        ask: sha256 of what was asked alone, 32 hex digits; two keys with one ask can share an answer.
        tier: Asked for; "auto" let the router choose.
        served: Tier that answered, where it is another one.
        nano_usd: Cost in 1e-9 dollars, so that sums are exact in any order.
        error: Code of the error (base.errors), or None.
    """

    key: str
    ask: str
    row: str
    tier: str
    repeat: int = 0
    score: float | None = None
    error: str | None = None
    served: str | None = None
    nano_usd: int = 0
    in_tokens: int = 0
    out_tokens: int = 0
    ms: float = 0.0
    tries: int = 1
    is_degraded: bool = False
    is_cost_estimated: bool = False


class Entry(Outcome, frozen=True, tag="s", omit_defaults=True):
    """An outcome with the answer as it came."""

    answer: str | None = None


_decode_outcome = msgspec.json.Decoder(Header | Outcome).decode
_decode_entry = msgspec.json.Decoder(Header | Entry).decode


def read(path: str | Path) -> tuple[Header | None, dict[str, Outcome]]:
    """Read a journal without its answers: the last header, and the last outcome of each key.

    Raises:
        JournalError: It can't be read, or a line other than a torn last one is damaged.
    """
    header: Header | None = None
    outcomes: dict[str, Outcome] = {}
    for line, n in _lines(path):
        try:
            item = _decode_outcome(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise JournalError(f"{path}, line {n}: damaged; delete that line to go on without it") from None
        if isinstance(item, Header):
            header = item
        else:
            earlier = outcomes.get(item.key)
            outcomes[item.key] = item if earlier is None else _after(earlier, item)
    return header, outcomes


def _after(earlier: Outcome, now: Outcome) -> Outcome:
    """A sample that was asked again still has cost what its first end did."""
    return msgspec.structs.replace(now, nano_usd=now.nano_usd + earlier.nano_usd)


def read_entries(path: str | Path) -> Iterator[Entry]:
    """Every line with its answer, in the order of arrival; damaged lines are left out."""
    for line, _ in _lines(path):
        try:
            item = _decode_entry(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if isinstance(item, Entry):
            yield item


def _lines(path: str | Path) -> Iterator[tuple[bytes, int]]:
    try:
        with open(path, "rb") as file:
            for n, line in enumerate(file, start=1):
                if line.endswith(b"\n") and line.strip():
                    yield line, n
    except OSError as e:
        raise JournalError(f"{path}: {e.strerror}") from e
