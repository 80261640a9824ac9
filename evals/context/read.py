"""Read conversations with questions: LoCoMo's list, or our own JSON Lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from stepwell.base.errors import BadRequest
from stepwell.evals.context.locomo import Erratum, day_of, parse_locomo
from stepwell.evals.context.talk import Question, Talk, Utterance


class _Said(msgspec.Struct, omit_defaults=True):
    speaker: str
    text: str
    caption: str = ""


class _Session(msgspec.Struct):
    at: datetime | None
    turns: list[_Said]


class _Asked(msgspec.Struct):
    question: str
    answer: str
    evidence: list[int]
    kind: str


class Row(msgspec.Struct):
    """A line of our own format: one conversation. `evidence` counts turns from 1 through all sessions."""

    id: str
    sessions: list[_Session]
    questions: list[_Asked]


_decode_row = msgspec.json.Decoder(Row).decode


def holds_talks(first: str) -> bool:
    """Whether a file that begins with this line holds conversations with questions."""
    begin = first.lstrip("\ufeff \t\r\n")
    return begin.startswith("[") or ('"sessions"' in begin and '"questions"' in begin)


def read_talks(raw: bytes, errata: Mapping[str, Erratum] | None = None) -> list[Talk]:
    """The conversations of a file, LoCoMo's or ours, by what it begins with.

    Raises:
        BadRequest: It is neither, or it is empty, or two conversations have one id; shows none of its text.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    is_list = raw.lstrip().startswith(b"[")
    talks = parse_locomo(raw, errata) if is_list else _parse_rows(raw)
    if not talks:
        raise BadRequest("There are no conversations in it.")
    if len({talk.id for talk in talks}) < len(talks):
        raise BadRequest("Two conversations have the same id.")
    return talks


def _parse_rows(raw: bytes) -> list[Talk]:
    talks: list[Talk] = []
    for n, line in enumerate(raw.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            talks.append(_talk(_decode_row(line)))
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as e:
            raise BadRequest(f"Line {n} is no conversation with questions: {e}") from None
        except IndexError as e:
            raise BadRequest(f"Line {n}: {e}") from None
    return talks


def _talk(row: Row) -> Talk:
    turns: list[Utterance] = []
    for session in row.sessions:
        at_s, day = _when(session.at)
        turns += [Utterance(said.speaker, said.text, said.caption, at_s, day) for said in session.turns]
    asked = [
        Question(f"{row.id}-q{i}", q.question, q.answer, _places(q.evidence, len(turns)), q.kind)
        for i, q in enumerate(row.questions)
    ]
    return Talk(row.id, tuple(turns), tuple(asked))


def _when(at: datetime | None) -> tuple[float, str]:
    if at is None:
        return 0.0, ""
    moment = at if at.tzinfo else at.replace(tzinfo=UTC)
    return moment.timestamp(), day_of(moment)


def _places(numbers: list[int], n_turns: int) -> tuple[int, ...]:
    if not all(0 < number <= n_turns for number in numbers):
        raise IndexError(f"evidence names a turn that is not there; they count from 1 to {n_turns}")
    return tuple(sorted({number - 1 for number in numbers}))
