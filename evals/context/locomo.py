"""Read LoCoMo (Maharana et al. 2024, arXiv 2402.17753): conversations of many sessions, questions with evidence.

Its licence is CC BY-NC 4.0: it is read from where the caller has it, and nothing of it is here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from stepwell.base.errors import BadRequest
from stepwell.evals.context.talk import Question, Talk, Utterance

KINDS = {1: "multi", 2: "temporal", 3: "open", 4: "single", 5: "adversarial"}
_SESSION = re.compile(r"session_(\d+)")
_PLACE = re.compile(r"D\d+:\d+")  # a few strings hold two ids


class _Said(msgspec.Struct):
    speaker: str
    dia_id: str
    text: str = ""
    blip_caption: str | None = None


class _Asked(msgspec.Struct):
    question: str
    category: int
    answer: str | int | float | None = None
    adversarial_answer: str | int | float | None = None
    evidence: list[str] = []


class _Sample(msgspec.Struct):
    sample_id: str
    conversation: dict[str, msgspec.Raw]
    qa: list[_Asked]


class Erratum(msgspec.Struct):
    """A correction of one question."""

    question_id: str
    correct_evidence: list[str] = []
    correct_answer: str | int | float | None = None


def parse_locomo(raw: bytes, errata: Mapping[str, Erratum] | None = None) -> list[Talk]:
    """The conversations of a JSON list as LoCoMo writes it.

    Raises:
        BadRequest: It is not such a list; says where, and shows none of its text.
    """
    try:
        samples = msgspec.json.decode(raw, type=list[_Sample])
        return [_talk(sample, errata or {}) for sample in samples]
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as e:
        raise BadRequest(f"This is not LoCoMo's list of conversations: {e}") from None


def parse_errata(raw: bytes) -> dict[str, Erratum]:
    """Corrections by question id, from JSON Lines of {question_id, correct_evidence, correct_answer}.

    Raises:
        BadRequest: A line is something else; names it.
    """
    found: dict[str, Erratum] = {}
    for n, line in enumerate(raw.splitlines(), start=1):
        if line.strip():
            try:
                row = msgspec.json.decode(line, type=Erratum)
            except (msgspec.MsgspecError, UnicodeError) as e:
                raise BadRequest(f"Line {n} of the errata can't be read: {e}") from None
            found[row.question_id] = row
    return found


def day_of(moment: datetime) -> str:
    """`8 May, 2023`."""
    return f"{moment.day} {moment:%B}, {moment.year}"


def _talk(sample: _Sample, errata: Mapping[str, Erratum]) -> Talk:
    turns: list[Utterance] = []
    places: dict[str, int] = {}
    names = [match for name in sample.conversation if (match := _SESSION.fullmatch(name))]
    for name in sorted(names, key=lambda match: int(match[1])):
        at_s, day = _date(sample.conversation.get(f"{name[0]}_date_time"))
        for said in msgspec.json.decode(sample.conversation[name[0]], type=list[_Said]):
            places[said.dia_id] = len(turns)
            turns.append(Utterance(said.speaker, said.text, said.blip_caption or "", at_s, day))
    asked = (_question(f"{sample.sample_id}-q{i}", row, places, errata) for i, row in enumerate(sample.qa))
    return Talk(sample.sample_id, tuple(turns), tuple(asked))


def _date(raw: msgspec.Raw | None) -> tuple[float, str]:
    """Of "1:56 pm on 8 May, 2023"."""
    if raw is None:
        return 0.0, ""
    text = msgspec.json.decode(raw, type=str)
    try:
        moment = datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
    except ValueError:
        return 0.0, text.rpartition(" on ")[2]
    return moment.timestamp(), day_of(moment)


def _question(
    question_id: str, row: _Asked, places: Mapping[str, int], errata: Mapping[str, Erratum]
) -> Question:
    fixed = errata.get(question_id)
    answer = row.answer if row.answer is not None else row.adversarial_answer
    evidence = _places(row.evidence, places)
    if fixed is not None:
        answer = fixed.correct_answer if fixed.correct_answer is not None else answer
        evidence = _places(fixed.correct_evidence, places) or evidence
    kind = KINDS.get(row.category, str(row.category))
    return Question(question_id, row.question, "" if answer is None else str(answer), evidence, kind)


def _places(evidence: Sequence[str], places: Mapping[str, int]) -> tuple[int, ...]:
    ids = [found for text in evidence for found in _PLACE.findall(text)]
    return tuple(sorted({places[one] for one in ids if one in places}))
