"""What a journal holds: how each sample ended, and how to read it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from stepwell.base.errors import StepwellError
from stepwell.evals.line_faults import (
    BROKEN,
    Count,
    Digest,
    Key,
    Looks,
    Ms,
    NanoUsd,
    Repeats,
    Share,
    check_text,
    told,
)

# the answer is there, and its score is not, yet
UNSCORED = "unscored"
JUDGE_ERROR = "judge_"


def is_unscored(error: str) -> bool:
    """Whether it is only the score that an outcome lacks."""
    return error == UNSCORED or error.startswith(JUDGE_ERROR)


class JournalError(StepwellError):
    """A journal can't be read or written."""

    code = "journal_error"


class ArmLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """An arm as the journal names it: whom it asks, and what it changes about a prompt.

    Attributes:
        digest: Of its name and all that decides its answers, the models behind it too.
        is_plain: A tier or a model with the prompt and the parameters as the rows have them.
    """

    name: str
    tier: str | None = None
    model: str | None = None
    policy: str | None = None
    prompt_sha256: str | None = None
    digest: Digest = ""
    is_plain: bool = False


class Header(msgspec.Struct, frozen=True, tag_field="t", tag="run", omit_defaults=True):
    """What was planned. Written when a run starts; where there are several, the last one counts.

    Attributes:
        tiers: Names of the arms, in the order in which the report shows them.
        baseline: The arm that the others are judged against; None: each against each.
        margin: A difference within +-margin is a tie.
        n_looks: How often a sequential run looks; 0: once, at the end.
        n_rows: Rows of the suite.
        judge: The tier that grades.
        n_repeats: Times that each row is asked.
        judges: Judge (or "similarity") -> what else decides its grades: the models behind it, votes, the embedder.
    """

    suite: str
    suite_sha256: str
    n_planned: Count
    tiers: tuple[str, ...] = ()
    seed: int | None = None
    arms: tuple[ArmLine, ...] = ()
    baseline: str | None = None
    margin: Share | None = None
    n_looks: Looks = 0
    n_rows: Count = 0
    judge: str | None = None
    n_repeats: Repeats = 1
    judges: dict[str, str] = {}


class Outcome(msgspec.Struct, frozen=True, tag_field="t", tag="s", omit_defaults=True):
    """How one sample ended: with a score, or with an error and no score.

    Attributes:
        key: sha256 of row, rendered messages, tier, scorer, seed and repeat.
        ask: sha256 of what was asked alone, 32 hex digits; two keys with one ask can share an answer.
        tier: The arm: a tier's name, "auto", or what a file of arms calls it.
        served: Tier that answered, where it is another one.
        nano_usd: What the tier cost in 1e-9 dollars, rounded up as the ledger does, so that sums are exact in any
            order; `lost_nano_usd` of it went to failed tries and dropped answers.
        judge_nano_usd: What the judge cost, apart.
        ttft_ms: Time to the first token, where the answer was streamed.
        is_copy: The answer to an earlier sample under another key, with what it cost: it wasn't paid again.
        parts: The scorer's further figures, 0..1 each.
        why: The scorer's reason in a word or two.
        error: Code of the error (base.errors), or None.
    """

    key: Key
    ask: Key
    row: str
    tier: str
    repeat: Repeats = 0
    score: Share | None = None
    error: str | None = None
    served: str | None = None
    nano_usd: NanoUsd = 0
    lost_nano_usd: NanoUsd = 0
    judge_nano_usd: NanoUsd = 0
    in_tokens: Count = 0
    out_tokens: Count = 0
    ms: Ms = 0.0
    tries: Count = 1
    is_degraded: bool = False
    is_cost_estimated: bool = False
    ttft_ms: Ms | None = None
    is_copy: bool = False
    parts: dict[str, Share] = {}
    why: str = ""

    @property
    def has_answer(self) -> bool:
        """Whether the arm answered, be it that nobody could score it yet."""
        return self.score is not None or is_unscored(self.error or "")


class Entry(Outcome, frozen=True, tag="s", omit_defaults=True):
    """An outcome with the answer as it came; `earlier` are the answers to the turns before the last."""

    answer: str | None = None
    earlier: tuple[str, ...] = ()


class Planted(msgspec.Struct, frozen=True, tag_field="t", tag="c", omit_defaults=True):
    """One planted answer that the judge was shown, to measure the judge.

    Attributes:
        key: sha256 of judge, rubric, case and style.
        judge: The tier.
        form: How it was asked, in words: figures hold for one form only.
        style: "right", "specific" (wrong, and definite) or "vague" (wrong, and on topic).
        is_accepted: None where the judge could not be asked.
    """

    key: Key
    case: str
    style: str
    is_accepted: bool | None = None
    nano_usd: NanoUsd = 0
    error: str | None = None
    judge: str = ""
    form: str = ""


class Compared(msgspec.Struct, frozen=True, tag_field="t", tag="p", omit_defaults=True):
    """One pair of answers that the judge compared, in both orders.

    Attributes:
        key: sha256 of judge, rubric, and both samples' keys.
        score: Of `a`: 1 win, 0.5 tie or a verdict that turned with the order, 0 loss; None where the judge failed.
        is_consistent: Both orders gave the same verdict.
        favours: The place ("first", "second") that won in both orders; None where the verdict is about the answers.
        longer: The arm whose answer is longer, or None.
        judge: The tier.
        form: How it is asked, in words, as of Planted.
    """

    key: Key
    row: str
    a: str
    b: str
    repeat: Repeats = 0
    score: Share | None = None
    is_consistent: bool = True
    nano_usd: NanoUsd = 0
    error: str | None = None
    favours: str | None = None
    longer: str | None = None
    judge: str = ""
    form: str = ""


Line = Header | Entry | Planted | Compared
_Item = TypeVar("_Item", bound=msgspec.Struct)


_decode_outcome = msgspec.json.Decoder(Header | Outcome | Planted | Compared).decode
_HEADER = b'"run"'  # within a text its quotes are escaped
_decode_entry = msgspec.json.Decoder(Line).decode


def decode_outcome(line: bytes) -> Header | Outcome | Planted | Compared:
    """A line without its answer.

    Raises:
        line_faults.BROKEN: It is damaged.
    """
    check_text(line)
    item: Header | Outcome | Planted | Compared = _decode_outcome(line)
    return _sound(item)


def decode_entry(line: bytes, where: str) -> Line:
    """A line with its answer.

    Raises:
        JournalError: It is damaged.
    """
    try:
        item: Line = _decode_entry(line)
        return _sound(item)
    except BROKEN as e:
        raise damaged(where, e) from None


def _sound(item: _Item) -> _Item:
    """No sample has a score and an error, too."""
    if isinstance(item, Outcome) and item.score is not None and item.error:
        raise msgspec.ValidationError("both are there - at `$.score, error`")
    return item


def damaged(where: str, error: BaseException) -> JournalError:
    """What to say of a line that BROKEN was raised of."""
    return JournalError(f"{where}: damaged{told(error)}; delete that line to go on without it")


def read(path: str | Path) -> tuple[Header | None, dict[str, Outcome]]:
    """Read a journal's samples without their answers: the last header, and the last outcome of each key.

    Takes memory: `held.read_held` holds a long journal.

    Raises:
        JournalError: It can't be read, or a line other than a torn last one is damaged.
    """
    header: Header | None = None
    outcomes: dict[str, Outcome] = {}
    for item, _ in read_lines(path):
        if isinstance(item, Header):
            header = item
        elif isinstance(item, Outcome):
            _hold(outcomes, item)
    return header, outcomes


def read_header(path: str | Path) -> Header | None:
    """The last header, however it is spaced; most other lines are passed over unread.

    Raises:
        JournalError: The journal can't be read, or a header is damaged.
    """
    header = None
    for line, n, _ in _lines(path):
        if _HEADER in line:
            try:
                item = decode_outcome(line)
            except BROKEN as e:
                raise damaged(f"{path}, line {n}", e) from None
            header = item if isinstance(item, Header) else header
    return header


def read_lines(path: str | Path) -> Iterator[tuple[Header | Outcome | Planted | Compared, int]]:
    """Every line without its answer, and its first byte.

    Raises:
        JournalError: As `read_spans`.
    """
    return ((item, start) for item, start, _ in read_spans(path))


def read_spans(path: str | Path) -> Iterator[tuple[Header | Outcome | Planted | Compared, int, int]]:
    """Every line without its answer, its first byte and its length in bytes.

    Raises:
        JournalError: It can't be read, or a line other than a torn last one is damaged.
    """
    for line, n, start in _lines(path):
        try:
            item = decode_outcome(line)
        except BROKEN as e:
            raise damaged(f"{path}, line {n}", e) from None
        yield item, start, len(line)


def last_of(entries: Iterable[Entry]) -> list[Outcome]:
    """The last outcome of each key; what its earlier ends cost is part of it."""
    outcomes: dict[str, Outcome] = {}
    for entry in entries:
        _hold(outcomes, entry)
    return list(outcomes.values())


def _hold(outcomes: dict[str, Outcome], item: Outcome) -> None:
    earlier = outcomes.get(item.key)
    outcomes[item.key] = item if earlier is None else _after(earlier, item)


def _after(earlier: Outcome, now: Outcome) -> Outcome:
    """A sample that was asked again still has cost what its earlier ends did."""
    lost = earlier.lost_nano_usd if earlier.has_answer else earlier.nano_usd
    return msgspec.structs.replace(
        now,
        nano_usd=now.nano_usd + earlier.nano_usd,
        lost_nano_usd=now.lost_nano_usd + lost,
        judge_nano_usd=now.judge_nano_usd + earlier.judge_nano_usd,
    )


def read_entries(path: str | Path) -> Iterator[Entry]:
    """Every line with its answer, in the order of arrival; damaged lines are left out."""
    for line, n, _ in _lines(path):
        try:
            item = decode_entry(line, f"{path}, line {n}")
        except JournalError:
            continue
        if isinstance(item, Entry):
            yield item


def _lines(path: str | Path) -> Iterator[tuple[bytes, int, int]]:
    """Whole lines, each with its number and its first byte."""
    start = 0
    try:
        with open(path, "rb") as file:
            for n, line in enumerate(file, start=1):
                if line.endswith(b"\n") and line.strip():
                    yield line, n, start
                start += len(line)
    except OSError as e:
        raise JournalError(f"{path}: {e.strerror}") from e
