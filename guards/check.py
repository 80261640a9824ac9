"""What a check is: a pure function from text to findings, and how much of a text may still be open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from stepwell.base.decisions import Finding

if TYPE_CHECKING:
    from stepwell.guards.context import Context

WHOLE_TEXT = 0
"""A `max_len` for checks that must see the whole text; a stream buffers for them."""


@runtime_checkable
class Check(Protocol):
    """Finds one family of values. Holds no state between calls.

    Attributes:
        name: As written in the config.
        kinds: Every `Finding.kind` it may report.
        max_len: Longest value with the context it needs, in characters; WHOLE_TEXT if it has to see all.
    """

    @property
    def name(self) -> str: ...
    @property
    def kinds(self) -> tuple[str, ...]: ...
    @property
    def max_len(self) -> int: ...

    def find(self, text: str) -> list[Finding]:
        """Return what is in `text`, by rising start."""
        ...


@runtime_checkable
class StreamCheck(Check, Protocol):
    r"""A check that knows which end of a text is still open, so that a stream holds back no more than that.

    Text in which neither `alert` nor `lead` matches holds no value before the first match of `tail`.
    """

    alert: str
    """Regex that matches, from a place that EDGE allows, where a value may stand: `open_at` and `find` must tell."""
    tail: str
    """Regex, tied to the end of the text, for a value that `alert` can't see yet; matches from its start."""
    near: tuple[str, ...]
    """Lower-case words; behind one of them, within NEAR_CHARS, a value may begin that `alert` can't see."""
    lead: str
    """Regex for a wording with one of `near` and a value behind it, cut off by the end of the text or not."""

    def open_at(self, text: str, start: int = 0) -> int:
        """Return where the first value begins that more text may complete or change; len(text) if none does.

        Findings of `text` that begin before it are final. Values that begin before `start` need not be seen.
        No decision looks back over more than BEFORE_CHARS.
        """
        ...

    def decides_at(self, text: str, at: int) -> int:
        """Return how long the text must be until what `open_at` found open at `at` may be decided, at the soonest."""
        ...


@runtime_checkable
class ContextCheck(Check, Protocol):
    """A check that has to know more than the text: the system prompt, the documents, the request's embedding.

    `find` then is `find_in` with nothing known.
    """

    def find_in(self, text: str, context: Context) -> list[Finding]:
        """As `find`."""
        ...


@runtime_checkable
class Judge(ContextCheck, Protocol):
    """A check that scores a text as a whole (or windows of it) by what it learned; a rule's threshold decides.

    Attributes:
        floor: Scores below it are not reported.
        reads_vector: Whether the request's embedding helps it; it must do without one, too.
    """

    floor: float
    reads_vector: bool

    def default_threshold(self, false_blocks: float) -> float:
        """The threshold for a budget of false blocks, 0..1, on traffic never seen: as careful as its card allows."""
        ...


@runtime_checkable
class SchemaCheck(Check, Protocol):
    """A check that has nothing to say where no schema is asked for."""

    has_own_schema: bool


@runtime_checkable
class ForeignCheck(Check, Protocol):
    """A check of ours that runs another's engine: as slow and as likely to fail, so it gets a time limit."""

    engine: str


BEFORE_CHARS = 128
"""How far back any shipped check looks for context."""
NEAR_CHARS = 40
"""How far behind one of its `near` words a value may begin."""


def edge(chars: str) -> str:
    """Regex for a place that none of `chars` precedes; an escaped line break in JSON text counts as one."""
    return rf"(?:(?<![{chars}])|(?<=\\[nrt]))"


def begins(first: str, chars: str, ahead: str = "") -> str:
    """Regex for one character of `first`, `ahead` behind it, at such an edge; faster to search for than `edge`."""
    return rf"{first}{ahead}(?:(?<![{chars}].)|(?<=\\[nrt].))"


def any_word(words: str) -> re.Pattern[str]:
    """Regex for any of some lower-case words as a whole, made so that it is fast where there is none."""
    firsts: dict[str, list[str]] = {}
    for word in words.split():
        firsts.setdefault(word[0], []).append(word[1:])
    rests = "|".join(f"(?<={first})(?:{'|'.join(rest)})" for first, rest in firsts.items())
    return re.compile(rf"[{''.join(firsts)}](?<!\w.)(?:{rests})\b")


EDGE = r"(?:(?<![A-Za-z0-9])|(?=-)|(?<=\\[nrt]))"
"""Regex for a place where a value of any shipped check may begin."""
# seven digits and more may be a phone number, a card, an SSN; what is shorter may become one at the end of the text
NUMBER = r"(?<!_)[+(]{0,2}\d(?:[ ().\-/]{0,2}+\d){6}"
NUMBER_TAIL = r"(?<!_)[+(]{0,2}(?:\d(?:[ ().\-/]{0,2}+\d){0,5}+[ ().\-/]{0,2})?\Z"


class RunCheck:
    """A check whose values lie within a run of a few characters.

    Attributes:
        run: Matches such a run at the end of a text, possessive, from its first character.
        after: How many characters behind a value take part in the decision.
    """

    name: ClassVar[str]
    max_len: ClassVar[int]
    run: ClassVar[re.Pattern[str]]
    after: ClassVar[int] = 1
    near: tuple[str, ...] = ()
    lead: str = ""

    def open_at(self, text: str, start: int = 0) -> int:
        """Return the start of the run at the end, or of the part of it that a value can still reach."""
        window = max(start, len(text) - self.max_len - self.after)
        match = self.run.search(text, window)
        return match.start() if match else len(text)

    def decides_at(self, text: str, at: int) -> int:
        """The next character may decide."""
        return 0
