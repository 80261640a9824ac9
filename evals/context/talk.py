"""A conversation with questions about it: what packing is measured on."""

from __future__ import annotations

import msgspec

from stepwell.memory.context.packing.render import Line, line


class Utterance(msgspec.Struct, frozen=True):
    """One turn.

    Attributes:
        caption: Of the photo sent with it, "" where there is none.
        at_s: Unix time at which it was said (its session began), read as UTC; 0 where unknown.
        day: That day as headers show it ("8 May, 2023"), "" where unknown.
    """

    speaker: str
    text: str
    caption: str = ""
    at_s: float = 0.0
    day: str = ""

    @property
    def said(self) -> str:
        """The text with the photo."""
        photo = f"[photo: {self.caption}]" if self.caption else ""
        return f"{self.text} {photo}".strip()

    @property
    def line(self) -> str:
        """`Speaker: text [photo: caption]`."""
        return line(self.speaker, self.text, self.caption)


class Question(msgspec.Struct, frozen=True):
    """A question about a conversation.

    Attributes:
        evidence: Places of the turns that hold the answer, rising; empty where they are not known.
        kind: "multi", "temporal", "open", "single", or "adversarial" (asked about the wrong one; not scored).
    """

    id: str
    text: str
    answer: str
    evidence: tuple[int, ...]
    kind: str

    @property
    def is_scored(self) -> bool:
        return bool(self.evidence) and self.kind != "adversarial"


class Talk(msgspec.Struct, frozen=True):
    """A conversation, in the order in which it was said, and the questions about it."""

    id: str
    turns: tuple[Utterance, ...]
    questions: tuple[Question, ...]

    @property
    def lines(self) -> list[Line]:
        """Its turns as they are rendered."""
        return [Line(turn.line, turn.day) for turn in self.turns]
