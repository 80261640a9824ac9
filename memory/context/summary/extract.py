"""The local summary: the conversation's own sentences, those that tell most."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stepwell.memory.context.log.log import Name, Summary
from stepwell.memory.context.packing.dates import day
from stepwell.memory.context.summary.cut import n_tokens
from stepwell.memory.context.summary.sentences import sentences
from stepwell.memory.context.summary.speaker import speaker_of
from stepwell.memory.context.summary.summarizer import NOBODY, Said
from stepwell.memory.context.summary.worth import stems, worth

_MAX_WEIGHED = 100  # of new sentences, the best; a summary has about ten
_REPEAT_PENALTY = 4.0
_LEAST_LEFT = 8
_LEAST_OLD = 0.3  # what the summary says already goes only where something better comes
_SKIPPED_ROLES = ("tool", "function", "system", "developer")
_PAUSE_S = 1e-5
_MAX_LABEL_CHARS = 64  # a speaker and a day
_RELATIVE = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|(?:last|next|this|past|coming) (?:week|weekend|month|year|night|morning"
    r"|evening|spring|summer|autumn|fall|winter|(?:mon|tues|wednes|thurs|fri|satur|sun)day))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    place: int
    text: str
    value: float


class ExtractiveSummarizer:
    """Keeps the best of the summary's lines and the new turns' sentences, by maximal marginal relevance.

    Lines are `Speaker: sentence`, in the order in which they were said, each sentence verbatim in its turn; one that
    says "last week" is `Speaker, 8 May 2023: sentence` where the time is known. No model, no
    state but the summary's own text, a few ms a batch in a worker thread. Method: Carbonell & Goldstein 1998.
    """

    name = "extract"

    async def extend(
        self, summary: Summary | None, turns: Sequence[Said], *, max_tokens: int, of: Name = NOBODY
    ) -> str:
        return await asyncio.to_thread(extract, summary.text if summary else "", turns, max_tokens)


def extract(text: str, turns: Sequence[Said], max_tokens: int) -> str:
    """The summary `text`, one line a sentence, with what the turns add, in at most `max_tokens`."""
    old = [_line(i, line, _LEAST_OLD) for i, line in enumerate(_lines_of(text))]
    new = [_line(i, line) for i, line in enumerate(_lines_said(turns), len(old))]
    best = sorted((line for line in new if line.value > 0), key=lambda line: -line.value)[:_MAX_WEIGHED]
    chosen = _chosen(_distinct([*old, *best]), max_tokens)
    while chosen and n_tokens(_joined(chosen)) > max_tokens:
        chosen.pop()
    return _joined(chosen)


def _lines_of(text: str) -> list[str]:
    """A tier's summary is prose: each of its sentences is a line of its own."""
    return [
        part for line in text.splitlines() for part in ([line] if _taken_apart(line)[0] else sentences(line))
    ]


def _lines_said(turns: Sequence[Said]) -> Iterable[str]:
    for said in turns:
        _let_others_run()
        if said.message.role not in _SKIPPED_ROLES:
            yield from (f"{_label(said, sentence)}: {sentence}" for sentence in sentences(said.message.text))


def _label(said: Said, sentence: str) -> str:
    """Who says it, and the day where the sentence makes no sense without."""
    speaker = speaker_of(said.message)
    return f"{speaker}, {day(said.at_s)}" if said.at_s and _RELATIVE.search(sentence) else speaker


def _line(place: int, text: str, least: float = -1.0) -> _Line:
    speaker, said = _taken_apart(text)
    return _Line(place, text, max(worth(said, speaker=speaker), least))


def _taken_apart(line: str) -> tuple[str, str]:
    label, colon, said = line.partition(": ")
    return (label.partition(", ")[0], said) if colon and len(label) <= _MAX_LABEL_CHARS else ("", line)


def _distinct(lines: list[_Line]) -> list[_Line]:
    return list({line.text: line for line in reversed(lines)}.values())


def _chosen(lines: list[_Line], max_tokens: int) -> list[_Line]:
    """Lines by falling gain for their length, those that fit."""
    about = {line.place: stems(_taken_apart(line.text)[1]) for line in lines}
    gains = {line.place: line.value for line in lines}
    waiting = {line.place: line for line in lines}
    chosen: list[_Line] = []
    left = max_tokens
    while waiting and left >= _LEAST_LEFT:
        _let_others_run()
        best = waiting.pop(max(waiting, key=lambda p: (gains[p] / len(waiting[p].text) ** 0.5, -p)))
        if gains[best.place] <= 0:
            break
        n = n_tokens(best.text + "\n")
        if n > left:
            continue
        chosen.append(best)
        left -= n
        for place, line in waiting.items():
            repeats = _REPEAT_PENALTY * _overlap(about[place], about[best.place]) ** 2
            gains[place] = min(gains[place], line.value - repeats)
    return chosen


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / (len(a) * len(b)) ** 0.5 if a and b else 0.0


def _joined(lines: Iterable[_Line]) -> str:
    return "\n".join(line.text for line in sorted(lines, key=lambda line: line.place))


def _let_others_run() -> None:
    """A thread that only computes keeps the event loop waiting for 5 ms at a time."""
    time.sleep(_PAUSE_S)
