"""What the phone check finds and leaves."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stepwell.base.errors import ConfigError
from stepwell.guards.checks.phone import make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("call (206) 479-4041 today", "(206) 479-4041"),
        ("+44 20 7888 8577", "+44 20 7888 8577"),
        ("tel:+49 30 5075476", "+49 30 5075476"),
        ("my mobile is 07700 063 966", "07700 063 966"),
        ("user=415.579.9160 status", "415.579.9160"),
        ("06 12 34 56 78 is where I am", "06 12 34 56 78"),
        ("el 612 34 56 78 es mio", "612 34 56 78"),
        ("put 0171/1234567 there", "0171/1234567"),
        ("put 0171 1234567 there", "0171 1234567"),
        ("(0116) 4960157, bye", "(0116) 4960157"),
        ("on 044 668 18 00 only", "044 668 18 00"),
        ("(11) 96123-4567 on the form", "(11) 96123-4567"),
        ("(+358) 532926126 on the form", "(+358) 532926126"),
        ("it is +298 211234", "+298 211234"),
        ("(891) 024-4859 is mine", "(891) 024-4859"),
        ("Tel. 58584719", "58584719"),
        ("Fax: 463-612-6138x036", "463-612-6138"),
    ],
)
def test_finds(text: str, value: str) -> None:
    assert [text[f.start : f.end] for f in make().find(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21",
        "call at 21/11/2026",
        "order 4521367 890 121",
        "25.612230, 131.007144 from the call",
        "call version 18.18.14.9069",
        "scores 70-66-66-71",
        "[14:28:08 28/02/11]",
        "(1935-1963), poet",
        "06 12 345 678 90 in the table",
        "pages 512 345 678",
        "0123456789 on the form",
        "978-3-16-148410-0",
        "ts=1719212858 after the call",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []


def test_regions_are_chosen() -> None:
    text = "put 06 12 34 56 78 there"
    assert make(["GB"]).find(text) == []
    assert len(make(["FR"]).find(text)) == 1
    with pytest.raises(ConfigError, match="XX"):
        make(["XX"])


def test_the_plans_load_only_where_they_are_asked() -> None:
    code = (
        "import sys; from stepwell.guards.checks.phone import make; c = make(); "
        "c.find('call (206) 479-4041, 2024-05-12'); assert 'phonenumbers' not in sys.modules; "
        "c.find('put 06 12 34 56 78 there'); assert 'phonenumbers' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
