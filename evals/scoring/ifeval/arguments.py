"""What an instruction was given: how many words, which keyword."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

AT_LEAST, LESS_THAN = "at least", "less than"
RELATIONS = (AT_LEAST, LESS_THAN)


class Arguments(msgspec.Struct, frozen=True):
    """The arguments of all kinds, under their names in IFEval's files; None where a kind has no such.

    Counts may be floats: some copies of the set went through tables that know no whole numbers.
    """

    capital_frequency: float | None = None
    capital_relation: str | None = None
    end_phrase: str | None = None
    first_word: str | None = None
    forbidden_words: list[str] | None = None
    frequency: float | None = None
    keyword: str | None = None
    keywords: list[str] | None = None
    language: str | None = None
    let_frequency: float | None = None
    let_relation: str | None = None
    letter: str | None = None
    nth_paragraph: float | None = None
    num_bullets: float | None = None
    num_highlights: float | None = None
    num_paragraphs: float | None = None
    num_placeholders: float | None = None
    num_sections: float | None = None
    num_sentences: float | None = None
    num_words: float | None = None
    postscript_marker: str | None = None
    prompt_to_repeat: str | None = None
    relation: str | None = None
    section_spliter: str | None = None

    def text(self, name: str) -> str:
        """The argument `name`.

        Raises:
            ValueError: It is missing.
        """
        value = getattr(self, name)
        if not isinstance(value, str):
            raise ValueError(f"{name} is missing")
        return value

    def texts(self, name: str) -> list[str]:
        """As `text`, for lists."""
        value = getattr(self, name)
        if not isinstance(value, list):
            raise ValueError(f"{name} is missing")
        return value

    def count(self, name: str) -> float:
        """As `text`, for numbers."""
        value = getattr(self, name)
        if not isinstance(value, float | int):
            raise ValueError(f"{name} is missing")
        return value

    def allows(self, n: int, *, relation: str, count: str) -> bool:
        """`n` stands to the argument `count` as the argument `relation` says."""
        wanted = self.count(count)
        return n < wanted if self.text(relation) == LESS_THAN else n >= wanted


def arguments(given: Mapping[str, object] | None) -> Arguments:
    """Arguments from one object of `kwargs`; fields it doesn't know are left out.

    Raises:
        ValueError: A field is of the wrong type.
    """
    try:
        return msgspec.convert(given or {}, Arguments)
    except msgspec.ValidationError as e:
        raise ValueError(str(e).partition(" - at `$.")[2].rstrip("`") + " is of the wrong type") from None
