"""What the date_of_birth check finds and leaves."""

from __future__ import annotations

import pytest

from stepwell.guards.checks.date_of_birth import make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("I was born on 12 March 1985 in Leeds", "12 March 1985"),
        ("She was born in Leeds, on March 12th, 1985.", "March 12th, 1985"),
        ("DOB: 03/12/1985", "03/12/1985"),
        ("d.o.b. 3-12-85, male", "3-12-85"),
        ("Date of birth (DD/MM/YYYY): 12.03.1985", "12.03.1985"),
        ('{"date_of_birth": "1985-03-12"}', "1985-03-12"),
        ('{"birth_date":"1985-03-12T00:00:00Z"}', "1985-03-12"),
        ("birthday = 1985/3/12", "1985/3/12"),
        ("geb. am 12. März 1985", "12. März 1985"),
        ("geboren 12.3.1985", "12.3.1985"),
        ("née le 1er mai 1990", "1er mai 1990"),
        ("Date de naissance : 12/03/1985", "12/03/1985"),
        ("nacida el 12 de septiembre de 1985", "12 de septiembre de 1985"),
        ("nato a Roma il 12 marzo 1985", "12 marzo 1985"),
        ("Geboortedatum: 12-03-1985", "12-03-1985"),
        ("nascido em 12 de março de 1985", "12 de março de 1985"),
        ("urodzony 12.03.1985", "12.03.1985"),
    ],
)
def test_finds(text: str, value: str) -> None:
    assert [text[f.start : f.end] for f in make().find(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "The meeting is on 12 March 1985",
        "Born in 1985",
        "A star is born. On 12 March 1985 it shone",
        "born 2 days later, 12/03/1985",
        "dob: 32/03/1985",
        "dob: 13/13/1985",
        "reborn 12 March 1985",
        "birth weight 3.12.1985.7",
        "né le matin",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []
